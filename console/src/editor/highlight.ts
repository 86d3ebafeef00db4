/** The pieces of a text that are drawn behind the one that is typed in: coloured by token, marked where there
 * is a problem. */
import { type Token, type TokenKind, tokens } from "./tokens";

export interface Mark {
  from: number;
  severity: "error" | "warning" | "note";
}

export interface Piece {
  text: string;
  kind: TokenKind | null;
  severity: Mark["severity"] | null;
}

/** A larger text is drawn without colours: it stays quick to type in. */
export const MOST_COLOURED = 150_000;

/** `text` in pieces, in order and whole. A mark covers the token that it is in or that follows it. */
export function pieces(text: string, marks: readonly Mark[]): Piece[] {
  if (text.length > MOST_COLOURED) return [{ text, kind: null, severity: null }];
  const found: Piece[] = [];
  const all = tokens(text);
  const marked = markedTokens(all, marks);
  let at = 0;
  for (const token of all) {
    if (token.from > at) found.push({ text: text.slice(at, token.from), kind: null, severity: null });
    found.push({
      text: text.slice(token.from, token.to),
      kind: token.kind,
      severity: marked.get(token) ?? null,
    });
    at = token.to;
  }
  if (at < text.length) found.push({ text: text.slice(at), kind: null, severity: null });
  return found;
}

function markedTokens(all: readonly Token[], marks: readonly Mark[]): Map<Token, Mark["severity"]> {
  const marked = new Map<Token, Mark["severity"]>();
  for (const mark of marks) {
    const token = all.find((each) => each.to > mark.from) ?? all.at(-1);
    if (token && marked.get(token) !== "error") marked.set(token, mark.severity);
  }
  return marked;
}
