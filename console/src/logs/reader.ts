/** Ranges of bytes of a log, over HTTP. */
import { send } from "../api/client";
import { query } from "../api/paths";

/** One log file of a job. */
export interface Stream {
  /** Path relative to the job's output folder. */
  name: string;
  stream: string;
  node: string | null;
  process: string | null;
  attempt: number;
  sizeBytes: number;
  final: boolean;
}

export interface Range {
  offset: number;
  bytes: Uint8Array;
  /** Of the file, as far as it is known. */
  size: number;
  /** Nothing will follow. */
  final: boolean;
}

/** Reads at most `most` bytes from `offset`; from the end where that is negative. */
export type Read = (offset: number, most: number, signal: AbortSignal) => Promise<Range>;

/** Reads the log `name` below `logs`, the address of a job's or a run's logs. */
export function reader(logs: string, name: string): Read {
  const path = address(logs, name);
  return async (offset, most, signal) => {
    const response = await send(query(path, { offset, maxbytes: most }), { signal });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const header = (key: string) => Number(response.headers.get(`x-batchai-${key}`));
    return {
      offset: header("offset"),
      bytes,
      size: Math.max(header("size"), header("offset") + bytes.length),
      final: response.headers.get("x-batchai-final") === "true",
    };
  };
}

export function address(logs: string, name: string): string {
  return `${logs}/${name.split("/").map(encodeURIComponent).join("/")}`;
}
