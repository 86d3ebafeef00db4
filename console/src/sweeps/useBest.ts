/** The best run of each sweep in a list. A list says nothing of values, so the runs are read: of the newest sweeps
 * only, one sweep after the other, and again only after more of its runs have ended. */
import { useEffect, useRef, useState } from "preact/hooks";
import { json } from "../api/client";
import type { Page } from "../api/types";
import { bestOf } from "./facts";
import type { Run, Sweep } from "./types";

/** Sweeps whose values are shown, and milliseconds between two rounds. */
const MOST = 25;
const PAUSE = 10_000;
/** Runs that one answer holds: a sweep with more shows its best on its own page. */
export const PAGE = 1000;

export function useBest(
  sweeps: readonly Sweep[],
  address: (sweep: Sweep) => string,
): ReadonlyMap<string, Run | null> {
  const [found, setFound] = useState<ReadonlyMap<string, Run | null>>(new Map());
  /** As of which state a sweep's runs have been read. */
  const read = useRef(new Map<string, string>());
  const some = sweeps
    .filter(({ properties }) => properties.metric && properties.runs.total <= PAGE)
    .slice(0, MOST);
  const last = useRef(Number.NEGATIVE_INFINITY);
  const wanted = some.map((sweep) => `${sweep.id} ${asOf(sweep)}`).join("\n");
  useEffect(() => {
    const stopped = new AbortController();
    const round = async () => {
      const open = some.filter((sweep) => read.current.get(sweep.id) !== asOf(sweep));
      if (open.length) last.current = performance.now();
      for (const sweep of open) {
        const page = await json<Page<Run>>(address(sweep), { signal: stopped.signal });
        if (stopped.signal.aborted) return;
        read.current.set(sweep.id, asOf(sweep));
        setFound((before) => new Map(before).set(sweep.id, bestOf(page.value, sweep.properties.metric)));
      }
    };
    // What cannot be read has no value to show; the next change asks again.
    const timer = setTimeout(
      () => void round().catch(() => {}),
      Math.max(0, last.current + PAUSE - performance.now()),
    );
    return () => {
      stopped.abort();
      clearTimeout(timer);
    };
  }, [wanted]);
  return found;
}

function asOf({ properties: { runs, generation, creationTime } }: Sweep): string {
  return `${creationTime} ${generation ?? 0} ${runs.succeeded} ${runs.failed}`;
}
