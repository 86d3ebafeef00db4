/** A chart as data: what is drawn, without how. */

import { bytes } from "../parts/words";

export type Unit = "percent" | "bytes" | "bytesPerSecond" | "number";

export interface Series {
  label: string;
  /** Ascending; seconds since the epoch where the chart's x is time. */
  x: number[];
  y: (number | null)[];
  /** Of many curves that are alike: the one to be seen, or one of the others, which have one colour and stand in no
   * legend. Absent: a colour of its own. */
  weight?: "best" | "rest";
}

export interface Chart {
  title: string;
  unit: Unit;
  /** What x is: "time" of the clock, "elapsed" seconds, or the name of a counter such as "step". */
  x: string;
  series: Series[];
}

/** All x of the series once, ascending, and for each series its y there: undefined where it has no such x (a line
 * continues over it), null where it has no value (a line has a gap). */
export function aligned(series: readonly Series[]): [number[], ...(number | null | undefined)[][]] {
  const xs = [...new Set(series.flatMap((each) => each.x))].sort((a, b) => a - b);
  const columns = series.map((each) => {
    const at = new Map(each.x.map((x, index) => [x, each.y[index] ?? null]));
    return xs.map((x) => at.get(x));
  });
  return [xs, ...columns];
}

export interface Summary {
  last: number;
  least: number;
  most: number;
}

/** null of a series without a number. */
export function summary(series: Series): Summary | null {
  const numbers = series.y.filter((y): y is number => y !== null);
  if (!numbers.length) return null;
  let [least, most] = [numbers[0] as number, numbers[0] as number];
  for (const y of numbers) {
    if (y < least) least = y;
    if (y > most) most = y;
  }
  return { last: numbers[numbers.length - 1] as number, least, most };
}

/** Of memory, which is sold in powers of 1024. */
const BYTES = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A value for people: 12.5 %, 1.2 GiB, 0.00031. */
export function shown(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (unit === "percent") return `${short(value)} %`;
  if (unit === "number") return short(value);
  if (unit === "bytesPerSecond") return `${bytes(value)}/s`;
  let [size, step] = [value, 0];
  while (Math.abs(size) >= 1024 && step < BYTES.length - 1) [size, step] = [size / 1024, step + 1];
  return `${short(size)} ${BYTES[step]}`;
}

function short(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-4) return value.toExponential(2);
  if (size >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(size >= 1 ? 3 : 4)));
}
