/** The list under the caret. The focus stays in the text; keys are read there. */
import { useEffect, useRef } from "preact/hooks";
import type { Completion } from "./complete";

export const LIST_ID = "completions";
export const optionId = (index: number) => `completion-${index}`;

interface Shown {
  items: readonly Completion[];
  active: number;
  /** Lines above and characters before the caret. */
  line: number;
  column: number;
  choose(item: Completion): void;
}

export function CompletionList({ items, active, line, column, choose }: Shown) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [active, items]);
  return (
    <div class="completions" style={{ top: `calc(${line + 1}lh + 2px)`, left: `${column}ch` }}>
      <div id={LIST_ID} role="listbox" aria-label="Completions" class="options" ref={list}>
        {items.map((item, index) => (
          // biome-ignore lint/a11y/useFocusableInteractive: aria-activedescendant of the text points at it
          // biome-ignore lint/a11y/useKeyWithClickEvents: the text reads the keys
          <div
            key={item.label}
            id={optionId(index)}
            role="option"
            aria-selected={index === active}
            // The text keeps the focus.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => choose(item)}
          >
            <span>{item.label}</span>
            <span class="quiet">{item.detail}</span>
          </div>
        ))}
      </div>
      {items[active]?.about && <p class="about">{items[active].about}</p>}
    </div>
  );
}
