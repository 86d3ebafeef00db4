import type { Route } from "../router";

export function SweepsView(_: { route: Route }) {
  return <h1>Sweeps</h1>;
}
