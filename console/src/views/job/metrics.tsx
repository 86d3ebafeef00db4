/** Curves of a job: what it uses, node by node, and what it says of itself. */
import { useMemo } from "preact/hooks";
import { words } from "../../api/client";
import { type JobName, query } from "../../api/paths";
import { metricCharts } from "../../charts/metricCharts";
import type { JobMetrics } from "../../charts/metrics";
import { Plot } from "../../charts/plot";
import { resourceCharts } from "../../charts/resourceCharts";
import { usePoll } from "../../polling/usePoll";
import { href } from "../../router";
import { useHere } from "../../shell/context";

/** Samples are taken every 10 s: asking more often shows nothing new. */
const SECONDS = 10;

export function MetricsPart({ name, run, live }: { name: JobName; run: string | null; live: boolean }) {
  const { paths, workspace } = useHere();
  const job = paths.job(name);
  const path = query(`${run ? `${job}/runs/${encodeURIComponent(run)}` : job}/metrics`, { maxpoints: 500 });
  const { data, error } = usePoll<JobMetrics>(path, live, SECONDS);
  const used = useMemo(() => resourceCharts(data?.resources ?? []), [data]);
  const own = useMemo(() => metricCharts(data?.metrics ?? []), [data]);
  if (!data) return <p class="quiet">{error ? words(error) : "Loading…"}</p>;
  const compared = href(["compare"], { jobs: `${name.experiment}/${name.job}`, workspace });
  return (
    <div class="stack">
      <div class="row spread">
        <h2>Metrics of the job</h2>
        <a class="button" href={compared}>
          Compare with other jobs
        </a>
      </div>
      {error !== undefined && <p class="notice error">{words(error)}</p>}
      {own.charts.length ? (
        <div class="charts">
          {own.charts.map((chart) => (
            <Plot key={chart.title} chart={chart} group="own" />
          ))}
        </div>
      ) : (
        <p class="quiet">
          The job has written no numbers. What it appends to <code>$AZ_BATCHAI_METRICS_FILE</code> as lines
          such as <code>{'{"step": 3, "loss": 0.2}'}</code> is drawn here.
        </p>
      )}
      {own.left.length > 0 && <p class="quiet">Not drawn: {own.left.join(", ")}</p>}
      <h2>What it uses</h2>
      {used.length ? (
        <div class="charts">
          {used.map((chart) => (
            <Plot key={chart.title} chart={chart} group="used" />
          ))}
        </div>
      ) : (
        <p class="quiet">
          Nothing has been measured: the first sample is taken some seconds after the start.
        </p>
      )}
      {data.truncated && (
        <p class="quiet">The job has written more than is read here: the curves show a part.</p>
      )}
    </div>
  );
}
