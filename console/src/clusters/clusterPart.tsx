/** One cluster: how it changes, its nodes, its queue. */
import { query } from "../api/paths";
import type { Job, Page } from "../api/types";
import { Failure } from "../parts/failure";
import { usePoll } from "../polling/usePoll";
import { useHere } from "../shell/context";
import { direction, jobsOf, nodesInWords, scaleInWords } from "./facts";
import { NodeTable } from "./nodeTable";
import { Queue } from "./queue";
import type { Cluster, Node } from "./types";
import "../styles/facts.css";

/** Of the workspace's jobs in a state so many are looked through for those of this cluster. */
const MOST = 200;
/** Jobs change less often than what their nodes do. */
const SECONDS = 4;

export function ClusterPart({ cluster }: { cluster: Cluster }) {
  const { paths } = useHere();
  const jobs = (state: string) => query(paths.jobs, { state, maxresults: MOST });
  const nodes = usePoll<Page<Node>>(query(`${paths.cluster(cluster.name)}/nodes`, {}));
  const queued = usePoll<Page<Job>>(jobs("queued"), true, SECONDS);
  const running = usePoll<Page<Job>>(jobs("running"), true, SECONDS);
  const properties = cluster.properties;
  const changes = direction(nodes.data?.value ?? [], properties);
  return (
    <section class="stack" aria-labelledby="cluster">
      <div class="row spread">
        <h2 id="cluster">{cluster.name}</h2>
        {changes && <span class="badge running">{changes}</span>}
      </div>
      <dl class="facts">
        <Fact name="Nodes" value={nodesInWords(properties)} />
        <Fact name="Scale" value={scaleInWords(properties)} />
        <Fact name="Machines" value={[properties.vmSize, properties.vmPriority].filter(Boolean).join(", ")} />
      </dl>
      {(properties.errors ?? []).map((error) => (
        <p key={`${error.code}${error.message}`} class="notice error">
          <b>{error.code}</b>: {error.message}
          {error.details?.map((each) => ` (${each.name} ${each.value})`)}
        </p>
      ))}
      <Failure error={nodes.error} />
      {nodes.data?.value.length ? (
        <NodeTable
          cluster={cluster.name}
          nodes={nodes.data.value}
          jobs={running.data?.value ?? []}
          changed={nodes.reload}
        />
      ) : (
        nodes.data && <p class="quiet">It has no node at present. Machines start when a job needs them.</p>
      )}
      <h3>Queue</h3>
      <Failure error={queued.error} />
      {queued.data && (
        <Queue jobs={jobsOf(queued.data.value, cluster.name)} more={Boolean(queued.data.nextLink)} />
      )}
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
