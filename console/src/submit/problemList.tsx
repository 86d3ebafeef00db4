/** Every problem of a document, each with the way to its line. */
import type { Problem } from "../api/types";

interface Listed {
  problems: readonly Problem[];
  go(problem: Problem): void;
}

const RANKS = { error: 0, warning: 1, note: 2 };

export function ProblemList({ problems, go }: Listed) {
  const sorted = [...problems].sort((a, b) => RANKS[a.severity] - RANKS[b.severity] || a.line - b.line);
  return (
    <ul class="problems" aria-label="Problems">
      {sorted.map((problem) => (
        <li
          key={`${problem.line}:${problem.column}:${problem.path}:${problem.message}`}
          class={problem.severity}
        >
          {problem.line > 0 ? (
            <button type="button" class="plain place" onClick={() => go(problem)}>
              line {problem.line}
            </button>
          ) : (
            <span class="place">document</span>
          )}
          <span class="severity">{problem.severity}</span>
          <span class="said">
            <code>{problem.path}</code> {problem.message}
            {problem.hint && <span class="quiet"> {problem.hint}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** "2 errors, 1 warning" */
export function counted(problems: readonly Problem[]): string {
  const said = (["error", "warning", "note"] as const).flatMap((severity) => {
    const number = problems.filter((problem) => problem.severity === severity).length;
    return number ? [`${number} ${severity}${number === 1 ? "" : "s"}`] : [];
  });
  return said.join(", ");
}
