/** The job's facts in a row. */
import type { ComponentChildren } from "preact";
import { nameIn } from "../api/paths";
import type { Job } from "../api/types";
import { clusterOf, spent } from "../jobs/summary";
import { Time } from "../parts/time";
import { duration } from "../parts/words";
import { href } from "../router";
import { useHere } from "../shell/context";
import { SweepLink } from "../sweeps/sweepOfRun";

export function Facts({ job, now }: { job: Job; now: number }) {
  const { workspace } = useHere();
  const { properties } = job;
  const { seconds, waiting } = spent(job, now);
  const cluster = nameIn(properties.cluster?.id ?? "", "clusters");
  return (
    <dl class="job-facts">
      <Fact name={waiting ? "Waiting" : "Duration"}>{duration(seconds)}</Fact>
      <Fact name="Cluster">
        <a href={href(["clusters", cluster], { workspace })}>{clusterOf(job)}</a>
      </Fact>
      <Fact name="Nodes">{properties.nodeCount ?? 1}</Fact>
      <Fact name="Attempts">{properties.attempt ?? 0}</Fact>
      {properties.executionInfo?.exitCode !== undefined && (
        <Fact name="Exit code">{properties.executionInfo.exitCode}</Fact>
      )}
      {properties.toolType && <Fact name="Toolkit">{properties.toolType}</Fact>}
      {properties.timeline?.gpuHours !== undefined && (
        <Fact name="GPU hours">{properties.timeline.gpuHours}</Fact>
      )}
      <Fact name="Created">
        <Time at={properties.creationTime} />
      </Fact>
      {properties.sweep && (
        <Fact name="Sweep">
          <SweepLink id={properties.sweep.id} />
        </Fact>
      )}
      {properties.submittedBy && <Fact name="Submitted by">{properties.submittedBy}</Fact>}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
