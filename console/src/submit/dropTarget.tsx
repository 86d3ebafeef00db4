/** A file that is dragged over the page, wherever it is: dropped, it becomes the document to submit. */
import { useEffect, useState } from "preact/hooks";
import { href, navigate } from "../router";
import { useHere } from "../shell/context";
import { freshName, kindOf, MOST_BYTES } from "./documents";
import { begin } from "./draft";
import { said } from "./said";

export function DropTarget() {
  const { session, workspace } = useHere();
  const [over, setOver] = useState(false);
  useEffect(() => {
    const dragged = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(true);
    };
    // Leaving one element for another is no leaving: only the last one names nothing that is entered.
    const left = (event: DragEvent) => event.relatedTarget === null && setOver(false);
    const dropped = (event: DragEvent) => {
      const file = event.dataTransfer?.files[0];
      setOver(false);
      if (!file) return;
      event.preventDefault();
      void take(file).then(() => navigate(href(["submit"], { workspace })));
    };
    if (!session.may.submit) return;
    addEventListener("dragover", dragged);
    addEventListener("dragleave", left);
    addEventListener("drop", dropped);
    return () => {
      removeEventListener("dragover", dragged);
      removeEventListener("dragleave", left);
      removeEventListener("drop", dropped);
    };
  }, [session, workspace]);
  return over ? (
    <div class="drop-target" aria-hidden="true">
      <p>Drop a job.json, sweep.json or cluster.json to check and submit it</p>
    </div>
  ) : null;
}

/** Makes `file` the document that is written. */
export async function take(file: File): Promise<void> {
  if (file.size > MOST_BYTES) {
    said.set(`${file.name} is larger than a document may be (1 MiB). Nothing was read.`);
    return;
  }
  const text = await file.text();
  const kind = kindOf(text);
  said.set("");
  begin({ text, kind, name: freshName(file.name, new Date()), source: file.name });
}
