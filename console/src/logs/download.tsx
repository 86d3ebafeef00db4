/** The whole log as a file. */
import { useState } from "preact/hooks";
import { send } from "../api/client";
import { key } from "../api/key";
import { query } from "../api/paths";
import { Failure } from "../parts/failure";
import { address } from "./reader";

export function Download({ logs, name }: { logs: string; name: string }) {
  const [failure, setFailure] = useState<unknown>();
  const path = query(address(logs, name), { download: "true" });
  const file = name.split("/").at(-1) ?? "log.txt";
  if (!key()) {
    return (
      <a class="button" href={path} download={file}>
        Download
      </a>
    );
  }
  // A link cannot carry the key, and an address must not.
  return (
    <>
      <button type="button" onClick={() => save(path, file).then(() => setFailure(undefined), setFailure)}>
        Download
      </button>
      <Failure error={failure} />
    </>
  );
}

async function save(path: string, file: string): Promise<void> {
  const url = URL.createObjectURL(await (await send(path)).blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
