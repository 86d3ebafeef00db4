/** The nodes of a cluster: what each does, and why one is of no use. */
import { useState } from "preact/hooks";
import { json } from "../api/client";
import { nameIn, query } from "../api/paths";
import type { Job } from "../api/types";
import { Confirm } from "../parts/confirm";
import { Failure } from "../parts/failure";
import { Time } from "../parts/time";
import { href } from "../router";
import { useHere } from "../shell/context";
import { drainable, jobOfRun, sorted } from "./facts";
import { GpuList } from "./gpuList";
import type { Node } from "./types";

interface Shown {
  cluster: string;
  nodes: readonly Node[];
  /** Those that run. */
  jobs: readonly Job[];
  changed(): void;
}

export function NodeTable({ cluster, nodes, jobs, changed }: Shown) {
  const { session } = useHere();
  return (
    <div class="scroll-x card flush">
      <table aria-label="Nodes">
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">State</th>
            <th scope="col">Job</th>
            <th scope="col">GPUs</th>
            {session.may.contribute && <th scope="col">Action</th>}
          </tr>
        </thead>
        <tbody>
          {sorted(nodes).map((node) => (
            <tr key={node.nodeId}>
              <th scope="row">
                {node.nodeId}
                {node.ipAddress && <div class="quiet">{node.ipAddress}</div>}
              </th>
              <td>
                <NodeState node={node} />
              </td>
              <td>
                <JobOf job={jobOfRun(jobs, node.job)} run={node.job} />
              </td>
              <td>
                {node.gpus?.length ? <GpuList gpus={node.gpus} /> : <span class="quiet">none reported</span>}
                {node.reportedAt && (
                  <div class="quiet">
                    as of <Time at={node.reportedAt} />
                  </div>
                )}
              </td>
              {session.may.contribute && (
                <td>
                  <Draining cluster={cluster} node={node} changed={changed} />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function NodeState({ node }: { node: Node }) {
  return (
    <>
      <span class={`badge node-${node.state}`}>{node.state}</span>
      {node.drain && <span class="badge">drains</span>}
      {node.detail && <p class={node.state === "unusable" ? "reason" : "quiet reason"}>{node.detail}</p>}
    </>
  );
}

function JobOf({ job, run }: { job: Job | undefined; run: string | undefined }) {
  const { workspace } = useHere();
  if (!job) return <span class="quiet">{run ? `run ${run}` : "none"}</span>;
  const experiment = nameIn(job.id, "experiments");
  return <a href={href(["jobs", experiment, job.name], { workspace })}>{`${experiment}/${job.name}`}</a>;
}

function Draining({ cluster, node, changed }: { cluster: string; node: Node; changed(): void }) {
  const { paths } = useHere();
  const [asked, setAsked] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const verb = drainable(node);
  if (!verb) return null;
  const send = () => {
    setAsked(false);
    const path = query(`${paths.cluster(cluster)}/nodes/${encodeURIComponent(node.nodeId)}/${verb}`, {});
    json(path, { method: "POST" }).then(changed, setFailure);
  };
  return (
    <>
      <button type="button" onClick={verb === "drain" ? () => setAsked(true) : send}>
        {verb === "drain" ? "Drain" : "Undrain"}
        <span class="visually-hidden"> {node.nodeId}</span>
      </button>
      <Failure error={failure} />
      {asked && (
        <Confirm
          title={`Drain ${node.nodeId}?`}
          action="Drain"
          onConfirm={send}
          onCancel={() => setAsked(false)}
        >
          <p>It ends the job that it has, takes no other one, and leaves the cluster.</p>
        </Confirm>
      )}
    </>
  );
}
