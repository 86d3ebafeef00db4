import { expect, test } from "vitest";
import type { JobMetrics } from "../src/charts/metrics";
import { kindOf } from "../src/submit/documents";
import { curveChart, drawnRuns, MOST_CURVES } from "../src/sweeps/curveChart";
import { bestOf, isLiveSweep, jobOf, parameterNames, progressText, secondsOf } from "../src/sweeps/facts";
import { ordered, orderFrom, orderText, pressed, usual } from "../src/sweeps/order";
import { scatter, spoken } from "../src/sweeps/scatter";
import type { Run, Value } from "../src/sweeps/types";

const MOST = { key: "accuracy", goal: "maximize" } as const;
const LEAST = { key: "loss", goal: "minimize" } as const;

function run(index: number, x: Value, metric?: number, more: Partial<Run> = {}): Run {
  const job = `/subscriptions/s/x/workspaces/w/experiments/e/jobs/r-${index}`;
  const ended = { state: "succeeded", startTime: "2026-11-29T12:00:00Z", endTime: "2026-11-29T12:00:05Z" };
  return { index, parameters: { x }, job, ...ended, ...(metric === undefined ? {} : { metric }), ...more };
}

test("a state that is not known is one that may change", () => {
  const states = ["running", "terminating", "succeeded", "failed", "terminated", "pausing"];
  expect(states.map(isLiveSweep)).toEqual([true, true, false, false, false, true]);
});

test("the best run is the largest or the least, of equals the first; without a metric there is none", () => {
  const runs = [run(0, 1), run(1, 2, 0.5), run(2, 3, 0.9), run(3, 4, 0.9), run(4, 5, 0.1)];
  expect(bestOf(runs, MOST)?.index).toBe(2);
  expect(bestOf(runs, LEAST)?.index).toBe(4);
  expect(bestOf(runs, undefined)).toBeNull();
  expect(bestOf([run(0, 1)], MOST)).toBeNull();
});

test("runs without a job lead nowhere", () => {
  expect(jobOf(run(3, 1))).toBe("r-3");
  for (const state of ["waiting", "refused", "deleted"]) expect(jobOf(run(3, 1, 1, { state }))).toBeNull();
});

test("seconds of what has begun, and parameters as they first come", () => {
  const { startTime: _begun, endTime: _ended, ...waiting } = run(0, 1);
  expect(secondsOf(run(0, 1), 0)).toBe(5);
  expect(secondsOf(waiting, 0)).toBeNull();
  expect(parameterNames([run(0, 1), run(1, 1, 1, { parameters: { width: 1, x: 2 } })])).toEqual([
    "x",
    "width",
  ]);
  const runs = { total: 9, succeeded: 3, failed: 1, inFlight: 2, waiting: 3 };
  expect(progressText({ runs })).toBe("4 of 9 ended, 1 failed");
});

test("best first, those without a value last either way, equals by index", () => {
  const runs = [run(0, "b"), run(1, "a", 0.2), run(2, "c", 0.9), run(3, "a", 0.2)];
  const by = (order: string) => ordered(runs, orderFrom(order, usual(MOST)), 0).map(({ index }) => index);
  expect(ordered(runs, usual(MOST), 0).map(({ index }) => index)).toEqual([2, 1, 3, 0]);
  expect(by("metric")).toEqual([1, 3, 2, 0]);
  expect(by("p.x")).toEqual([1, 3, 0, 2]);
  expect(by("-p.x")).toEqual([2, 0, 1, 3]);
  expect(by("-index")).toEqual([3, 2, 1, 0]);
  expect(
    ordered([run(0, "1"), run(1, 10), run(2, 9)], { column: "p.x", descending: false }, 0)[0]?.index,
  ).toBe(2);
});

test("a heading sorts, and sorts the other way; the metric begins with the best", () => {
  const first = pressed(usual(MOST), "p.x", MOST);
  expect(orderText(first)).toBe("p.x");
  expect(orderText(pressed(first, "p.x", MOST))).toBe("-p.x");
  expect(orderText(pressed(first, "metric", MOST))).toBe("-metric");
  expect(orderText(pressed(first, "metric", LEAST))).toBe("metric");
  expect(orderText(usual(undefined))).toBe("index");
});

test("an axis is logarithmic where the range is, or where values of a list span far", () => {
  const runs = [run(0, 1, 0.1), run(1, 0.001, 0.3), run(2, 0.1, 0.2)];
  const axis = (given: Parameters<typeof scatter>[2], of = runs) => scatter("x", of, given).axis;
  expect(axis({ from: 0.001, to: 1, scale: "log" })).toBe("log");
  expect(axis({ from: 0.001, to: 1 })).toBe("linear");
  expect(axis([0.001, 0.1, 1])).toBe("log");
  expect(axis(undefined, [run(0, 8, 1), run(1, 64, 1)])).toBe("linear");
  expect(axis({ from: 0, to: 1, scale: "log" }, [run(0, 0, 1), run(1, 1, 1)])).toBe("linear");
  expect(scatter("x", runs, undefined).points.map(({ x, y }) => [x, y])).toEqual([
    [0.001, 0.3],
    [0.1, 0.2],
    [1, 0.1],
  ]);
});

test("texts and truth values have a place each, also those of runs that have no metric yet", () => {
  const runs = [run(0, "sgd"), run(1, "adam", 0.5), run(2, true, 0.25)];
  const drawn = scatter("x", runs, ["sgd", "adam", true]);
  expect([drawn.axis, drawn.names, drawn.points.map(({ x }) => x)]).toEqual([
    "names",
    ["sgd", "adam", "true"],
    [1, 2],
  ]);
  expect(spoken(drawn, "accuracy", runs[1] ?? null)).toBe("accuracy against x: 2 runs; the best at x adam");
});

test("curves of the runs that have one, on one axis, the best over the others", () => {
  const lines = (...samples: Record<string, number>[]): JobMetrics => ({
    resources: [],
    metrics: [{ samples }],
  });
  const runs = [run(7, 1, 0.9), run(8, 2, 0.5), run(9, 3, 0.4), run(10, 4)];
  const found = new Map([
    [7, lines({ step: 1, accuracy: 0.4 }, { step: 2, accuracy: 0.9 })],
    [8, lines({ step: 1, accuracy: 0.5, loss: 1 })],
    [9, lines({ epoch: 1, accuracy: 0.4 })],
    [10, lines({ step: 1, loss: 3 })],
  ]);
  const chart = curveChart("accuracy", runs, found, runs[0] ?? null);
  expect(chart?.x).toBe("step");
  expect(chart?.series.map(({ label, weight, y }) => [label, weight, y])).toEqual([
    ["run 8", "rest", [0.5]],
    ["run 7, the best", "best", [0.4, 0.9]],
  ]);
  expect(curveChart("accuracy", runs, new Map(), null)).toBeNull();
});

test("no more curves are read than are legible, none of what has not begun", () => {
  const many = Array.from({ length: 80 }, (_, index) => run(index, index));
  expect(drawnRuns(many)).toHaveLength(MOST_CURVES);
  expect(drawnRuns([run(0, 1, 1, { state: "queued" }), run(1, 1, 1, { state: "waiting" })])).toEqual([]);
});

test("a sweep is known by the job in it", () => {
  expect(kindOf('{"properties": {"array": "0-9", "job": {"properties": {}}}}')).toBe("sweep");
  expect(kindOf('{"properties": {"jobPreparation": {}, "environmentVariables": []}}')).toBe("job");
});
