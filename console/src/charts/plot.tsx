/** One chart on the screen, drawn by uPlot. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "../styles/charts.css";
import { aligned, type Chart, shown, summary } from "./chart";
import { options } from "./plotOptions";

/** Charts that are seen together: the cursor is at the same x in all of them. */
interface Drawn {
  chart: Chart;
  group: string;
}

export function Plot({ chart, group }: Drawn) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  /** Index into the data under the pointer; null: none is pointed at. */
  const [pointed, setPointed] = useState<number | null>(null);
  const dark = useDark();
  const data = useMemo(() => aligned(chart.series), [chart]);
  const form = [chart.title, chart.x, chart.unit, ...chart.series.map((each) => each.label)].join("\n");
  useEffect(() => {
    const holder = place.current;
    if (!holder) return;
    const drawn = new uPlot(options(chart, group, holder, setPointed), data as uPlot.AlignedData, holder);
    plot.current = drawn;
    const sized = new ResizeObserver(() =>
      drawn.setSize({ width: holder.clientWidth, height: drawn.height }),
    );
    sized.observe(holder);
    return () => {
      sized.disconnect();
      drawn.destroy();
      plot.current = null;
    };
  }, [form, group, dark]);
  useEffect(() => plot.current?.setData(data as uPlot.AlignedData), [data]);
  return (
    <figure class="chart card">
      <figcaption>
        <h3>{chart.title}</h3>
        <ul class="legend">
          {chart.series.map((series, index) =>
            series.weight === "rest" ? null : (
              <li key={series.label || chart.title}>
                <span class={`swatch ${series.weight ?? `curve-${index % 8}`}`} />
                {series.label}
                <b>
                  {shown(pointed === null ? summary(series)?.last : data[index + 1]?.[pointed], chart.unit)}
                </b>
              </li>
            ),
          )}
        </ul>
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={spoken(chart)} />
    </figure>
  );
}

/** The chart in words. */
function spoken(chart: Chart): string {
  const each = chart.series
    .filter(({ weight }) => weight !== "rest")
    .map((series) => {
      const found = summary(series);
      if (!found) return `${series.label} without values`;
      const [last, least, most] = [found.last, found.least, found.most].map((value) =>
        shown(value, chart.unit),
      );
      return `${series.label} last ${last}, between ${least} and ${most}`.trim();
    });
  const more = chart.series.length - each.length;
  if (more) each.push(`${more} further ${more === 1 ? "run" : "runs"}`);
  return `${chart.title}: ${each.join("; ")}`;
}

export function useDark(): boolean {
  const asked = useMemo(() => matchMedia("(prefers-color-scheme: dark)"), []);
  const [dark, setDark] = useState(asked.matches);
  useEffect(() => {
    const follow = () => setDark(asked.matches);
    asked.addEventListener("change", follow);
    return () => asked.removeEventListener("change", follow);
  }, [asked]);
  return dark;
}
