/** The time line as a picture, and as a table for whoever cannot see it. */
import { useEffect, useRef, useState } from "preact/hooks";
import { duration, local, utc } from "../../parts/words";
import { marks } from "./axis";
import { type Lane, PART_NAMES, type Part, type Segment } from "./segments";

/** Pixels. */
const LANE = 26;
const BAR = 16;
const AXIS = 22;

export function TimelinePicture({ lanes }: { lanes: Lane[] }) {
  const [frame, width] = useWidth();
  const labels = Math.min(190, width * 0.34);
  const all = lanes.flatMap((lane) => lane.segments);
  const begin = Math.min(...all.map((segment) => segment.begin));
  const span = Math.max(...all.map((segment) => segment.end)) - begin || 1;
  const x = (moment: number) => labels + ((moment - begin) / span) * (width - labels - 8);
  const height = lanes.length * LANE + AXIS;
  return (
    <div ref={frame} class="timeline">
      {width > 0 && lanes.length > 0 && (
        <svg width={width} height={height} role="img" aria-label="Time line; the table below says the same">
          {marks(span / 1000, width / 110).map((at) => (
            <g key={at}>
              <line
                class="mark"
                x1={x(begin + at * 1000)}
                x2={x(begin + at * 1000)}
                y1={0}
                y2={height - AXIS}
              />
              <text
                class={x(begin + at * 1000) > width - 24 ? "axis last" : "axis"}
                x={x(begin + at * 1000)}
                y={height - 6}
              >
                {at === 0 ? "0" : duration(at)}
              </text>
            </g>
          ))}
          {lanes.map((lane, row) => (
            <Bars key={`${lane.attempt} ${lane.node}`} lane={lane} y={row * LANE} x={x} labels={labels} />
          ))}
        </svg>
      )}
      <Legend lanes={lanes} />
      <AsTable lanes={lanes} />
    </div>
  );
}

interface Placed {
  lane: Lane;
  y: number;
  x(moment: number): number;
  labels: number;
}

function Bars({ lane, y, x, labels }: Placed) {
  const most = Math.floor(labels / 6.6);
  const name = laneName(lane);
  return (
    <g>
      <text class="lane" x={0} y={y + 17}>
        <title>{name}</title>
        {name.length > most ? `${name.slice(0, most - 1)}…` : name}
      </text>
      {lane.segments.map((segment) => (
        <rect
          key={`${segment.part} ${segment.begin}`}
          class={`part-${segment.part}${segment.open ? " open" : ""}`}
          x={x(segment.begin)}
          y={y + (LANE - BAR) / 2}
          width={Math.max(2, x(segment.end) - x(segment.begin))}
          height={BAR}
          rx={2}
        >
          <title>{said(segment)}</title>
        </rect>
      ))}
    </g>
  );
}

function Legend({ lanes }: { lanes: Lane[] }) {
  const parts = [...new Set(lanes.flatMap((lane) => lane.segments.map((segment) => segment.part)))];
  return (
    <ul class="legend" aria-label="Colours">
      {parts.map((part) => (
        <li key={part}>
          <svg width="12" height="12" aria-hidden="true">
            <rect class={`part-${part}`} width="12" height="12" rx="2" />
          </svg>
          {PART_NAMES[part]} <span class="quiet">{duration(total(lanes, part))}</span>
        </li>
      ))}
    </ul>
  );
}

function AsTable({ lanes }: { lanes: Lane[] }) {
  return (
    <details>
      <summary>As a table</summary>
      <div class="scroll-x">
        <table>
          <thead>
            <tr>
              <th scope="col">Where</th>
              <th scope="col">Part</th>
              <th scope="col">From</th>
              <th scope="col">Took</th>
            </tr>
          </thead>
          <tbody>
            {lanes.flatMap((lane) =>
              lane.segments.map((segment) => (
                <tr key={`${lane.attempt} ${lane.node} ${segment.part} ${segment.begin}`}>
                  <td class="wrap">{laneName(lane)}</td>
                  <td>{PART_NAMES[segment.part]}</td>
                  <td title={utc(iso(segment.begin))}>{local(iso(segment.begin), new Date())}</td>
                  <td>
                    {duration((segment.end - segment.begin) / 1000)}
                    {segment.open && " so far"}
                  </td>
                </tr>
              )),
            )}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function laneName(lane: Lane): string {
  if (lane.attempt === 0) return "Waiting";
  return lane.node ? `Attempt ${lane.attempt} · ${lane.node}` : `Attempt ${lane.attempt}`;
}

/** Seconds of the longest lane: nodes beside each other take no longer than one. */
function total(lanes: Lane[], part: Part): number {
  const byAttempt = new Map<number, number>();
  for (const lane of lanes) {
    const own = lane.segments.filter((segment) => segment.part === part);
    const seconds = own.reduce((sum, segment) => sum + (segment.end - segment.begin) / 1000, 0);
    byAttempt.set(lane.attempt, Math.max(byAttempt.get(lane.attempt) ?? 0, seconds));
  }
  return [...byAttempt.values()].reduce((sum, seconds) => sum + seconds, 0);
}

function said(segment: Segment): string {
  const took = duration((segment.end - segment.begin) / 1000);
  return `${PART_NAMES[segment.part]}: ${took}${segment.open ? " so far" : ""}, from ${local(iso(segment.begin), new Date())} (${utc(iso(segment.begin))})`;
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** The width that the page leaves for an element, in pixels; 0 until it is known. */
function useWidth() {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!frame.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);
  return [frame, width] as const;
}
