/** Curves of what a job says of itself: a chart for each name of a number in its lines. */
import type { Chart, Series } from "./chart";
import type { MetricSeries } from "./metrics";
import { labels } from "./sourceLabels";

/** What a line may be counted by, the best first; none of them is a curve. */
const COUNTERS = ["step", "global_step", "iteration", "epoch"];
const TIMES = ["time", "timestamp"];
/** A job with more names than this has no use for charts of all of them. */
const MOST = 40;

export interface Drawn {
  charts: Chart[];
  /** Names beyond the most that are drawn. */
  left: string[];
}

export function metricCharts(sources: readonly MetricSeries[]): Drawn {
  const counter = counterOf(sources);
  const named = labels(sources);
  const names = numberNames(sources).filter((name) => name !== counter);
  const charts = names.slice(0, MOST).map((name) => ({
    title: name,
    unit: "number" as const,
    x: counter ?? (timed(sources) ? "elapsed" : "line"),
    series: sources
      .map((source, at) => series(named[at] as string, source, name, counter))
      .filter((each) => each.x.length),
  }));
  return { charts, left: names.slice(MOST) };
}

/** The counter that every line with a number has; null where there is none. */
function counterOf(sources: readonly MetricSeries[]): string | null {
  const lines = sources.flatMap((source) => source.samples);
  const has = (name: string) => lines.length > 0 && lines.every((line) => number(line[name]) !== null);
  return COUNTERS.find(has) ?? null;
}

function timed(sources: readonly MetricSeries[]): boolean {
  return sources.every((source) => source.samples.every((line) => secondsOf(line) !== null));
}

function series(label: string, source: MetricSeries, name: string, counter: string | null): Series {
  const useTime = counter === null && timed([source]);
  const zero = useTime ? (secondsOf(source.samples[0] ?? {}) ?? 0) : 0;
  const points = source.samples.flatMap((line, at): [number, number][] => {
    const y = number(line[name]);
    if (y === null) return [];
    const x = counter ? number(line[counter]) : useTime ? (secondsOf(line) ?? 0) - zero : at + 1;
    return x === null ? [] : [[x, y]];
  });
  // A job that begins again from a checkpoint writes steps twice: the later line counts.
  const latest = [...new Map(points)].sort(([a], [b]) => a - b);
  return { label, x: latest.map(([x]) => x), y: latest.map(([, y]) => y) };
}

/** In the order in which they come first. */
function numberNames(sources: readonly MetricSeries[]): string[] {
  const names = new Set<string>();
  for (const source of sources) {
    for (const line of source.samples) {
      for (const [name, value] of Object.entries(line)) if (number(value) !== null) names.add(name);
    }
  }
  return [...names].filter((name) => !TIMES.includes(name));
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function secondsOf(line: Record<string, unknown>): number | null {
  const value = line.time ?? line.timestamp;
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  const parsed = typeof value === "string" ? Date.parse(value) / 1000 : Number.NaN;
  return Number.isFinite(parsed) ? parsed : null;
}
