/** The time line of a job as bars: lanes by attempt and node, parts by what happened between events. PURE.
 *
 * Events are those of shared/jobs/events.py; kinds that are not known there yet change nothing. */
import type { JobEvent } from "../../api/types";

export type Part =
  | "queued"
  | "machine"
  | "assembling"
  | "mounts"
  | "image"
  | "preparation"
  | "starting"
  | "running"
  | "upload"
  | "working";

export const PART_NAMES: Record<Part, string> = {
  queued: "Queued",
  machine: "Machine starting",
  assembling: "Nodes coming together",
  mounts: "Mounts",
  image: "Image",
  preparation: "Preparation",
  starting: "Starting",
  running: "Running",
  upload: "Upload",
  working: "Setting up or running",
};

export interface Segment {
  part: Part;
  /** Milliseconds since 1970. */
  begin: number;
  end: number;
  /** It continues; `end` is the present. */
  open: boolean;
}

export interface Lane {
  /** 0: before and between attempts. */
  attempt: number;
  node: string;
  segments: Segment[];
}

/** What of the job says which part follows an event. */
export interface Shape {
  container: boolean;
  preparation: boolean;
  nodes: number;
}

const ENDINGS = new Set(["Uploaded", "RunnerLost", "HandedBack", "RetryScheduled", "Ended"]);
/** What a node did before it had the job: true of that node alone. */
const OF_NODE = new Set(["NodeStarted", "NodeReady", "NodeBegan"]);

/** Lanes in the order of time. `live`: the last part lasts until `now` (milliseconds). */
export function lanes(events: readonly JobEvent[], shape: Shape, live: boolean, now: number): Lane[] {
  const attempts = [...new Set(events.map((event) => event.attempt ?? 0))]
    .filter(Boolean)
    .sort((a, b) => a - b);
  const found = attempts.flatMap((attempt) => {
    const own = events.filter((event) => event.attempt === attempt);
    const over = !live || attempt !== attempts.at(-1) || own.some((event) => ENDINGS.has(event.event));
    return nodesOf(own).map((node) => {
      const segments = bars(ofNode(own, node), (event) => partAfter(event, shape), over ? null : now);
      return { attempt, node, segments: segments.map(guarded) };
    });
  });
  const queue = bars(
    events.filter(isQueueEvent),
    (event) => queuePart(event),
    live && !isClaimed(events) ? now : null,
  );
  return [{ attempt: 0, node: "", segments: queue }, ...found].filter((lane) => lane.segments.length > 0);
}

/** What a node does may be in the job's row only when its attempt is over: until then more may have happened. */
function guarded(segment: Segment): Segment {
  const early = segment.part === "mounts" || segment.part === "assembling";
  return segment.open && early ? { ...segment, part: "working" } : segment;
}

function nodesOf(events: readonly JobEvent[]): string[] {
  const nodes = [...new Set(events.map((event) => event.node ?? ""))].filter(Boolean);
  return nodes.length ? nodes : [""];
}

/** Events of one node of an attempt: its own, and for kinds that it lacks, the first of any node. */
function ofNode(events: readonly JobEvent[], node: string): JobEvent[] {
  const own = events.filter((event) => (event.node ?? "") === node);
  const kinds = new Set(own.map((event) => event.event));
  const others = events.filter((event) => {
    if (kinds.has(event.event) || OF_NODE.has(event.event)) return false;
    kinds.add(event.event);
    return true;
  });
  return [...own, ...others].sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
}

function partAfter(event: JobEvent, shape: Shape): Part | null | undefined {
  const prepared = shape.preparation ? "preparation" : "starting";
  switch (event.event) {
    case "NodeStarted":
      return "machine";
    case "NodeReady":
      return null;
    case "Claimed":
      return shape.nodes > 1 ? "assembling" : "mounts";
    case "Assembled":
    case "NodeBegan":
      return "mounts";
    case "Mounted":
      return shape.container ? "image" : prepared;
    case "ContainerStarted":
      return prepared;
    case "PreparationStarted":
      return "preparation";
    case "ImageReady":
    case "Prepared":
      return "starting";
    case "Started":
      return "running";
    case "Stopped":
      return "upload";
    default:
      return ENDINGS.has(event.event) ? null : undefined;
  }
}

function isQueueEvent(event: JobEvent): boolean {
  return event.event === "Queued" || event.event === "Claimed" || ENDINGS.has(event.event);
}

function queuePart(event: JobEvent): Part | null | undefined {
  if (event.event === "Queued" || event.event === "RetryScheduled" || event.event === "HandedBack")
    return "queued";
  return event.event === "RunnerLost" ? undefined : null;
}

/** Whether the latest attempt holds the job. */
function isClaimed(events: readonly JobEvent[]): boolean {
  const last = events.filter((event) => isQueueEvent(event) && event.event !== "Uploaded").at(-1);
  return last?.event === "Claimed" || last?.event === "Ended";
}

/** Bars between events: `after` says which part begins with one; null: none; undefined: it changes nothing. */
function bars(
  events: readonly JobEvent[],
  after: (event: JobEvent) => Part | null | undefined,
  openUntil: number | null,
): Segment[] {
  const found: Segment[] = [];
  let current: { part: Part; begin: number } | undefined;
  for (const event of events) {
    const next = after(event);
    if (next === undefined || next === current?.part) continue;
    const at = Date.parse(event.time);
    // Two machines' clocks may disagree: a bar is not shorter than nothing.
    if (current) found.push({ ...current, end: Math.max(at, current.begin), open: false });
    current = next ? { part: next, begin: at } : undefined;
  }
  if (current && openUntil !== null) {
    found.push({ ...current, end: Math.max(openUntil, current.begin), open: true });
  }
  return found;
}
