/** The document that is being written: it outlives a look at another view, not the tab. It may hold secrets, so
 * it is kept in memory only. */
import { store } from "../store";

export type Kind = "job" | "sweep" | "cluster";

export interface Draft {
  text: string;
  kind: Kind;
  /** What the fields begin with; empty: nobody has said. */
  experiment: string;
  name: string;
  /** What was dropped, or what it is a copy of. */
  source: string;
}

const EMPTY: Draft = { text: "", kind: "job", experiment: "", name: "", source: "" };

export const draft = store<Draft>(EMPTY);

export function change(members: Partial<Draft>): void {
  draft.set({ ...draft.get(), ...members });
}

/** Another document takes the place of the one that was there. */
export function begin(members: Partial<Draft>): void {
  draft.set({ ...EMPTY, ...members });
}
