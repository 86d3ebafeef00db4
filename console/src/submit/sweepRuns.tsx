/** The runs that a sweep would have. */
import { valueText } from "../sweeps/facts";
import type { ExplainedSweep } from "./validated";
import "../styles/facts.css";

/** More are not listed: one has seen by then how they vary. */
const MOST = 8;

export function SweepRuns({ sweep }: { sweep: ExplainedSweep }) {
  const facts: [string, string | number | undefined][] = [
    ["Runs", sweep.count],
    ["At once", sweep.maxConcurrent ?? "all of them"],
    ["Ends early", sweep.maxFailures && `once ${sweep.maxFailures} have failed`],
    ["Compared by", sweep.metric && `${sweep.metric.name}, to ${sweep.metric.goal}`],
  ];
  return (
    <>
      <dl class="facts">
        {facts.map(([name, value]) =>
          value ? (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ) : null,
        )}
      </dl>
      <ul class="plain runs-of-sweep" aria-label="Runs">
        {sweep.runs.slice(0, MOST).map((run) => (
          <li key={run.index}>
            <span class="quiet">run {run.index}</span>{" "}
            {Object.entries(run.parameters)
              .map(([name, value]) => `${name} ${valueText(value)}`)
              .join(", ")}
          </li>
        ))}
      </ul>
      {sweep.count > MOST && <p class="quiet">… and {sweep.count - MOST} more</p>}
    </>
  );
}
