/** Lines of a log as elements. What jobs print is text here, whatever it looks like. */

import { type Paint, type Piece, painted } from "./ansi";
import type { Line } from "./lines";
import { memo } from "./memo";
import type { Block } from "./window";

interface Drawn {
  block: Block;
  /** Marked wherever they are; "" for none. */
  words: string;
  /** Offset of the line that was found, or -1. */
  hit: number;
}

/** Pixels of a line, until the browser has measured (styles/logs.css). */
const LINE = 18;

/** Blocks out of sight are not laid out (content-visibility): they only have a height. */
export const BlockLines = memo(function BlockLines({ block, words, hit }: Drawn) {
  let paint = block.paint;
  return (
    <div class="block" style={{ containIntrinsicSize: `auto ${block.lines.length * LINE}px` }}>
      {block.lines.map((line) => {
        const [pieces, next] = painted(line.text, paint);
        paint = next;
        return <LineOf key={line.at} line={line} pieces={pieces} words={words} hit={line.at === hit} />;
      })}
    </div>
  );
});

export function OpenLine({ line, paint, words }: { line: Line; paint: Paint; words: string }) {
  return <LineOf line={line} pieces={painted(line.text, paint)[0]} words={words} hit={false} />;
}

interface DrawnLine {
  line: Line;
  pieces: Piece[];
  words: string;
  hit: boolean;
}

function LineOf({ line, pieces, words, hit }: DrawnLine) {
  return (
    <div class={hit ? "line hit" : "line"} data-at={line.at}>
      {pieces.length
        ? pieces.map((piece, index) => <PieceOf key={index} piece={piece} words={words} />)
        : "\u200b"}
    </div>
  );
}

function PieceOf({ piece, words }: { piece: Piece; words: string }) {
  const text = words ? marked(piece.text, words) : piece.text;
  if (!piece.classes && !piece.color && !piece.background) return <>{text}</>;
  const style: Record<string, string> = {};
  if (piece.color) style.color = piece.color;
  if (piece.background) style.backgroundColor = piece.background;
  return (
    <span class={piece.classes} style={style}>
      {text}
    </span>
  );
}

function marked(text: string, words: string) {
  const found = parted(text, words);
  return found.length === 1 ? text : found.map((part, at) => (at % 2 ? <mark key={at}>{part}</mark> : part));
}

/** `text` cut at the words: every second member is one of them. Case counts where the words have capitals. */
export function parted(text: string, words: string): string[] {
  const looked = words === words.toLowerCase() ? text.toLowerCase() : text;
  // Some letters change their length in lower case; then nothing is marked rather than the wrong place.
  if (looked.length !== text.length) return [text];
  const found: string[] = [];
  let from = 0;
  for (let at = looked.indexOf(words); at >= 0; at = looked.indexOf(words, from)) {
    found.push(text.slice(from, at), text.slice(at, at + words.length));
    from = at + words.length;
  }
  return [...found, text.slice(from)];
}
