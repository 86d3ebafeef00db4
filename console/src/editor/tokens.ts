/** The tokens of a text that is JSON or becomes JSON while it is typed. Nothing is refused: what is no token of
 * JSON is a word. */

export type TokenKind = "key" | "string" | "number" | "literal" | "word" | "mark" | "comment";

export interface Token {
  kind: TokenKind;
  from: number;
  to: number;
}

// A string ends with its quote or, while it is typed, with its line.
const PATTERN =
  /("(?:[^"\\\r\n]|\\.)*(?:"|\\?(?=[\r\n]|$)))|(-?\d[\d.eE+-]*)|([A-Za-z_$][\w$]*)|([{}[\]:,])|(\/\/[^\r\n]*|\/\*[\s\S]*?(?:\*\/|$))|([^\s])/g;
const LITERALS = new Set(["true", "false", "null"]);

/** The tokens of `text` in order; white space between them is none. */
export function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (const match of text.matchAll(PATTERN)) {
    const from = match.index;
    const token: Token = { kind: kindOf(match), from, to: from + match[0].length };
    if (token.kind === "mark" && match[0] === ":") nameBefore(found);
    found.push(token);
  }
  return found;
}

function kindOf(match: RegExpMatchArray): TokenKind {
  if (match[1] !== undefined) return "string";
  if (match[2] !== undefined) return "number";
  if (match[3] !== undefined) return LITERALS.has(match[3]) ? "literal" : "word";
  if (match[4] !== undefined) return "mark";
  if (match[5] !== undefined) return "comment";
  return "word";
}

/** What stands before a colon is a name. */
function nameBefore(found: Token[]): void {
  for (let at = found.length - 1; at >= 0; at--) {
    const token = found[at] as Token;
    if (token.kind === "comment") continue;
    if (token.kind === "string" || token.kind === "word") token.kind = "key";
    return;
  }
}
