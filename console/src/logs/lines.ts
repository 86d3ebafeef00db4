/** Bytes of a log as lines. PURE. */

export interface Line {
  /** Offset in the file, of its first byte. */
  at: number;
  text: string;
}

/** Bytes; what is longer is shown in pieces of that length. */
export const LONGEST = 8192;
export const NEWLINE = 10;
const decoder = new TextDecoder();

export interface Cut {
  lines: Line[];
  /** How many of the bytes are in `lines`; the others may go on. */
  taken: number;
}

/** The whole lines at the beginning of `bytes`, which lie at `offset` of the file. */
export function cut(bytes: Uint8Array, offset: number): Cut {
  const lines: Line[] = [];
  let begin = 0;
  for (;;) {
    const found = bytes.indexOf(NEWLINE, begin);
    const end = found < 0 ? bytes.length : found;
    while (end - begin > LONGEST) {
      const piece = boundary(bytes, begin + LONGEST);
      lines.push(line(bytes, begin, piece, offset));
      begin = piece;
    }
    if (found < 0) return { lines, taken: begin };
    lines.push(line(bytes, begin, end, offset));
    begin = found + 1;
  }
}

/** What is no whole line yet, as one. */
export function unfinished(bytes: Uint8Array, offset: number): Line | null {
  return bytes.length ? line(bytes, 0, bytes.length, offset) : null;
}

/** Where the first whole line of `bytes` begins, if they are from the middle of a file. */
export function firstLine(bytes: Uint8Array): number {
  const found = bytes.indexOf(NEWLINE);
  if (found >= 0 && found + 1 < bytes.length) return found + 1;
  let at = 0;
  while (at < bytes.length && isContinuation(bytes[at])) at += 1;
  return at;
}

function line(bytes: Uint8Array, begin: number, end: number, offset: number): Line {
  return { at: offset + begin, text: decoder.decode(bytes.subarray(begin, end)) };
}

/** `at` or a little before it: not within a character of UTF-8. */
function boundary(bytes: Uint8Array, at: number): number {
  let found = at;
  while (found > at - 4 && isContinuation(bytes[found])) found -= 1;
  return found;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
