/** How uPlot draws the metric against a parameter: points without a line, the best one in a colour of its own. */

import type uPlot from "uplot";
import { axisLook } from "../charts/axisLook";
import { shown } from "../charts/chart";
import type { Scatter } from "./scatter";

const HEIGHT = 170;
/** Pixels within which a point is the one that is pointed at. */
const REACH = 30;

export function scatterOptions(
  drawn: Scatter,
  holder: HTMLElement,
  point: (at: number | null) => void,
): uPlot.Options {
  const { axis: look, colour } = axisLook(holder);
  const axis: uPlot.Axis = {
    ...look,
    values: (_, marks) => marks.map((mark) => (mark === null ? "" : shown(mark, "number"))),
  };
  const across: uPlot.Axis = { ...axis, size: 32 };
  if (drawn.axis === "names") {
    across.splits = () => drawn.names.map((_, place) => place);
    across.values = (_, marks) => marks.map((mark) => drawn.names[mark] ?? "");
  }
  return {
    width: Math.max(holder.clientWidth, 100),
    height: HEIGHT,
    padding: [8, 12, 0, 0],
    legend: { show: false },
    cursor: {
      x: false,
      y: false,
      drag: { x: false, y: false },
      points: { size: 11, fill: "transparent", width: 2, stroke: colour("--text") },
      dataIdx: (plot, series, closest) => (series === 1 ? nearest(plot) : closest),
    },
    scales: { x: scaleOf(drawn), y: { range: (_, least, most) => range(least, most) } },
    axes: [across, { ...axis, size: 60 }],
    series: [{}, dots(colour("--curve-0"), 7, 0.75), dots(colour("--best"), 11, 1)],
    hooks: { setCursor: [(plot) => point(plot.cursor.idxs?.[1] ?? null)] },
  };
}

function dots(colour: string, size: number, alpha: number): uPlot.Series {
  return {
    paths: () => null,
    alpha,
    stroke: colour,
    points: { show: true, size, width: 0, fill: colour, stroke: colour },
  };
}

function scaleOf({ axis, names }: Scatter): uPlot.Scale {
  if (axis === "log") return { time: false, distr: 3, range: (_, least, most) => [least / 1.3, most * 1.3] };
  if (axis === "names") return { time: false, range: () => [-0.5, names.length - 0.5] };
  return { time: false, range: (_, least, most) => range(least, most) };
}

/** Points at the edge are whole; a single value is in the middle. */
function range(least: number | null, most: number | null): [number, number] {
  if (least === null || most === null) return [0, 1];
  const margin = (most - least) * 0.08 || Math.abs(least) * 0.1 || 1;
  return [least - margin, most + margin];
}

/** The point next to the pointer: many have the same x. */
function nearest(plot: uPlot): number | null {
  const { left = -1, top = -1 } = plot.cursor;
  if (left < 0 || top < 0) return null;
  let [best, distance] = [null as number | null, REACH];
  const [xs, ys] = [plot.data[0], plot.data[1]];
  for (let at = 0; at < xs.length; at++) {
    const y = ys?.[at];
    if (y === null || y === undefined) continue;
    const apart = Math.hypot(plot.valToPos(xs[at] as number, "x") - left, plot.valToPos(y, "y") - top);
    if (apart < distance) [best, distance] = [at, apart];
  }
  return best;
}
