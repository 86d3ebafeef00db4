/** The order of the runs of a sweep. PURE. */
import { secondsOf } from "./facts";
import type { Metric, Run, Value } from "./types";

/** What the table is sorted by: "metric", "index", "state", "seconds", or a parameter as "p.name". */
export interface Order {
  column: string;
  descending: boolean;
}

/** Best first where there is something to compare by, else by index. */
export function usual(metric: Metric | undefined): Order {
  return metric
    ? { column: "metric", descending: metric.goal !== "minimize" }
    : { column: "index", descending: false };
}

/** As the address has it: "metric" or "-metric". */
export function orderText({ column, descending }: Order): string {
  return `${descending ? "-" : ""}${column}`;
}

export function orderFrom(text: string | null, otherwise: Order): Order {
  if (!text) return otherwise;
  const descending = text.startsWith("-");
  return { column: descending ? text.slice(1) : text, descending };
}

/** The order after its column's heading was pressed. */
export function pressed(order: Order, column: string, metric: Metric | undefined): Order {
  if (order.column === column) return { column, descending: !order.descending };
  return column === "metric" ? usual(metric) : { column, descending: false };
}

/** The runs in an order; those without a value are last either way, equals by index. */
export function ordered(runs: readonly Run[], order: Order, now: number): Run[] {
  const keyed = runs.map((run) => ({ run, key: keyOf(run, order.column, now) }));
  keyed.sort((a, b) => {
    if (a.key === undefined || b.key === undefined) {
      return Number(a.key === undefined) - Number(b.key === undefined) || a.run.index - b.run.index;
    }
    const difference = compared(a.key, b.key);
    return (order.descending ? -difference : difference) || a.run.index - b.run.index;
  });
  return keyed.map(({ run }) => run);
}

function keyOf(run: Run, column: string, now: number): Value | undefined {
  if (column === "metric") return run.metric;
  if (column === "index") return run.index;
  if (column === "state") return run.state;
  if (column === "seconds") return secondsOf(run, now) ?? undefined;
  return run.parameters[column.replace(/^p\./, "")];
}

/** Numbers by size and before texts, which are in the order of their letters. */
function compared(a: Value, b: Value): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "number" || typeof b === "number") return typeof a === "number" ? -1 : 1;
  const [left, right] = [String(a), String(b)];
  return left < right ? -1 : Number(left > right);
}
