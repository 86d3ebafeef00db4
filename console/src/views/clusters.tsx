/** The clusters of the workspace, and one of them whole. */
import { query } from "../api/paths";
import type { Page } from "../api/types";
import { ClusterPart } from "../clusters/clusterPart";
import { nodesInWords, scaleInWords } from "../clusters/facts";
import type { Cluster } from "../clusters/types";
import { Failure } from "../parts/failure";
import { usePoll } from "../polling/usePoll";
import { href, type Route } from "../router";
import { useHere } from "../shell/context";
import { useTitle } from "../shell/title";
import "../styles/clusters.css";

export function ClustersView({ route }: { route: Route }) {
  const { paths } = useHere();
  const { data, error } = usePoll<Page<Cluster>>(query(paths.clusters, {}));
  const asked = route.path[1];
  const clusters = data?.value ?? [];
  const chosen = asked ? clusters.find((each) => each.name === asked) : clusters[0];
  useTitle(asked ?? "Clusters");
  return (
    <div class="stack">
      <h1>Clusters</h1>
      <Failure error={error} />
      {!data && !error && <p class="quiet">Loading…</p>}
      {clusters.length > 0 && <ClusterTable clusters={clusters} chosen={chosen?.name} />}
      {data && !clusters.length && (
        <div class="card empty">
          <h2>No clusters yet</h2>
          <p class="quiet">Drop a cluster.json anywhere on this page.</p>
        </div>
      )}
      {data && asked && !chosen && <p class="notice">There is no cluster {asked} in this workspace.</p>}
      {chosen && <ClusterPart key={chosen.name} cluster={chosen} />}
    </div>
  );
}

function ClusterTable({ clusters, chosen }: { clusters: readonly Cluster[]; chosen: string | undefined }) {
  const { workspace } = useHere();
  return (
    <div class="scroll-x card flush">
      <table aria-label="Clusters">
        <thead>
          <tr>
            <th scope="col">Cluster</th>
            <th scope="col">Nodes</th>
            <th scope="col">Scale</th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {clusters.map(({ name, properties }) => (
            <tr key={name} class={name === chosen ? "chosen" : undefined}>
              <th scope="row">
                <a
                  href={href(["clusters", name], { workspace })}
                  aria-current={name === chosen ? "true" : undefined}
                >
                  {name}
                </a>
              </th>
              <td>{nodesInWords(properties)}</td>
              <td>{scaleInWords(properties)}</td>
              <td>
                <span class="badge">
                  {properties.provisioningState === "deleting" ? "deleting" : properties.allocationState}
                </span>
                {properties.errors?.length ? (
                  <span class="badge failed">
                    {properties.errors.length} {properties.errors.length === 1 ? "error" : "errors"}
                  </span>
                ) : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
