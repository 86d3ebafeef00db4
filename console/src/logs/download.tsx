/** The whole log as a file, put together from ranges: a request carries the key, which a link cannot. */
import { useEffect, useRef, useState } from "preact/hooks";
import { words } from "../api/client";
import { bytes } from "../parts/words";
import type { Read } from "./reader";

/** Bytes of one request, the most that the operation gives. */
const PIECE = 4 << 20;

export function Download({ read, name }: { read: Read; name: string }) {
  const [said, setSaid] = useState("");
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  async function begin() {
    const stopped = new AbortController();
    running.current = stopped;
    try {
      const progress = (at: number, size: number) => setSaid(`${bytes(at)} of ${bytes(size)}`);
      save(await whole(read, stopped.signal, progress), name.split("/").at(-1) ?? "log.txt");
      setSaid("");
    } catch (failure) {
      setSaid(stopped.signal.aborted ? "" : words(failure));
    }
    running.current = null;
  }
  return (
    <>
      <button type="button" onClick={() => (running.current ? running.current.abort() : void begin())}>
        {said && running.current ? "Stop" : "Download"}
      </button>
      <span class="quiet" role="status">
        {said}
      </span>
    </>
  );
}

/** Everything that is in the log now. A Blob of many pieces is kept by the browser, on disk if it is large. */
export async function whole(
  read: Read,
  signal: AbortSignal,
  progress: (at: number, size: number) => void,
): Promise<Blob> {
  const pieces: Blob[] = [];
  let at = 0;
  for (;;) {
    const range = await read(at, PIECE, signal);
    if (!range.bytes.length) return new Blob(pieces, { type: "text/plain" });
    pieces.push(new Blob([range.bytes as BlobPart]));
    at = range.offset + range.bytes.length;
    progress(at, range.size);
  }
}

function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
