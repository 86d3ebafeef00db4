import { expect, test } from "vitest";
import type { Chart } from "../src/charts/chart";
import { jobNames, merged, rows } from "../src/compare/merged";

const chart = (title: string, x: string, label = ""): Chart => ({
  title,
  unit: "number",
  x,
  series: [{ label, x: [1, 2], y: [5, 3] }],
});

test("charts of the same name are one, with the jobs' names; other axes stay apart", () => {
  const all = merged([
    { job: "e/a", charts: [chart("loss", "step"), chart("f1", "step")] },
    { job: "e/b", charts: [chart("loss", "step", "n1"), chart("f1", "elapsed")] },
  ]);
  expect(all.map((each) => [each.title, each.series.map((series) => series.label)])).toEqual([
    ["loss", ["e/a", "e/b, n1"]],
    ["f1", ["e/a"]],
    ["f1", ["e/b"]],
  ]);
});

test("a row for each series that has numbers", () => {
  const empty = { label: "none", x: [1], y: [null] };
  const found = rows({ ...chart("loss", "step"), series: [empty, ...chart("", "step", "b").series] });
  expect(found.map((row) => [row.series.label, row.found])).toEqual([["b", { last: 3, least: 3, most: 5 }]]);
});

test("names of jobs in the address", () => {
  expect(jobNames("e/a, e/b,,x,a/b/c")).toEqual([
    { experiment: "e", job: "a" },
    { experiment: "e", job: "b" },
  ]);
  expect(jobNames(null)).toEqual([]);
});
