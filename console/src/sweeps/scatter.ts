/** The metric against one parameter, as data. PURE. */
import { valueText } from "./facts";
import type { Parameter, Run, Value } from "./types";

/** Values that span more than so many times are drawn by their logarithm, as `batchai sweep show --plot` does. */
const LOG_SPAN = 50;

export interface Scatter {
  parameter: string;
  /** How the axis of the parameter is: "names" has one place for each text, at 0, 1, 2 … */
  axis: "linear" | "log" | "names";
  /** Of the axis "names": what stands at each place. */
  names: string[];
  /** Ascending by x. */
  points: { x: number; y: number; run: Run }[];
}

/** The runs that have the parameter and a metric. `given`: the parameter as the document has it. */
export function scatter(parameter: string, runs: readonly Run[], given: Parameter | undefined): Scatter {
  const measured = runs.filter((run) => run.metric !== undefined && parameter in run.parameters);
  const values = measured.map((run) => run.parameters[parameter] as Value);
  const axis = axisOf(values, given);
  // Places of all runs, also of those without a metric: points do not move while the sweep runs.
  const every = runs.flatMap((run) =>
    parameter in run.parameters ? [run.parameters[parameter] as Value] : [],
  );
  const names = axis === "names" ? [...new Set(every.map(valueText))] : [];
  const place = (value: Value) => (axis === "names" ? names.indexOf(valueText(value)) : Number(value));
  const points = measured.map((run, at) => ({ x: place(values[at] as Value), y: run.metric as number, run }));
  return { parameter, axis, names, points: points.sort((a, b) => a.x - b.x) };
}

function axisOf(values: readonly Value[], given: Parameter | undefined): Scatter["axis"] {
  const numbers = values.filter((value): value is number => typeof value === "number");
  if (numbers.length < values.length) return "names";
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  if (!(least > 0)) return "linear";
  if (given && !Array.isArray(given)) return given.scale === "log" ? "log" : "linear";
  return most / least > LOG_SPAN ? "log" : "linear";
}

/** The picture in words. */
export function spoken({ parameter, axis, points }: Scatter, metric: string, best: Run | null): string {
  const scale = axis === "log" ? ", which has a logarithmic axis" : "";
  const winner = best ? `; the best at ${parameter} ${valueText(best.parameters[parameter])}` : "";
  return `${metric} against ${parameter}${scale}: ${points.length} runs${winner}`;
}
