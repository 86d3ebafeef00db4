import { expect, test } from "vitest";
import { nameIn, Paths, query } from "../src/api/paths";
import type { Job, JobProperties } from "../src/api/types";
import { another } from "../src/job/nextName";
import { remedy } from "../src/job/remedies";
import { any, asked, fromAddress, tokenOf } from "../src/jobs/filters";
import { clusterOf, eventsOf, nameOf, remark, spent } from "../src/jobs/summary";

const W = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.BatchAI/workspaces/w";
const NOW = Date.parse("2026-11-29T12:00:30Z");

function job(properties: Partial<JobProperties>): Job {
  const known = { creationTime: "2026-11-29T11:00:30Z", executionState: "queued" as const };
  return { id: `${W}/experiments/e/jobs/j`, name: "j", properties: { ...known, ...properties } };
}

test("addresses hold names whatever is in them", () => {
  const paths = new Paths({ subscriptionId: "s", resourceGroup: "r/g" }, "w");
  expect(paths.job({ experiment: "a b", job: "<c>" })).toBe(
    "/subscriptions/s/resourceGroups/r%2Fg/providers/Microsoft.BatchAI/workspaces/w/experiments/a%20b/jobs/%3Cc%3E",
  );
  expect(nameIn(`${W}/clusters/a%20b`, "Clusters")).toBe("a b");
  expect(nameIn(W, "clusters")).toBe("");
  expect(query("/p", { a: "", b: null, c: 0, d: "&" })).toBe("/p?api-version=2018-05-01&c=0&d=%26");
});

test("a span of time is counted from the minute, so that polls ask the same", () => {
  const filters = fromAddress(new URLSearchParams("since=1h&state=failed"));
  expect(asked(filters, NOW)).toMatchObject({ state: "failed", createdafter: "2026-11-29T11:00:00Z" });
  expect(asked(filters, NOW + 20_000)).toEqual(asked(filters, NOW));
});

test("moments in the address that are none are left out, and spans that are not known", () => {
  const filters = fromAddress(
    new URLSearchParams("since=constructor&after=soon&before=2026-11-29T12:00:00.500Z"),
  );
  expect(asked(filters, NOW)).toMatchObject({ createdafter: "", createdbefore: "2026-11-29T12:00:00Z" });
});

test("a page is no filter", () => {
  expect(any(fromAddress(new URLSearchParams("page=x")))).toBe(false);
  expect(any(fromAddress(new URLSearchParams("prefix=x")))).toBe(true);
  expect(tokenOf("http://other/path?$skiptoken=a%2Bb")).toBe("a+b");
  expect(tokenOf(null)).toBe("");
});

test("a job is found under its experiment, on its cluster", () => {
  expect(nameOf(job({}))).toEqual({ experiment: "e", job: "j" });
  expect(clusterOf(job({ cluster: { id: `${W}/clusters/c` } }))).toBe("c");
  expect(clusterOf(job({ cluster: { id: `${W}x/clusters/c` } }))).toBe("wx/c");
});

test("a job waits until it begins, then runs until it ends", () => {
  expect(spent(job({}), NOW)).toEqual({ seconds: 3600, waiting: true });
  const startTime = "2026-11-29T12:00:00Z";
  expect(spent(job({ executionState: "running", executionInfo: { startTime } }), NOW)).toEqual({
    seconds: 30,
    waiting: false,
  });
  // Between two attempts it waits again.
  expect(spent(job({ executionInfo: { startTime } }), NOW).waiting).toBe(true);
});

test("a job that nothing has happened to yet is queued", () => {
  const { properties } = job({});
  expect(eventsOf(properties)).toEqual([{ time: properties.creationTime, event: "Queued" }]);
  const events = [{ time: properties.creationTime, event: "Claimed" }];
  expect(eventsOf({ ...properties, timeline: { events, seconds: {}, attempts: 1 } })).toBe(events);
});

test("one line says why it waits or how it failed", () => {
  const waiting = { reason: "R", message: "no node", next: "wait" };
  expect(remark(job({ waiting }))).toBe("no node");
  const executionInfo = { exitCode: 2, errors: [{ code: "JobFailed", message: "m" }] };
  expect(remark(job({ executionState: "failed", executionInfo }))).toBe("JobFailed, exit code 2");
  expect(remark(job({ executionState: "succeeded", executionInfo: { exitCode: 0 } }))).toBe("");
});

test("another run has the next name, which is not too long", () => {
  expect(another("train")).toBe("train-2");
  expect(another("train-9")).toBe("train-10");
  expect(another("x".repeat(64))).toBe(`${"x".repeat(62)}-2`);
});

test("an error that is not known has a remedy, too", () => {
  expect(remedy("AZFMountError")).toContain("share");
  expect(remedy("constructor")).toContain("logs");
});
