/** Lines and columns of a text, both counted from 1 as in problems. */

/** Offsets where the lines begin. */
export function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** The line that `offset` is in. */
export function lineAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= offset) low = middle;
    else high = middle - 1;
  }
  return low + 1;
}

/** The offset of a line and column, as near as the text has it. Columns count characters, not UTF-16 units. */
export function offsetOf(text: string, starts: readonly number[], line: number, column: number): number {
  const index = Math.min(Math.max(line, 1), starts.length) - 1;
  const from = starts[index] as number;
  const end = index + 1 < starts.length ? (starts[index + 1] as number) - 1 : text.length;
  let at = from;
  for (let passed = 1; passed < column && at < end; passed++)
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return Math.min(at, end);
}

/** The text between the beginning of the line of `offset` and `offset`. */
export function beforeOnLine(text: string, offset: number): string {
  return text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
}
