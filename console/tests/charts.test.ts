import { expect, test } from "vitest";
import { aligned, shown, summary } from "../src/charts/chart";
import { metricCharts } from "../src/charts/metricCharts";
import { resourceCharts } from "../src/charts/resourceCharts";
import { labels } from "../src/charts/sourceLabels";

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 29, 12, 0, seconds)).toISOString();

test("series of different x lie over each other, with gaps", () => {
  const a = { label: "a", x: [1, 3], y: [10, 30] };
  const b = { label: "b", x: [2, 3], y: [null, 31] };
  expect(aligned([a, b])).toEqual([
    [1, 2, 3],
    [10, undefined, 30],
    [undefined, null, 31],
  ]);
});

test("last, least and most", () => {
  expect(summary({ label: "", x: [1, 2, 3], y: [2, 9, 5] })).toEqual({ last: 5, least: 2, most: 9 });
  expect(summary({ label: "", x: [1], y: [null] })).toBeNull();
});

test.each([
  [0, "percent", "0 %"],
  [132.14, "percent", "132 %"],
  [1.5 * 1024 ** 3, "bytes", "1.5 GiB"],
  [2048, "bytesPerSecond", "2.0 kB/s"],
  [0.000012345, "number", "1.23e-5"],
  [0.12345, "number", "0.1235"],
  [null, "number", "–"],
  [Number.NaN, "bytes", "–"],
] as const)("%s as %s is %s", (value, unit, text) => {
  expect(shown(value, unit)).toBe(text);
});

test("only what differs is said", () => {
  expect(labels([{ node: "n0", attempt: 1 }])).toEqual([""]);
  expect(labels([{ node: "n0" }, { node: "n1" }])).toEqual(["n0", "n1"]);
  expect(
    labels([
      { node: "n0", attempt: 1 },
      { node: "n0", process: "1", attempt: 2 },
    ]),
  ).toEqual(["main, attempt 1", "1, attempt 2"]);
});

test("a chart for each thing that is measured, none for what nobody has", () => {
  const sample = (seconds: number) => ({ time: at(seconds), cpuPercent: 100, memoryBytes: 5 });
  const charts = resourceCharts([{ node: "n0", samples: [sample(0), sample(10)] }]);
  expect(charts.map((chart) => chart.title)).toEqual(["CPU (100 % = one core)", "Memory"]);
  expect(charts[0]?.series[0]?.x).toEqual([Date.parse(at(0)) / 1000, Date.parse(at(10)) / 1000]);
  expect(resourceCharts([{ samples: [sample(0), sample(10)] }], true)[0]?.series[0]?.x).toEqual([0, 10]);
});

test("each GPU of each node has a curve, with a gap where it was not seen", () => {
  const gpu = (index: number, percent: number | null) => ({ index, utilizationPercent: percent });
  const charts = resourceCharts([
    {
      node: "n0",
      samples: [
        { time: at(0), gpus: [gpu(1, 7), gpu(0, 5)] },
        { time: at(10), gpus: [gpu(0, 6)] },
      ],
    },
    { node: "n1", samples: [{ time: at(0), gpus: [gpu(0, null)] }] },
  ]);
  expect(charts[0]?.series.map((each) => [each.label, each.y])).toEqual([
    ["n0, GPU 0", [5, 6]],
    ["n0, GPU 1", [7, null]],
    ["n1, GPU 0", [null]],
  ]);
});

test("counters of the disk are rates, with a gap where they began anew", () => {
  const read = [0, 1000, 3000, 500].map((diskReadBytes, index) => ({ time: at(index * 10), diskReadBytes }));
  expect(resourceCharts([{ samples: read }])[0]?.series[0]?.y).toEqual([null, 100, 200, null]);
  expect(resourceCharts([{ samples: read.slice(0, 1) }])).toEqual([]);
});

test("lines are counted by their step, and the later one of two counts", () => {
  const { charts } = metricCharts([
    {
      samples: [
        { step: 1, loss: 0.9, note: "x" },
        { step: 2, loss: 0.8 },
        { step: 2, loss: 0.7, accuracy: 0.5 },
      ],
    },
  ]);
  expect(charts.map((chart) => [chart.title, chart.x])).toEqual([
    ["loss", "step"],
    ["accuracy", "step"],
  ]);
  expect(charts[0]?.series[0]).toMatchObject({ x: [1, 2], y: [0.9, 0.7] });
});

test("without a counter by time, without time by line", () => {
  const byTime = metricCharts([
    {
      samples: [
        { time: at(5), loss: 1 },
        { time: at(8), loss: 2 },
      ],
    },
  ]);
  expect(byTime.charts[0]).toMatchObject({ x: "elapsed", series: [{ x: [0, 3] }] });
  const byLine = metricCharts([{ samples: [{ loss: 1 }, { loss: Number.NaN }, { loss: 2, step: 1 }] }]);
  expect(byLine.charts.map((chart) => chart.title)).toEqual(["loss", "step"]);
  expect(byLine.charts[0]).toMatchObject({ x: "line", series: [{ x: [1, 3] }] });
});

test("names beyond the most are listed, not drawn", () => {
  const line = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`m${index}`, index]));
  const { charts, left } = metricCharts([{ samples: [line] }]);
  expect(charts).toHaveLength(40);
  expect(left).toHaveLength(10);
});
