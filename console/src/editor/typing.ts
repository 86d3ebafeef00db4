/** What keys do in an editor of JSON beside writing themselves. */
import { beforeOnLine } from "./lines";

/** A change of the text between `from` and `to`, and the selection after it. */
export interface Change {
  from: number;
  to: number;
  insert: string;
  select: [number, number];
}

const STEP = "  ";

/** A new line, as deep as its place asks; between brackets also one for the closing bracket. */
export function newLine(text: string, from: number, to: number): Change {
  const indent = /^[ \t]*/.exec(beforeOnLine(text, from))?.[0] ?? "";
  const opened = /[{[]\s*$/.test(beforeOnLine(text, from));
  const closes = /^\s*[}\]]/.test(text.slice(to).split("\n", 1)[0] ?? "");
  const first = `\n${indent}${opened ? STEP : ""}`;
  const insert = opened && closes ? `${first}\n${indent}` : first;
  const at = from + first.length;
  return { from, to, insert, select: [at, at] };
}

/** The lines of the selection one step deeper, or less deep; a caret alone: spaces up to the next step. */
export function indented(text: string, from: number, to: number, less: boolean): Change {
  if (from === to && !less) return { from, to, insert: STEP, select: [from + 2, from + 2] };
  const begin = text.lastIndexOf("\n", from - 1) + 1;
  const end = text.indexOf("\n", to) < 0 ? text.length : text.indexOf("\n", to);
  const lines = text.slice(begin, end).split("\n");
  const moved = lines.map((line) => (less ? line.replace(/^ {1,2}|^\t/, "") : STEP + line));
  const insert = moved.join("\n");
  const first = (moved[0]?.length ?? 0) - (lines[0]?.length ?? 0);
  const start = Math.max(begin, from + first);
  return {
    from: begin,
    to: end,
    insert,
    select: [start, Math.max(start, to + insert.length - (end - begin))],
  };
}
