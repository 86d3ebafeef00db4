/** A sweep and its runs in words and in order. PURE. */
import { nameIn, type SweepName } from "../api/paths";
import { shown } from "../charts/chart";
import { between } from "../parts/words";
import type { Metric, Run, Sweep, SweepState, Value } from "./types";

const ENDED = ["succeeded", "failed", "terminated"];
/** States of runs that have no job to look at. */
const JOBLESS = ["waiting", "refused", "deleted"];

/** Whether a sweep still changes by itself; a state that is not known is taken for one that does. */
export function isLiveSweep(state: SweepState): boolean {
  return !ENDED.includes(state);
}

export function sweepName(sweep: Sweep): SweepName {
  return { experiment: nameIn(sweep.id, "experiments"), sweep: sweep.name };
}

/** The job of a run; null where there is none. */
export function jobOf(run: Run): string | null {
  return JOBLESS.includes(run.state) ? null : nameIn(run.job, "jobs") || null;
}

/** What the metric is called, as `batchai` calls it. */
export function metricName(metric: Metric | undefined): string {
  return metric?.key ?? "metric";
}

/** The run with the best value; null where none has one. Of equals the first. */
export function bestOf(runs: readonly Run[], metric: Metric | undefined): Run | null {
  if (!metric) return null;
  const sign = metric.goal === "minimize" ? 1 : -1;
  let best: Run | null = null;
  for (const run of runs) {
    if (run.metric === undefined) continue;
    if (best?.metric === undefined || sign * (run.metric - best.metric) < 0) best = run;
  }
  return best;
}

/** Names of all parameters, in the order in which runs have them. */
export function parameterNames(runs: readonly Run[]): string[] {
  return [...new Set(runs.flatMap((run) => Object.keys(run.parameters)))];
}

/** Seconds that a run has taken so far; null of one that has not begun. */
export function secondsOf(run: Run, now: number): number | null {
  return run.startTime ? between(run.startTime, run.endTime, now) : null;
}

export function valueText(value: Value | undefined): string {
  if (value === undefined) return "";
  return typeof value === "number" ? shown(value, "number") : String(value);
}

/** "20 of 24 ended, 1 failed" */
export function progressText({ runs }: { runs: Sweep["properties"]["runs"] }): string {
  const ended = runs.succeeded + runs.failed;
  return `${ended} of ${runs.total} ended${runs.failed ? `, ${runs.failed} failed` : ""}`;
}
