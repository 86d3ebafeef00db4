/** The runs of a sweep in an order that one chooses. */
import { useState } from "preact/hooks";
import { shown } from "../charts/chart";
import { StateBadge } from "../parts/stateBadge";
import { duration } from "../parts/words";
import { jobOf, metricName, secondsOf, valueText } from "./facts";
import { type Order, ordered } from "./order";
import type { Metric, Run } from "./types";

/** Rows that are drawn until more are asked for. */
const ROWS = 200;

interface Shown {
  runs: readonly Run[];
  parameters: readonly string[];
  metric: Metric | undefined;
  best: Run | null;
  order: Order;
  now: number;
  press(column: string): void;
  address(run: Run): string | null;
}

export function RunTable(shown: Shown) {
  const { runs, parameters, metric, order, now, press } = shown;
  const [most, setMost] = useState(ROWS);
  const sorted = ordered(runs, order, now);
  const heading = { order, press };
  return (
    <div class="stack">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to scroll by keys, too */}
      <section class="card flush scroll-x rows" tabIndex={0} aria-label="Table of runs">
        <table class="runs" aria-label="Runs">
          <thead>
            <tr>
              <Heading column="index" {...heading}>
                Run
              </Heading>
              <Heading column="state" {...heading}>
                State
              </Heading>
              {metric && (
                <Heading column="metric" number {...heading}>
                  {metricName(metric)}
                </Heading>
              )}
              {parameters.map((name) => (
                <Heading key={name} column={`p.${name}`} number {...heading}>
                  {name}
                </Heading>
              ))}
              <Heading column="seconds" number {...heading}>
                Duration
              </Heading>
            </tr>
          </thead>
          <tbody>
            {sorted.slice(0, most).map((run) => (
              <Row key={run.index} run={run} {...shown} />
            ))}
          </tbody>
        </table>
      </section>
      {sorted.length > most && (
        <div class="row">
          <button type="button" onClick={() => setMost(most + ROWS)}>
            {Math.min(ROWS, sorted.length - most)} more rows
          </button>
          <span class="quiet">
            {most} of {sorted.length} are shown
          </span>
        </div>
      )}
    </div>
  );
}

interface Named {
  column: string;
  order: Order;
  number?: boolean;
  press(column: string): void;
  children: string;
}

function Heading({ column, order, number, press, children }: Named) {
  const chosen = order.column === column;
  const sorting = chosen ? (order.descending ? "descending" : "ascending") : undefined;
  return (
    <th scope="col" class={number ? "number" : undefined} aria-sort={sorting}>
      <button type="button" class="sort" onClick={() => press(column)}>
        {children}
        <span aria-hidden="true">{chosen ? (order.descending ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
}

function Row({ run, parameters, metric, best, now, address }: Shown & { run: Run }) {
  const seconds = secondsOf(run, now);
  const isBest = run.index === best?.index;
  const at = address(run);
  const name = jobOf(run) ?? `run ${run.index}`;
  return (
    <tr class={isBest ? "best" : undefined}>
      <th scope="row" class="name">
        {at ? <a href={at}>{name}</a> : <span class="quiet">{name}</span>}
        {isBest && <span class="badge best">best</span>}
      </th>
      <td>
        <StateBadge state={run.state} />
        {run.message && <div class="remark">{run.message}</div>}
      </td>
      {metric && <td class="number">{run.metric === undefined ? "" : shown(run.metric, "number")}</td>}
      {parameters.map((each) => (
        <td key={each} class="number">
          {valueText(run.parameters[each])}
        </td>
      ))}
      <td class="number nowrap">{seconds === null ? "" : duration(seconds)}</td>
    </tr>
  );
}
