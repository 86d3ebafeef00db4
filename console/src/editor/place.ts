/** Where in a document a place of its text is: the path to it, and whether a name or a value stands there. */
import { type Token, tokens } from "./tokens";

export interface Place {
  /** Names and numbers from the document down to the object or list that holds the place. */
  path: (string | number)[];
  slot: "key" | "value";
  /** Of a value: the name it belongs to, or its number in the list. */
  name: string | number | null;
  /** What a completion replaces, and how much of it is typed, without quotes. */
  from: number;
  to: number;
  typed: string;
  /** Whether the replaced text begins with a quote. */
  quoted: boolean;
  /** Names that the object has already, but the one at this place. */
  present: Set<string>;
  /** Whether a colon follows: then a name needs none. */
  colonFollows: boolean;
}

interface Frame {
  list: boolean;
  key: string | null;
  index: number;
  names: Set<string>;
  /** After a colon, before the comma. */
  valued: boolean;
  /** After a value: only a comma or an end fits. */
  full: boolean;
}

/** The place at `offset` of `text`; null where neither a name nor a value can begin or be typed on. */
export function placeAt(text: string, offset: number): Place | null {
  const all = tokens(text);
  const frames: Frame[] = [];
  let token: Token | undefined;
  for (let at = 0; at < all.length; at++) {
    const next = all[at] as Token;
    if (next.from >= offset) return placeIn(text, frames, offset, offset, all.slice(at));
    if (next.kind === "comment") {
      if (offset <= next.to) return null;
      continue;
    }
    token = next;
    if (offset <= next.to && next.kind !== "mark" && !closed(text, next, offset)) {
      return placeIn(text, frames, next.from, next.to, all.slice(at + 1), offset);
    }
    read(frames, text, token);
  }
  return placeIn(text, frames, offset, offset, []);
}

/** Whether a string has ended at `offset`. */
function closed(text: string, token: Token, offset: number): boolean {
  const written = text.slice(token.from, token.to);
  return offset === token.to && /^".*"$/s.test(written) && written.length > 1;
}

function placeIn(
  text: string,
  frames: Frame[],
  from: number,
  to: number,
  after: Token[],
  offset = to,
): Place | null {
  const holder = frames.at(-1);
  const typed = text.slice(from, offset);
  const quoted = typed.startsWith('"');
  // A name that is typed where a comma is missing is a name nevertheless.
  if (!holder || (holder.full && (holder.list || !quoted))) return null;
  const valued = holder.valued && !holder.full;
  const slot = holder.list || valued ? "value" : "key";
  const present = new Set(holder.names);
  for (const name of namesAfter(text, after)) present.add(name);
  return {
    path: frames.slice(0, -1).map((frame) => (frame.list ? frame.index : (frame.key ?? ""))),
    slot,
    name: holder.list ? holder.index : valued ? holder.key : null,
    from,
    to,
    typed: typed.replace(/^"/, ""),
    quoted,
    present,
    colonFollows: text.slice(to).trimStart().startsWith(":"),
  };
}

/** Names of the object that continues after a place. */
function* namesAfter(text: string, after: Token[]): Generator<string> {
  let depth = 0;
  for (const token of after) {
    const written = text.slice(token.from, token.to);
    if (token.kind === "mark" && (written === "{" || written === "[")) depth++;
    if (token.kind === "mark" && (written === "}" || written === "]") && --depth < 0) return;
    if (token.kind === "key" && depth === 0) yield unquoted(written);
  }
}

function read(frames: Frame[], text: string, token: Token): void {
  const written = text.slice(token.from, token.to);
  const holder = frames.at(-1);
  if (token.kind !== "mark") {
    if (holder && token.kind === "key") nameRead(holder, unquoted(written));
    else if (holder) holder.full = true;
    return;
  }
  if (written === "{" || written === "[") {
    frames.push({ list: written === "[", key: null, index: 0, names: new Set(), valued: false, full: false });
  } else if (written === "}" || written === "]") {
    frames.pop();
    const outer = frames.at(-1);
    if (outer) outer.full = true;
  } else if (holder && written === ":") {
    holder.valued = true;
    holder.full = false;
  } else if (holder && written === ",") {
    holder.index += 1;
    holder.key = null;
    holder.valued = false;
    holder.full = false;
  }
}

function nameRead(holder: Frame, name: string): void {
  holder.key = name;
  holder.names.add(name);
  holder.valued = false;
  // Only a colon fits now.
  holder.full = true;
}

function unquoted(written: string): string {
  return written.replace(/^"/, "").replace(/"$/, "");
}
