import type { Route } from "../router";

export function JobsView(_: { route: Route }) {
  return <h1>Jobs</h1>;
}
