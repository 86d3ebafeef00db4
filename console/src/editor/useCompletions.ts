/** Which completions are shown, and which one of them is chosen. */
import { useState } from "preact/hooks";
import { type Completion, type Completions, completions } from "./complete";
import type { Schema } from "./schema";

export interface Completing {
  shown: Completions | null;
  active: number;
  /** Looks at what can stand at `offset`. */
  look(text: string, offset: number): void;
  close(): void;
  move(by: number): void;
  chosen(): Completion | null;
}

export function useCompletions(schema: Schema | null): Completing {
  const [state, setState] = useState<{ shown: Completions | null; active: number }>({
    shown: null,
    active: 0,
  });
  const count = state.shown?.items.length ?? 0;
  return {
    ...state,
    look: (text, offset) => setState({ shown: schema ? completions(text, offset, schema) : null, active: 0 }),
    close: () => setState((before) => (before.shown ? { shown: null, active: 0 } : before)),
    move: (by) => setState((before) => ({ ...before, active: (before.active + by + count) % (count || 1) })),
    chosen: () => state.shown?.items[state.active] ?? null,
  };
}
