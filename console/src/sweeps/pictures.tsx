/** Pictures of a sweep: the metric against each parameter, and the curves of the runs. */
import { useMemo } from "preact/hooks";
import { Plot } from "../charts/plot";
import { navigate } from "../router";
import { curveChart, drawnRuns, MOST_CURVES } from "./curveChart";
import { metricName } from "./facts";
import { ordered, usual } from "./order";
import { scatter } from "./scatter";
import { ScatterPlot } from "./scatterPlot";
import type { Run, SweepProperties } from "./types";
import { useCurves } from "./useCurves";

interface Shown {
  sweep: SweepProperties;
  runs: readonly Run[];
  parameters: readonly string[];
  best: Run | null;
  /** Where a run's job is shown. */
  address(run: Run): string | null;
}

export function Pictures({ sweep, runs, parameters, best, address }: Shown) {
  const name = metricName(sweep.metric);
  const drawn = useMemo(
    () => parameters.map((parameter) => scatter(parameter, runs, sweep.parameters?.[parameter])),
    [parameters, runs, sweep.parameters],
  );
  const choose = (run: Run) => {
    const at = address(run);
    if (at) navigate(at);
  };
  const some = drawn.filter(({ points }) => points.length > 0);
  return (
    <>
      {some.length > 0 && (
        <section aria-labelledby="against">
          <h2 id="against">{name} against each parameter</h2>
          <div class="charts scatters">
            {some.map((each) => (
              <ScatterPlot key={each.parameter} drawn={each} metric={name} best={best} choose={choose} />
            ))}
          </div>
        </section>
      )}
      {sweep.metric?.key && <Curves sweep={sweep} metric={sweep.metric.key} runs={runs} best={best} />}
    </>
  );
}

interface Drawn {
  sweep: SweepProperties;
  metric: string;
  runs: readonly Run[];
  best: Run | null;
}

function Curves({ sweep, metric, runs, best }: Drawn) {
  const some = useMemo(() => drawnRuns(ordered(runs, usual(sweep.metric), 0)), [runs, sweep.metric]);
  const found = useCurves(some);
  const chart = useMemo(() => curveChart(metric, some, found, best), [metric, some, found, best]);
  if (!chart) return null;
  return (
    <section aria-labelledby="curves">
      <h2 id="curves">Curves</h2>
      <Plot chart={chart} group="sweep" />
      <p class="quiet">
        {chart.series.length} of {runs.length} runs{chart.x && `, by ${chart.x}`}.
        {runs.length > MOST_CURVES && ` The ${MOST_CURVES} best are drawn.`}
      </p>
    </section>
  );
}
