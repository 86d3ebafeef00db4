/** The jobs that wait for nodes of a cluster, and why. */
import { nameIn } from "../api/paths";
import type { Job } from "../api/types";
import { useNow } from "../parts/clock";
import { between, duration } from "../parts/words";
import { href } from "../router";
import { useHere } from "../shell/context";

/** More of a queue says nothing more. */
const MOST = 20;

export function Queue({ jobs, more }: { jobs: readonly Job[]; more: boolean }) {
  const { workspace } = useHere();
  const now = useNow(jobs.length > 0);
  if (!jobs.length)
    return <p class="quiet">No job waits{more ? " among the newest of the workspace" : ""}.</p>;
  // As they wait: the oldest first.
  const waiting = [...jobs].reverse();
  return (
    <>
      <ol class="queue card" aria-label="Queue">
        {waiting.slice(0, MOST).map((job) => {
          const experiment = nameIn(job.id, "experiments");
          return (
            <li key={job.id}>
              <a href={href(["jobs", experiment, job.name], { workspace })}>{`${experiment}/${job.name}`}</a>
              <span class="quiet">
                {" "}
                waits for {duration(between(job.properties.creationTime, undefined, now))}, needs{" "}
                {job.properties.nodeCount ?? 1} {job.properties.nodeCount === 1 ? "node" : "nodes"}
              </span>
              {job.properties.waiting && <p class="quiet reason">{job.properties.waiting.message}</p>}
            </li>
          );
        })}
      </ol>
      {(waiting.length > MOST || more) && (
        <p>
          <a href={href(["jobs"], { state: "queued", workspace })}>All jobs that wait</a>
        </p>
      )}
    </>
  );
}
