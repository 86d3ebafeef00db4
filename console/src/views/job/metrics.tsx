import type { JobName } from "../../api/paths";

/** Curves of a job: what its nodes did, and what it wrote itself. */
export function MetricsPart(_: { name: JobName; run: string | null; live: boolean }) {
  return <p class="quiet">No curves yet.</p>;
}
