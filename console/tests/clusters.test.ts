import { expect, test } from "vitest";
import type { Job } from "../src/api/types";
import {
  direction,
  drainable,
  jobOfRun,
  jobsOf,
  nodesInWords,
  scaleInWords,
  sorted,
} from "../src/clusters/facts";
import type { Node } from "../src/clusters/types";

const node = (nodeId: string, state: string, drain = false): Node => ({ nodeId, state, drain });
const job = (name: string, cluster: string, run: string): Job => ({
  id: `/x/experiments/e/jobs/${name}`,
  name,
  properties: {
    creationTime: "2026-11-29T12:00:00Z",
    executionState: "running",
    cluster: { id: `/x/workspaces/w/clusters/${cluster}` },
    jobOutputDirectoryPathSegment: `s/g/workspaces/w/experiments/e/jobs/${name}/${run}`,
  },
});

test("nodes by state", () => {
  expect(
    nodesInWords({ currentNodeCount: 3, nodeStateCounts: { idleNodeCount: 1, runningNodeCount: 2 } }),
  ).toBe("3 nodes: 2 running, 1 idle");
  expect(nodesInWords({})).toBe("0 nodes");
});

test("how many nodes there may be", () => {
  const auto = { minimumNodeCount: 0, maximumNodeCount: 2 };
  expect(scaleInWords({ scaleSettings: { autoScale: auto } })).toBe("0 to 2 nodes, as jobs need them");
  expect(scaleInWords({ scaleSettings: { manual: { targetNodeCount: 1 } } })).toBe("1 node wanted");
  expect(scaleInWords({})).toBe("as many nodes as there are");
});

test("which way it changes", () => {
  expect(direction([node("a", "starting"), node("b", "leaving")], {})).toBe("growing and shrinking");
  expect(direction([node("a", "idle")], { allocationState: "resizing" })).toBe("resizing");
  expect(direction([node("a", "idle")], { allocationState: "steady" })).toBe("");
});

test("nodes to look at come first, states that are not known last", () => {
  const nodes = [node("b", "idle"), node("a", "idle"), node("d", "odd"), node("c", "unusable")];
  expect(sorted(nodes).map((each) => each.nodeId)).toEqual(["c", "a", "b", "d"]);
});

test("the job of a node, by its run", () => {
  const jobs = [job("j1", "C", "u1"), job("j2", "other", "u2")];
  expect(jobOfRun(jobs, "u2")?.name).toBe("j2");
  expect(jobOfRun(jobs, undefined)).toBeUndefined();
  expect(jobsOf(jobs, "c").map((each) => each.name)).toEqual(["j1"]);
});

test("what a node can be asked", () => {
  expect(drainable(node("a", "running"))).toBe("drain");
  expect(drainable(node("a", "idle", true))).toBe("undrain");
  expect(drainable(node("a", "lost"))).toBeNull();
});
