/** What is said of a cluster and its nodes. PURE. */
import { nameIn } from "../api/paths";
import type { Job } from "../api/types";
import type { ClusterProperties, Node } from "./types";

const STATES = ["running", "idle", "preparing", "leaving", "unusable"];

/** "3 nodes: 2 running, 1 idle" */
export function nodesInWords({ currentNodeCount = 0, nodeStateCounts = {} }: ClusterProperties): string {
  const counts = STATES.map((state) => [nodeStateCounts[`${state}NodeCount`] ?? 0, state] as const);
  const said = counts.filter(([count]) => count > 0).map(([count, state]) => `${count} ${state}`);
  const total = `${currentNodeCount} node${currentNodeCount === 1 ? "" : "s"}`;
  return said.length ? `${total}: ${said.join(", ")}` : total;
}

/** How many nodes it may have. */
export function scaleInWords({ scaleSettings }: ClusterProperties): string {
  const auto = scaleSettings?.autoScale;
  if (auto) return `${auto.minimumNodeCount} to ${auto.maximumNodeCount} nodes, as jobs need them`;
  const target = scaleSettings?.manual?.targetNodeCount;
  return target === undefined
    ? "as many nodes as there are"
    : `${target} node${target === 1 ? "" : "s"} wanted`;
}

/** Which way it changes: "growing", "shrinking", or "" where it does not. */
export function direction(nodes: readonly Node[], { allocationState }: ClusterProperties): string {
  const has = (...states: string[]) => nodes.some((node) => states.includes(node.state));
  const words = [has("starting", "preparing") ? "growing" : "", has("leaving") ? "shrinking" : ""];
  const said = words.filter(Boolean).join(" and ");
  return said || (allocationState === "resizing" ? "resizing" : "");
}

/** Nodes to look at come first. */
export function sorted(nodes: readonly Node[]): Node[] {
  const ranks = ["unusable", "lost", "running", "preparing", "starting", "idle", "leaving"];
  const rank = (node: Node) => (ranks.indexOf(node.state) + ranks.length + 1) % (ranks.length + 1);
  return [...nodes].sort((a, b) => rank(a) - rank(b) || a.nodeId.localeCompare(b.nodeId));
}

/** The job whose run a node works on. */
export function jobOfRun(jobs: readonly Job[], run: string | undefined): Job | undefined {
  if (!run) return undefined;
  return jobs.find((job) => job.properties.jobOutputDirectoryPathSegment?.split("/").at(-1) === run);
}

/** Jobs of one cluster. */
export function jobsOf(jobs: readonly Job[], cluster: string): Job[] {
  const name = cluster.toLowerCase();
  return jobs.filter((job) => nameIn(job.properties.cluster?.id ?? "", "clusters").toLowerCase() === name);
}

/** Whether a node can be asked to drain, or to take jobs again. */
export function drainable(node: Node): "drain" | "undrain" | null {
  if (["lost", "leaving", "starting"].includes(node.state) && !node.drain) return null;
  return node.drain ? "undrain" : "drain";
}
