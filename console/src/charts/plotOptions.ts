/** How uPlot draws a chart: colours of the theme, axes with the units of the chart. */

import uPlot from "uplot";
import { axisLook } from "./axisLook";
import { type Chart, type Series, shown } from "./chart";
import { clock } from "./clock";

const HEIGHT = 190;
/** Of many curves in one picture. */
const TALL = 300;
const CURVES = 8;
/** Steps of an axis of memory. */
const POWERS = Array.from({ length: 50 }, (_, power) => 2 ** power);

export function options(
  chart: Chart,
  group: string,
  holder: HTMLElement,
  point: (index: number | null) => void,
): uPlot.Options {
  const { axis, colour } = axisLook(holder);
  const across: uPlot.Axis = { ...axis, size: 32 };
  const up: uPlot.Axis = {
    ...axis,
    size: 74,
    values: (_, marks) => marks.map((mark) => shown(mark, chart.unit)),
  };
  if (chart.unit === "bytes") up.incrs = POWERS;
  if (chart.x === "elapsed") across.values = (_, marks) => marks.map(clock);
  return {
    width: Math.max(holder.clientWidth, 100),
    height: chart.series.some((each) => each.weight) ? TALL : HEIGHT,
    legend: { show: false },
    cursor: { sync: { key: group }, y: false, drag: { x: true, y: false } },
    scales: { x: { time: chart.x === "time" }, y: { range: (_, least, most) => range(chart, least, most) } },
    axes: [across, up],
    series: [{}, ...chart.series.map((each, index) => curve(each, index, colour))],
    hooks: { setCursor: [(plot) => point(plot.cursor.idx ?? null)] },
  };
}

function curve(each: Series, index: number, colour: (name: string) => string): uPlot.Series {
  // Of a curve with one value a point is all there is to see.
  const points = { show: each.x.length < 2 };
  if (each.weight === "best") return { stroke: colour("--best"), width: 2.5, points };
  if (each.weight === "rest") return { stroke: colour("--curve-0"), width: 1, alpha: 0.5, points };
  const drawn: uPlot.Series = { stroke: colour(`--curve-${index % CURVES}`), width: 1.75 };
  // More curves than colours: the next round is dashed.
  if (index >= CURVES) drawn.dash = [6, 4];
  return drawn;
}

/** What is a share or a size begins at zero; a loss does not. */
function range(chart: Chart, least: number | null, most: number | null): [number, number] {
  if (least === null || most === null) return [0, 1];
  if (chart.unit === "number") return uPlot.rangeNum(least, most, 0.1, true) as [number, number];
  const top = chart.unit === "percent" && most <= 100 ? 100 : most * 1.1;
  return [0, top || 1];
}
