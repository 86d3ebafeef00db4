import type { Route } from "../router";

export function SubmitView(_: { route: Route }) {
  return <h1>Submit</h1>;
}
