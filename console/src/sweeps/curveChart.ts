/** The curves of many runs as one chart. PURE. */
import type { Chart, Series } from "../charts/chart";
import { metricCharts } from "../charts/metricCharts";
import type { JobMetrics } from "../charts/metrics";
import { jobOf } from "./facts";
import type { Run } from "./types";

/** Runs whose curves are drawn, the best first: more would be neither legible nor cheap to read. */
export const MOST_CURVES = 50;

/** The runs whose curves are worth reading, in the order of `runs`, which is best first. */
export function drawnRuns(runs: readonly Run[]): Run[] {
  return runs.filter((run) => jobOf(run) && run.state !== "queued").slice(0, MOST_CURVES);
}

/** One curve a run: of a run that writes several files the first that has the key. The best is drawn last, over the
 * others. null while no run has one. */
export function curveChart(
  key: string,
  runs: readonly Run[],
  found: ReadonlyMap<number, JobMetrics>,
  best: Run | null,
): Chart | null {
  let x = "";
  const series: Series[] = [];
  for (const run of runs) {
    const own = curveOf(key, found.get(run.index));
    // Steps and seconds do not lie on one axis: that of the first counts.
    if (!own || (x && own.x !== x)) continue;
    x = own.x;
    const isBest = run.index === best?.index;
    const label = isBest ? `run ${run.index}, the best` : `run ${run.index}`;
    series.push({ ...own.series, label, weight: isBest ? "best" : "rest" });
  }
  if (!series.length) return null;
  return { title: key, unit: "number", x, series: series.reverse() };
}

function curveOf(key: string, metrics: JobMetrics | undefined): { x: string; series: Series } | null {
  const chart = metricCharts(metrics?.metrics ?? []).charts.find((each) => each.title === key);
  const series = chart?.series.find((each) => each.x.length);
  return chart && series ? { x: chart.x, series } : null;
}
