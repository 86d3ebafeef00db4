/** The part of a log that is in memory: whole lines of one range of bytes, in blocks, bounded. PURE.
 *
 * A log may be of any size; what is kept of it is not. Blocks are never changed, only replaced, so that the view
 * draws again what is new. */
import { type Paint, PLAIN, painted } from "./ansi";
import { cut, firstLine, type Line, unfinished } from "./lines";

export interface Block {
  lines: readonly Line[];
  /** Offset after its last line. */
  end: number;
  /** The look that its first line begins with. */
  paint: Paint;
  /** The look after its last line. */
  after: Paint;
}

export interface LogWindow {
  /** Offsets of the range. */
  start: number;
  end: number;
  blocks: readonly Block[];
  /** Bytes before `end` that are no whole line yet. */
  rest: Uint8Array;
}

const BLOCK = 64; // lines
export const MOST_BYTES = 2 << 20;
export const MOST_LINES = 12_000;

export function empty(at: number): LogWindow {
  return { start: at, end: at, blocks: [], rest: new Uint8Array() };
}

/** A window of `bytes`, which lie at `offset`; from the first whole line, if that is not the beginning of the file. */
export function opened(bytes: Uint8Array, offset: number): LogWindow {
  const from = offset > 0 ? firstLine(bytes) : 0;
  return appended(empty(offset + from), bytes.subarray(from));
}

/** With the bytes that follow. */
export function appended(window: LogWindow, bytes: Uint8Array): LogWindow {
  if (!bytes.length) return window;
  const begin = window.end - window.rest.length;
  const all = joined(window.rest, bytes);
  const { lines, taken } = cut(all, begin);
  const last = window.blocks.at(-1);
  const grows = last && last.lines.length < BLOCK;
  const kept = grows ? window.blocks.slice(0, -1) : window.blocks;
  const together = grows ? [...last.lines, ...lines] : lines;
  const paint = grows ? last.paint : (last?.after ?? PLAIN);
  return {
    start: window.start,
    end: window.end + bytes.length,
    blocks: [...kept, ...blocks(together, begin + taken, paint)],
    rest: all.slice(taken),
  };
}

/** With the bytes that lie before it, from `offset`. */
export function prepended(window: LogWindow, bytes: Uint8Array, offset: number): LogWindow {
  const from = offset > 0 ? firstLine(bytes) : 0;
  const { lines, taken } = cut(bytes.subarray(from), offset + from);
  const tail = unfinished(bytes.subarray(from + taken), offset + from + taken);
  const all = tail ? [...lines, tail] : lines;
  return { ...window, start: offset + from, blocks: [...blocks(all, window.start, PLAIN), ...window.blocks] };
}

/** Without blocks at the beginning that are more than is kept. */
export function trimmedTop(window: LogWindow): LogWindow {
  let drop = 0;
  let count = lineCount(window);
  while (drop < window.blocks.length - 1) {
    const block = window.blocks[drop] as Block;
    if (window.end - startOf(block) <= MOST_BYTES && count <= MOST_LINES) break;
    count -= block.lines.length;
    drop += 1;
  }
  if (!drop) return window;
  const kept = window.blocks.slice(drop);
  return { ...window, start: startOf(kept[0] as Block), blocks: kept };
}

/** Without blocks at the end that are more than is kept. */
export function trimmedBottom(window: LogWindow): LogWindow {
  let keep = window.blocks.length;
  let count = lineCount(window);
  while (keep > 1) {
    const block = window.blocks[keep - 1] as Block;
    const end = keep === window.blocks.length ? window.end : block.end;
    if (end - window.start <= MOST_BYTES && count <= MOST_LINES) break;
    count -= block.lines.length;
    keep -= 1;
  }
  if (keep === window.blocks.length) return window;
  const kept = window.blocks.slice(0, keep);
  return { ...window, blocks: kept, end: (kept.at(-1) as Block).end, rest: new Uint8Array() };
}

/** The line that is not ended yet, or null. */
export function openLine(window: LogWindow): Line | null {
  return unfinished(window.rest, window.end - window.rest.length);
}

export function lineCount(window: LogWindow): number {
  return window.blocks.reduce((sum, block) => sum + block.lines.length, 0);
}

export function startOf(block: Block): number {
  return block.lines[0]?.at ?? block.end;
}

function blocks(lines: readonly Line[], end: number, paint: Paint): Block[] {
  const found: Block[] = [];
  let before = paint;
  for (let at = 0; at < lines.length; at += BLOCK) {
    const own = lines.slice(at, at + BLOCK);
    let after = before;
    for (const line of own) if (line.text.includes("\u001b")) after = painted(line.text, after)[1];
    found.push({ lines: own, end: lines[at + BLOCK]?.at ?? end, paint: before, after });
    before = after;
  }
  return found;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
