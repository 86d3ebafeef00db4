import type { Job } from "../api/types";
import { useNow } from "../parts/clock";
import { isLive, StateBadge } from "../parts/stateBadge";
import { Time } from "../parts/time";
import { duration } from "../parts/words";
import { href } from "../router";
import { useHere } from "../shell/context";
import { SweepOfRun } from "../sweeps/sweepOfRun";
import { clusterOf, nameOf, remark, spent } from "./summary";

/** On a narrow page the cells of a row stand below each other (styles/jobs.css), with their data-label. */
export function JobTable({ jobs }: { jobs: Job[] }) {
  const now = useNow(jobs.some((job) => isLive(job.properties.executionState)));
  return (
    <div class="card flush scroll-x">
      <table class="jobs" aria-label="Jobs">
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Job</th>
            <th scope="col">Experiment</th>
            <th scope="col">Duration</th>
            <th scope="col">Created</th>
            <th scope="col">Cluster</th>
            <th scope="col" class="number">
              Nodes
            </th>
            <th scope="col" class="number">
              Attempts
            </th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <Row key={job.id} job={job} now={now} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ job, now }: { job: Job; now: number }) {
  const { workspace } = useHere();
  const name = nameOf(job);
  const { seconds, waiting } = spent(job, now);
  const said = remark(job);
  return (
    <tr>
      <td>
        <StateBadge state={job.properties.executionState} />
      </td>
      <td class="name">
        <a href={href(["jobs", name.experiment, name.job], { workspace })}>{job.name}</a>
        {said && <div class="remark">{said}</div>}
        <SweepOfRun job={job} />
      </td>
      <td data-label="Experiment" class="wrap">
        {name.experiment}
      </td>
      <td data-label={waiting ? undefined : "Duration"} class="nowrap">
        {waiting && <span class="quiet">waiting </span>}
        {duration(seconds)}
      </td>
      <td data-label="Created" class="nowrap">
        <Time at={job.properties.creationTime} />
      </td>
      <td data-label="Cluster" class="wrap">
        {clusterOf(job)}
      </td>
      <td data-label="Nodes" class="number">
        {job.properties.nodeCount ?? 1}
      </td>
      <td data-label="Attempts" class="number">
        {job.properties.attempt ?? 0}
      </td>
    </tr>
  );
}
