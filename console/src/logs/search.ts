/** Finding words in a log of any size: range after range, with no more in memory than one. */
import { plain } from "./ansi";
import { type Cut, cut, firstLine, LONGEST, NEWLINE, unfinished } from "./lines";
import type { Read } from "./reader";

const STRIDE = 3 << 20;

export interface Quest {
  read: Read;
  size: number;
  words: string;
  /** Offset of the line to begin beside: the first that is looked at is the next one, or the one before. */
  from: number;
  backward: boolean;
  /** Offset that has been reached. */
  progress(at: number): void;
  signal: AbortSignal;
  /** Bytes read at once. */
  stride?: number;
}

/** Whether a line holds `words`; case counts only where they have capitals. */
export function matcher(words: string): (text: string) => boolean {
  const exact = words !== words.toLowerCase();
  return (text) => (exact ? text : text.toLowerCase()).includes(words);
}

/** Offset of the nearest line with the words, beginning again at the other end; null where there is none. */
export async function find(quest: Quest): Promise<number | null> {
  const parts: [number, number][] = quest.backward
    ? [
        [0, quest.from],
        [quest.from, quest.size],
      ]
    : [
        [quest.from + 1, quest.size],
        [0, quest.from + 1],
      ];
  for (const [begin, end] of parts) {
    const found = quest.backward ? await upward(quest, begin, end) : await downward(quest, begin, end);
    if (found !== null) return found;
  }
  return null;
}

/** The first line that begins within [begin, end) and fits. */
async function downward(quest: Quest, begin: number, end: number): Promise<number | null> {
  const fits = matcher(quest.words);
  const stride = quest.stride ?? STRIDE;
  // The byte before says whether a line begins at `begin`.
  let partial = begin > 0;
  let at = partial ? begin - 1 : 0;
  while (at < end) {
    const { bytes } = await quest.read(at, stride, quest.signal);
    if (!bytes.length) return null;
    const skip = partial ? firstLine(bytes) : 0;
    const { lines, taken } = linesOf(bytes.subarray(skip), at + skip, fits, bytes.length < stride);
    const found = lines.find((line) => line.at >= begin && line.at < end && fits(plain(line.text)));
    if (found) return found.at;
    at += skip + taken;
    partial = false;
    quest.progress(Math.min(at, end));
  }
  return null;
}

/** The last line that begins within [begin, end) and fits. */
async function upward(quest: Quest, begin: number, end: number): Promise<number | null> {
  const fits = matcher(quest.words);
  const stride = quest.stride ?? STRIDE;
  let to = end;
  while (to > begin) {
    const from = Math.max(0, to - stride);
    // The last line that begins before `to` ends after it.
    const { bytes } = await quest.read(from, to - from + LONGEST, quest.signal);
    if (!bytes.length) return null;
    const skip = from > 0 ? firstLine(bytes) : 0;
    const { lines } = linesOf(bytes.subarray(skip), from + skip, fits, true);
    const found = lines.findLast((line) => line.at >= begin && line.at < to && fits(plain(line.text)));
    if (found) return found.at;
    // Always further up, though a line longer than a stride may have begun before the range.
    to = from === 0 ? 0 : Math.min(from + skip, to - 1);
    quest.progress(to);
  }
  return null;
}

const ESCAPE = 27;
const decoder = new TextDecoder();

/** The lines of a range, none where no line can fit. `last`: what is no whole line is one, too. */
function linesOf(bytes: Uint8Array, offset: number, fits: (text: string) => boolean, last: boolean): Cut {
  // Most ranges hold nothing: one look at the whole is much cheaper than one at each line. Escapes may lie
  // within the words.
  const hopeless = !bytes.includes(ESCAPE) && !fits(decoder.decode(bytes));
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  if (hopeless) return { lines: [], taken: last || !end ? bytes.length : end };
  const { lines, taken } = cut(bytes, offset);
  const rest = last || !taken ? unfinished(bytes.subarray(taken), offset + taken) : null;
  return rest ? { lines: [...lines, rest], taken: bytes.length } : { lines, taken };
}
