import type { JobName } from "../api/paths";
import type { Route } from "../router";

export function JobView({ name }: { name: JobName; route: Route }) {
  return <h1>{name.job}</h1>;
}
