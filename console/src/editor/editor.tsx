/** A text that is JSON, typed in an ordinary textarea (docs/adr/0335): numbers and signs beside its lines, colours
 * behind it, completions below the caret. */

import type { Ref } from "preact";
import { useEffect, useImperativeHandle, useMemo, useRef } from "preact/hooks";
import type { Problem } from "../api/types";
import type { Completion } from "./complete";
import { CompletionList, LIST_ID, optionId } from "./completionList";
import { Gutter, type LineMark } from "./gutter";
import { pieces } from "./highlight";
import { beforeOnLine, lineAt, lineStarts, offsetOf } from "./lines";
import type { Schema } from "./schema";
import { type Change, indented, newLine } from "./typing";
import { useCompletions } from "./useCompletions";
import "../styles/editor.css";

export interface EditorHandle {
  /** Puts the caret at a line and column and shows it. */
  show(line: number, column: number): void;
}

interface Edited {
  text: string;
  onText(text: string): void;
  problems: readonly Problem[];
  schema: Schema | null;
  label: string;
  handle?: Ref<EditorHandle>;
}

export function Editor({ text, onText, problems, schema, label, handle }: Edited) {
  const area = useRef<HTMLTextAreaElement>(null);
  const leaving = useRef(false);
  const completing = useCompletions(schema);
  const starts = useMemo(() => lineStarts(text), [text]);
  const gutter = useMemo(
    () => <Gutter lines={starts.length} marks={lineMarks(problems, starts.length)} />,
    [starts.length, problems],
  );
  const colours = useMemo(
    () => <Colours text={text} starts={starts} problems={problems} />,
    [text, problems],
  );
  useImperativeHandle(handle ?? null, () => ({ show: (line, column) => show(line, column) }));
  // After a choice of the mouse too, the list disappears with the focus.
  useEffect(() => completing.close(), [schema]);

  function show(line: number, column: number) {
    const typed = area.current;
    if (!typed) return;
    const at = offsetOf(typed.value, lineStarts(typed.value), line, column);
    typed.focus();
    typed.setSelectionRange(at, at);
    const height = typed.scrollHeight / lineStarts(typed.value).length;
    typed.closest(".editor")?.scrollTo({ top: Math.max(0, (line - 4) * height) });
  }

  function changed(typed: HTMLTextAreaElement) {
    onText(typed.value);
    const before = beforeOnLine(typed.value, typed.selectionStart);
    if (/["\w$]$/.test(before)) completing.look(typed.value, typed.selectionStart);
    else completing.close();
  }

  function choose(item: Completion) {
    const { shown } = completing;
    if (!shown || !area.current) return;
    const at = shown.from + item.caret;
    apply(area.current, { from: shown.from, to: shown.to, insert: item.insert, select: [at, at] });
    onText(area.current.value);
    completing.close();
  }

  function pressed(event: KeyboardEvent) {
    const typed = event.currentTarget as HTMLTextAreaElement;
    const { selectionStart: from, selectionEnd: to } = typed;
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    const left = leaving.current;
    leaving.current = false;
    if (event.key === " " && event.ctrlKey) completing.look(typed.value, from);
    else if (completing.shown && pressedInList(event, choose)) return;
    else if (event.key === "Escape") {
      leaving.current = true;
      return;
    } else if (event.key === "Tab" && plain && !left)
      edit(typed, indented(typed.value, from, to, event.shiftKey));
    else if (event.key === "Enter" && plain) edit(typed, newLine(typed.value, from, to));
    else return;
    event.preventDefault();
  }

  function edit(typed: HTMLTextAreaElement, change: Change) {
    apply(typed, change);
    onText(typed.value);
    completing.close();
  }

  function pressedInList(event: KeyboardEvent, take: (item: Completion) => void): boolean {
    const chosen = completing.chosen();
    if (event.key === "ArrowDown") completing.move(1);
    else if (event.key === "ArrowUp") completing.move(-1);
    else if (event.key === "Escape") completing.close();
    else if (chosen && (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey))) take(chosen);
    else return false;
    event.preventDefault();
    return true;
  }

  const caret = completing.shown?.from ?? 0;
  return (
    <div class="editor">
      {gutter}
      <div class="text">
        {colours}
        <textarea
          ref={area}
          value={text}
          aria-label={label}
          aria-describedby="editor-keys"
          aria-autocomplete="list"
          aria-haspopup="listbox"
          aria-controls={completing.shown ? LIST_ID : undefined}
          aria-activedescendant={completing.shown ? optionId(completing.active) : undefined}
          spellcheck={false}
          autocapitalize="off"
          autocomplete="off"
          wrap="off"
          rows={starts.length}
          onInput={(event) => changed(event.currentTarget)}
          onKeyDown={pressed}
          onBlur={completing.close}
        />
        {completing.shown && (
          <CompletionList
            items={completing.shown.items}
            active={completing.active}
            line={lineAt(starts, caret) - 1}
            column={beforeOnLine(text, caret).length}
            choose={choose}
          />
        )}
      </div>
      <p id="editor-keys" class="visually-hidden">
        Control and space shows completions. Tab indents; Escape, then Tab leaves the text.
      </p>
    </div>
  );
}

function Colours({
  text,
  starts,
  problems,
}: {
  text: string;
  starts: number[];
  problems: readonly Problem[];
}) {
  const marks = problems
    .filter((problem) => problem.line > 0)
    .map(({ line, column, severity }) => ({ from: offsetOf(text, starts, line, column), severity }));
  return (
    <pre class="colours" aria-hidden="true">
      {pieces(text, marks).map((piece, index) =>
        piece.kind || piece.severity ? (
          <span key={index} class={`${piece.kind ?? ""} ${piece.severity ?? ""}`}>
            {piece.text}
          </span>
        ) : (
          piece.text
        ),
      )}
      {"\n"}
    </pre>
  );
}

/** For each line with problems the worst one's sign, and all their words. */
function lineMarks(problems: readonly Problem[], lines: number): Map<number, LineMark> {
  const marks = new Map<number, LineMark>();
  for (const { line, severity, message } of problems) {
    if (line < 1 || line > lines) continue;
    const before = marks.get(line);
    const worst = before?.severity === "error" || !before ? (before?.severity ?? severity) : severity;
    marks.set(line, { severity: worst, words: before ? `${before.words}\n${message}` : message });
  }
  return marks;
}

/** Writes a change so that the browser's own undo knows it. */
function apply(typed: HTMLTextAreaElement, change: Change): void {
  typed.setSelectionRange(change.from, change.to);
  const done = document.execCommand(change.insert ? "insertText" : "delete", false, change.insert);
  if (!done) typed.setRangeText(change.insert, change.from, change.to);
  typed.setSelectionRange(...change.select);
}
