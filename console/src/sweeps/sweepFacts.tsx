/** How a sweep stands: a bar of its runs, and its facts in a row. */
import { shown } from "../charts/chart";
import { Time } from "../parts/time";
import { metricName } from "./facts";
import type { Counts, Run, SweepProperties } from "./types";

const WHY: Record<string, string> = {
  SweepTerminated: "Somebody ended it before its last run.",
  MaxFailuresReached: "It ended early: as many runs have failed as its document allows.",
};

export function SweepFacts({ sweep, best }: { sweep: SweepProperties; best: Run | null }) {
  const { metric, runs } = sweep;
  const facts: [string, unknown][] = [
    ["Ended", `${runs.succeeded + runs.failed} of ${runs.total}`],
    ["Failed", runs.failed],
    ["Running or queued", runs.inFlight],
    ["Best", best && `${metricName(metric)} ${shown(best.metric, "number")}`],
    ["Goal", metric && `${metric.goal} ${metricName(metric)}`],
    ["At once", sweep.maxConcurrent],
    ["Ends early", sweep.maxFailures && `once ${sweep.maxFailures} have failed`],
    ["Times rerun", sweep.generation || null],
    ["Submitted by", sweep.submittedBy],
  ];
  return (
    <>
      <Progress runs={runs} />
      <dl class="job-facts">
        {facts.map(([name, value]) =>
          value === null || value === undefined ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{String(value)}</dd>
            </div>
          ),
        )}
        <div>
          <dt>Created</dt>
          <dd>
            <Time at={sweep.creationTime} />
          </dd>
        </div>
      </dl>
      {sweep.why && <p class="notice warning">{WHY[sweep.why] ?? sweep.why}</p>}
    </>
  );
}

/** Shares of runs as a bar; its words are beside it, so that it says nothing of its own. */
export function Progress({ runs }: { runs: Counts }) {
  const parts = [
    ["succeeded", runs.succeeded],
    ["failed", runs.failed],
    ["running", runs.inFlight],
  ] as const;
  let x = 0;
  return (
    <svg
      class="progress"
      viewBox={`0 0 ${Math.max(1, runs.total)} 1`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {parts.map(([state, count]) => {
        const at = x;
        x += count;
        return <rect key={state} class={state} x={at} y={0} width={count} height={1} />;
      })}
    </svg>
  );
}
