import type { JobState } from "../api/types";

/** A form beside the colour: not everyone can distinguish colours. */
const SIGNS: Record<string, string> = {
  queued: "◌",
  running: "▶",
  terminating: "◼",
  succeeded: "✓",
  failed: "✕",
};

export function StateBadge({ state }: { state: JobState }) {
  return (
    <span class={`badge ${Object.hasOwn(SIGNS, state) ? state : ""}`}>
      <span aria-hidden="true">{SIGNS[state] ?? "•"}</span> {state}
    </span>
  );
}

/** Whether a job in this state can still change; a state that is not known is taken for one that can. */
export function isLive(state: JobState): boolean {
  return state !== "succeeded" && state !== "failed";
}
