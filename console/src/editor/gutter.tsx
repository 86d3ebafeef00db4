/** Line numbers beside the text, with a sign where a line has a problem. */
import type { Mark } from "./highlight";

export interface LineMark {
  severity: Mark["severity"];
  words: string;
}

const SIGNS = { error: "●", warning: "▲", note: "○" };

export function Gutter({ lines, marks }: { lines: number; marks: ReadonlyMap<number, LineMark> }) {
  // One text for all numbers: a document of 50,000 lines is as quick as one of five.
  const numbers = Array.from({ length: lines }, (_, index) => index + 1).join("\n");
  return (
    <div class="gutter" aria-hidden="true">
      <pre>{numbers}</pre>
      {[...marks].map(([line, mark]) => (
        <span key={line} class={`sign ${mark.severity}`} title={mark.words} style={{ top: `${line - 1}lh` }}>
          {SIGNS[mark.severity]}
        </span>
      ))}
    </div>
  );
}
