import type { Route } from "../router";

export function ClustersView(_: { route: Route }) {
  return <h1>Clusters</h1>;
}
