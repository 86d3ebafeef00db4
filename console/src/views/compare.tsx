/** Runs side by side: `#/compare?jobs=experiment/a,experiment/b`. */
import { useMemo } from "preact/hooks";
import { type Chart, shown } from "../charts/chart";
import { metricCharts } from "../charts/metricCharts";
import { Plot } from "../charts/plot";
import { resourceCharts } from "../charts/resourceCharts";
import { Chooser } from "../compare/chooser";
import { jobNames, merged, rows } from "../compare/merged";
import { useMetrics } from "../compare/useMetrics";
import { changed, navigate, type Route } from "../router";
import { useTitle } from "../shell/title";

export function CompareView({ route }: { route: Route }) {
  useTitle("Compare");
  const jobs = jobNames(route.query.get("jobs")).map((name) => `${name.experiment}/${name.job}`);
  const found = useMetrics(jobs);
  const own = useMemo(
    () =>
      merged(found.map(({ job, metrics }) => ({ job, charts: metricCharts(metrics?.metrics ?? []).charts }))),
    [found],
  );
  const used = useMemo(
    () =>
      merged(
        found.map(({ job, metrics }) => ({ job, charts: resourceCharts(metrics?.resources ?? [], true) })),
      ),
    [found],
  );
  const failed = found.filter((each) => each.failure);
  return (
    <div class="stack">
      <h1>Compare</h1>
      <Chooser jobs={jobs} choose={(chosen) => navigate(changed(route, { jobs: chosen.join(",") }))} />
      {failed.map((each) => (
        <p key={each.job} class="notice error" role="alert">
          {each.job}: {each.failure}
        </p>
      ))}
      {own.length > 0 && <Table charts={own} />}
      <Charts charts={own} group="own" />
      {used.length > 0 && <h2>What they used, from their first sample on</h2>}
      <Charts charts={used} group="used" />
      {jobs.length > 0 && found.length === jobs.length && !own.length && !used.length && (
        <p class="quiet">None of these jobs has written or used anything that was measured.</p>
      )}
    </div>
  );
}

function Charts({ charts, group }: { charts: readonly Chart[]; group: string }) {
  return (
    <div class="charts">
      {charts.map((chart) => (
        <Plot key={`${chart.title}${chart.unit}${chart.x}`} chart={chart} group={group} />
      ))}
    </div>
  );
}

function Table({ charts }: { charts: readonly Chart[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to scroll by keys, too
    <section class="scroll-x card flush" tabIndex={0} aria-label="Values">
      <table aria-label="Metrics of the jobs">
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col">Job</th>
            <th scope="col">Last</th>
            <th scope="col">Least</th>
            <th scope="col">Most</th>
          </tr>
        </thead>
        <tbody>
          {charts.flatMap((chart) =>
            rows(chart).map(({ series, found }) => (
              <tr key={`${chart.title}${chart.x}${series.label}`}>
                <th scope="row">{chart.title}</th>
                <td>{series.label}</td>
                <td>{shown(found.last, chart.unit)}</td>
                <td>{shown(found.least, chart.unit)}</td>
                <td>{shown(found.most, chart.unit)}</td>
              </tr>
            )),
          )}
        </tbody>
      </table>
    </section>
  );
}
