/** Metrics files of the runs of a sweep: of one that has ended read once, of one that runs again now and then. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, json } from "../api/client";
import { nameIn, query } from "../api/paths";
import type { JobMetrics } from "../charts/metrics";
import { isLive } from "../parts/stateBadge";
import { useHere } from "../shell/context";
import type { Run } from "./types";

/** Milliseconds between two readings of the runs that still run. */
const PAUSE = 10_000;
/** Requests at a time: the page has other things to ask, too. */
const AT_ONCE = 4;
/** Points of a curve: as many as a small picture can show. */
const POINTS = 200;

export function useCurves(runs: readonly Run[]): ReadonlyMap<number, JobMetrics> {
  const { paths } = useHere();
  const [found, setFound] = useState<ReadonlyMap<number, JobMetrics>>(new Map());
  /** What has been read for good: which run, with which end. */
  const done = useRef(new Set<string>());
  const wanted = runs.map(mark).join(" ");
  const latest = useRef(runs);
  latest.current = runs;
  const last = useRef(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    const stopped = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const read = async (run: Run) => {
      const job = { experiment: nameIn(run.job, "experiments"), job: nameIn(run.job, "jobs") };
      const metrics = await json<JobMetrics>(query(`${paths.job(job)}/metrics`, { maxpoints: POINTS }), {
        signal: stopped.signal,
      });
      if (!isLive(run.state)) done.current.add(mark(run));
      if (!stopped.signal.aborted) setFound((before) => new Map(before).set(run.index, metrics));
    };
    const turn = async () => {
      const open = document.hidden ? [] : latest.current.filter((run) => !done.current.has(mark(run)));
      if (open.length) last.current = performance.now();
      const queue = [...open];
      const worker = async () => {
        for (let run = queue.shift(); run; run = queue.shift()) {
          const asked = run;
          await read(asked).catch((failure: unknown) => {
            // What is gone has no curve; of anything else the next turn asks again.
            if (failure instanceof ApiError && failure.status === 404) done.current.add(mark(asked));
          });
          if (stopped.signal.aborted) return;
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      const more = latest.current.some((run) => !done.current.has(mark(run)));
      if (!stopped.signal.aborted && more) timer = setTimeout(turn, PAUSE);
    };
    // Runs begin and end all the time: the pause holds then, too.
    timer = setTimeout(turn, Math.max(0, last.current + PAUSE - performance.now()));
    return () => {
      stopped.abort();
      clearTimeout(timer);
    };
  }, [wanted, paths]);
  return found;
}

/** A run as it is now: one that is done again has another beginning. */
function mark(run: Run): string {
  return `${run.index}:${isLive(run.state)}:${run.startTime ?? ""}`;
}
