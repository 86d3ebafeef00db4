/** Which view an address names. */
import type { Route } from "../router";
import { ClustersView } from "../views/clusters";
import { JobView } from "../views/job";
import { JobsView } from "../views/jobs";
import { lazily } from "./lazily";

const SubmitView = lazily(async () => (await import("../views/submit")).SubmitView);
const CompareView = lazily(async () => (await import("../views/compare")).CompareView);
const SweepsView = lazily(async () => (await import("../views/sweeps")).SweepsView);
const SweepView = lazily(async () => (await import("../views/sweep")).SweepView);

export function View({ route }: { route: Route }) {
  const [place = "jobs", experiment, job] = route.path;
  if (place === "jobs" && experiment && job) return <JobView name={{ experiment, job }} route={route} />;
  if (place === "jobs") return <JobsView route={route} />;
  if (place === "clusters") return <ClustersView route={route} />;
  if (place === "submit") return <SubmitView route={route} />;
  if (place === "compare") return <CompareView route={route} />;
  if (place === "sweeps" && experiment && job) {
    return <SweepView name={{ experiment, sweep: job }} route={route} />;
  }
  if (place === "sweeps") return <SweepsView route={route} />;
  return <p>There is nothing at this address.</p>;
}
