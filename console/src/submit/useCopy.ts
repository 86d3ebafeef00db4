/** `#/submit?from={experiment}/{job}`: the document of a job, to be changed and run again. */
import { useEffect, useState } from "preact/hooks";
import { json, words } from "../api/client";
import { query } from "../api/paths";
import { another } from "../job/nextName";
import { useHere } from "../shell/context";
import { begin, draft } from "./draft";

/** Loads what `from` names into the draft, once; the words of what went wrong, "" while nothing did. */
export function useCopy(from: string | null): string {
  const { paths } = useHere();
  const [failure, setFailure] = useState("");
  useEffect(() => {
    const [experiment, job] = (from ?? "").split("/");
    if (!experiment || !job || draft.get().source === from) return;
    json<{ document: string }>(query(`${paths.job({ experiment, job })}/document`, {})).then(
      ({ document }) =>
        begin({ text: document, experiment, name: another(job), source: `${experiment}/${job}` }),
      (error: unknown) => setFailure(words(error)),
    );
  }, [from, paths]);
  return failure;
}
