import { query } from "../api/paths";
import { shown } from "../charts/chart";
import { StateBadge } from "../parts/stateBadge";
import { Time } from "../parts/time";
import { href } from "../router";
import { useHere } from "../shell/context";
import { metricName, progressText, sweepName } from "./facts";
import { Progress } from "./sweepFacts";
import type { Run, Sweep } from "./types";
import { PAGE, useBest } from "./useBest";

/** On a narrow page the table scrolls. */
export function SweepTable({ sweeps }: { sweeps: readonly Sweep[] }) {
  const { paths } = useHere();
  const best = useBest(sweeps, (sweep) =>
    query(`${paths.sweep(sweepName(sweep))}/runs`, { maxresults: PAGE }),
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to scroll by keys, too
    <section class="card flush scroll-x" tabIndex={0} aria-label="Table of sweeps">
      <table class="sweeps" aria-label="Sweeps">
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Sweep</th>
            <th scope="col">Experiment</th>
            <th scope="col">Runs</th>
            <th scope="col">Best</th>
            <th scope="col">Created</th>
          </tr>
        </thead>
        <tbody>
          {sweeps.map((sweep) => (
            <Row key={sweep.id} sweep={sweep} best={best.get(sweep.id)} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ sweep, best }: { sweep: Sweep; best: Run | null | undefined }) {
  const { workspace } = useHere();
  const { experiment, sweep: name } = sweepName(sweep);
  const { properties } = sweep;
  return (
    <tr>
      <td>
        <StateBadge state={properties.state} />
      </td>
      <th scope="row" class="wrap">
        <a href={href(["sweeps", experiment, name], { workspace })}>{name}</a>
      </th>
      <td class="wrap">{experiment}</td>
      <td class="nowrap">
        {progressText(properties)}
        <Progress runs={properties.runs} />
      </td>
      <td class="nowrap">
        {best?.metric === undefined ? "" : `${metricName(properties.metric)} ${shown(best.metric, "number")}`}
      </td>
      <td class="nowrap">
        <Time at={properties.creationTime} />
      </td>
    </tr>
  );
}
