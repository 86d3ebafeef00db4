/** Lines of a terminal as pieces of text with a look. Nothing here makes HTML: a piece becomes a text node. PURE.
 *
 * Anser knows what the codes of SGR mean; everything else a terminal would do (moving the cursor, clearing,
 * titles, links) is taken out. */
import Anser from "anser";

/** The look that holds after a line, until something changes it. */
export interface Paint {
  fg: string | null;
  bg: string | null;
  decorations: readonly string[];
}

export interface Piece {
  text: string;
  classes: string;
  /** Colours that are none of the sixteen, for style.color and style.backgroundColor; "" otherwise. */
  color: string;
  background: string;
}

export const PLAIN: Paint = { fg: null, bg: null, decorations: [] };

const ESC = "\u001b";
/** CSI that is no SGR; OSC up to its end; any other escape; control characters but the tab. */
const UNSEEN = new RegExp(
  `${ESC}\\[[0-?]*[ -/]*[@-ln-~]|${ESC}[\\]PX^_][^\\u0007${ESC}]*(?:\\u0007|${ESC}\\\\)?|${ESC}[ -/]+[0-~]|${ESC}[^\\[\\]PX^_]|[\\u0000-\\u0008\\u000b-\\u001a\\u001c-\\u001f\\u007f]`,
  "g",
);
const SGR = new RegExp(`${ESC}\\[[0-?]*[ -/]*m?`, "g");
const STYLES = new Set(["bold", "dim", "italic", "underline", "strikethrough", "reverse"]);

/** `line` without what a terminal would not show, and where a carriage return began anew, only what it then wrote. */
export function shown(line: string): string {
  const whole = line.endsWith("\r") ? line.slice(0, -1) : line;
  const rewritten = whole.lastIndexOf("\r");
  const last = rewritten < 0 ? whole : whole.slice(rewritten + 1);
  return last.includes(ESC) || CONTROL.test(last) ? last.replace(UNSEEN, "") : last;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/;

/** The words of a line alone, as they are searched. */
export function plain(line: string): string {
  const text = shown(line);
  return text.includes(ESC) ? text.replace(SGR, "") : text;
}

/** The pieces of a line that begins with `paint`, and the paint after it. */
export function painted(line: string, paint: Paint): [Piece[], Paint] {
  const text = shown(line);
  if (!text.includes(ESC)) return [text ? [piece(text, paint)] : [], paint];
  const [first = "", ...chunks] = text.split(`${ESC}[`);
  const pieces = first ? [piece(first, paint)] : [];
  let current = paint;
  for (const chunk of chunks) {
    const [content, next] = applied(chunk, current);
    current = next;
    if (content) pieces.push(piece(content, current));
  }
  return [pieces, current];
}

/** Anser's name for a colour that is given as red, green and blue. */
const TRUE = "ansi-truecolor";

function applied(chunk: string, paint: Paint): [string, Paint] {
  const anser = new Anser() as unknown as Machine;
  anser.fg = paint.fg;
  anser.bg = paint.bg;
  anser.decorations = [...paint.decorations];
  const found = anser.processChunkJson(chunk, { json: true, use_classes: true }, true);
  const next = {
    fg: anser.fg === TRUE ? anser.fg_truecolor : anser.fg,
    bg: anser.bg === TRUE ? anser.bg_truecolor : anser.bg,
    decorations: [...new Set(anser.decorations)].filter((each) => STYLES.has(each)),
  };
  return [found.content, next];
}

/** What of Anser's inside carries the look from one code to the next; its types leave it out. */
interface Machine {
  fg: string | null;
  bg: string | null;
  fg_truecolor: string | null;
  bg_truecolor: string | null;
  decorations: string[];
  processChunkJson(text: string, options: object, markup: boolean): { content: string };
}

function piece(text: string, paint: Paint): Piece {
  const classes = paint.decorations.map((each) => `ansi-${each}`);
  if (paint.fg?.startsWith("ansi-") && !palette(paint.fg)) classes.push(`${paint.fg}-fg`);
  if (paint.bg?.startsWith("ansi-") && !palette(paint.bg)) classes.push(`${paint.bg}-bg`);
  return { text, classes: classes.join(" "), color: color(paint.fg), background: color(paint.bg) };
}

function color(name: string | null): string {
  if (!name) return "";
  const index = palette(name);
  if (index) return `rgb(${index < 232 ? cube(index - 16) : gray(index - 232)})`;
  return name.startsWith("ansi-") ? "" : `rgb(${name})`;
}

/** Of xterm's 256 colours: 16 and more; 0 for what is none of them. */
function palette(name: string): number {
  return Number(/^ansi-palette-(\d+)$/.exec(name)?.[1] ?? 0);
}

function cube(index: number): string {
  const level = (step: number) => (step ? 55 + 40 * step : 0);
  return [Math.floor(index / 36), Math.floor(index / 6) % 6, index % 6].map(level).join(", ");
}

function gray(index: number): string {
  return Array(3)
    .fill(8 + 10 * index)
    .join(", ");
}
