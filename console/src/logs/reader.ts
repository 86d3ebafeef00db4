/** Ranges of bytes of a log, over HTTP. */
import { ApiError, send } from "../api/client";
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
  /** The job's attempt: when it becomes another one, the file begins anew. */
  attempt: string;
}

/** Reads at most `most` bytes from `offset`; from the end where that is negative. */
export type Read = (offset: number, most: number, signal: AbortSignal) => Promise<Range>;

/** Reads the log `name` below `logs`, the address of a job's or a run's logs. One that nothing has been
 * written to yet is empty. */
export function reader(logs: string, name: string): Read {
  const path = address(logs, name);
  return async (offset, most, signal) => {
    try {
      return await range(await send(query(path, { offset, maxbytes: most }), { signal }));
    } catch (error) {
      if (!(error instanceof ApiError && error.code === "LogNotFound")) throw error;
      return { offset: 0, bytes: new Uint8Array(), size: 0, final: false, attempt: "" };
    }
  };
}

async function range(response: Response): Promise<Range> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const header = (name: string) => response.headers.get(`x-batchai-${name}`) ?? "";
  const offset = Number(header("offset"));
  return {
    offset,
    bytes,
    size: Math.max(Number(header("size")), offset + bytes.length),
    final: header("final") === "true",
    attempt: header("attempt"),
  };
}

export function address(logs: string, name: string): string {
  return `${logs}/${name.split("/").map(encodeURIComponent).join("/")}`;
}
