/** The document as it was accepted, with what is said about it at the lines that it is about. */
import { query } from "../api/paths";
import type { Problem } from "../api/types";
import { Failure } from "../parts/failure";
import { usePoll } from "../polling/usePoll";

interface Document {
  document: string;
  problems: Problem[];
}

export function DocumentPart({ path }: { path: string }) {
  const { data, error } = usePoll<Document>(query(`${path}/document`, {}), false);
  if (!data) return error ? <Failure error={error} /> : <p class="quiet">Loading…</p>;
  const elsewhere = data.problems.filter((problem) => !(problem.line > 0));
  return (
    <div class="stack">
      {elsewhere.map((problem) => (
        <Said key={problem.path + problem.message} problem={problem} />
      ))}
      <div class="card flush scroll-x">
        <ol class="document" aria-label="Document">
          {data.document.split("\n").map((text, index) => (
            <li key={index}>
              <code>{text || "\u200b"}</code>
              {data.problems
                .filter((problem) => problem.line === index + 1)
                .map((problem) => (
                  <Said key={problem.path + problem.message} problem={problem} />
                ))}
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}

function Said({ problem }: { problem: Problem }) {
  return (
    <div class={`notice ${problem.severity}`}>
      <strong>{problem.severity}</strong> {problem.path}: {problem.message}
      {problem.hint && <div>{problem.hint}</div>}
    </div>
  );
}
