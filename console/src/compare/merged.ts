/** The charts of several jobs laid over each other. PURE. */
import { type Chart, type Series, type Summary, summary } from "../charts/chart";

/** Charts of the same name and unit as one; the series carry the job's name. Order: as they first come. */
export function merged(jobs: readonly { job: string; charts: readonly Chart[] }[]): Chart[] {
  const found = new Map<string, Chart>();
  for (const { job, charts } of jobs) {
    for (const chart of charts) {
      // Steps and seconds do not lie on one axis.
      const key = `${chart.title}\n${chart.unit}\n${chart.x}`;
      const into = found.get(key) ?? { ...chart, series: [] };
      const series = chart.series.map((each) => ({
        ...each,
        label: [job, each.label].filter(Boolean).join(", "),
      }));
      found.set(key, { ...into, series: [...into.series, ...series] });
    }
  }
  return [...found.values()];
}

/** Last, least and most of each series of a chart. */
export function rows(chart: Chart): { series: Series; found: Summary }[] {
  return chart.series.flatMap((series) => {
    const found = summary(series);
    return found ? [{ series, found }] : [];
  });
}

/** "experiment/job" texts as names; what is none is left out. */
export function jobNames(text: string | null): { experiment: string; job: string }[] {
  return (text ?? "").split(",").flatMap((each) => {
    const [experiment, job, more] = each.trim().split("/");
    return experiment && job && more === undefined ? [{ experiment, job }] : [];
  });
}
