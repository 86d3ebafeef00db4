/** The metric against one parameter on the screen. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { shown } from "../charts/chart";
import { useDark } from "../charts/plot";
import { valueText } from "./facts";
import { type Scatter, spoken } from "./scatter";
import { scatterOptions } from "./scatterOptions";
import type { Run } from "./types";

interface Drawn {
  drawn: Scatter;
  metric: string;
  best: Run | null;
  /** A point was pressed. */
  choose(run: Run): void;
}

export function ScatterPlot({ drawn, metric, best, choose }: Drawn) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const dark = useDark();
  const data = useMemo(() => columns(drawn, best), [drawn, best]);
  const form = [drawn.parameter, drawn.axis, ...drawn.names].join("\n");
  useEffect(() => {
    const holder = place.current;
    if (!holder) return;
    const made = new uPlot(scatterOptions(drawn, holder, setPointed), data, holder);
    plot.current = made;
    const sized = new ResizeObserver(() => made.setSize({ width: holder.clientWidth, height: made.height }));
    sized.observe(holder);
    return () => {
      sized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [form, dark]);
  useEffect(() => plot.current?.setData(data), [data]);
  const run = pointed === null ? undefined : drawn.points[pointed]?.run;
  return (
    <figure class="chart card scatter">
      <figcaption>
        <h3>{drawn.parameter}</h3>
        <p class="quiet pointed">{caption(run, drawn, metric)}</p>
      </figcaption>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: a shorter way for pointers; the table leads to every run */}
      <div
        ref={place}
        class={run ? "plot found" : "plot"}
        role="img"
        aria-label={spoken(drawn, metric, best)}
        onClick={() => run && choose(run)}
      />
    </figure>
  );
}

function caption(run: Run | undefined, drawn: Scatter, metric: string): string {
  if (!run) return drawn.axis === "log" ? "logarithmic axis" : "";
  const value = valueText(run.parameters[drawn.parameter]);
  return `run ${run.index}: ${drawn.parameter} ${value}, ${metric} ${shown(run.metric, "number")}`;
}

function columns({ points }: Scatter, best: Run | null): uPlot.AlignedData {
  return [
    points.map(({ x }) => x),
    points.map(({ y }) => y),
    points.map(({ y, run }) => (run.index === best?.index ? y : null)),
  ];
}
