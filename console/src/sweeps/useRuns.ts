/** All runs of a sweep, as they change. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { json } from "../api/client";
import { query } from "../api/paths";
import type { Page } from "../api/types";
import { usePoll } from "../polling/usePoll";
import type { Run } from "./types";

/** Runs in one answer. A sweep with more is read on in pages, not more often than each PAUSE. */
const PAGE = 1000;
const PAUSE = 10_000;

interface Runs {
  runs: Run[];
  /** Whether the first page is here. */
  known: boolean;
  error: unknown;
  reload(): void;
}

export function useRuns(sweep: string, live: boolean, total: number): Runs {
  const path = query(`${sweep}/runs`, { maxresults: PAGE });
  const first = usePoll<Page<Run>>(path, live, total > PAGE ? PAUSE / 1000 : 0);
  const more = useFurther(first.data?.nextLink, live);
  const runs = useMemo(() => [...(first.data?.value ?? []), ...more.runs], [first.data, more.runs]);
  return { runs, known: first.data !== undefined, error: first.error ?? more.error, reload: first.reload };
}

/** The pages after the first, read one after the other, again each PAUSE while the sweep is live and once when it has ended. */
function useFurther(link: string | null | undefined, live: boolean): { runs: Run[]; error: unknown } {
  const [further, setFurther] = useState<{ runs: Run[]; error: unknown }>({ runs: [], error: undefined });
  useEffect(() => {
    if (!link) return setFurther({ runs: [], error: undefined });
    const stopped = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const read = async () => {
      try {
        if (!document.hidden) setFurther({ runs: await pages(link, stopped.signal), error: undefined });
      } catch (error) {
        if (!stopped.signal.aborted) setFurther((before) => ({ ...before, error }));
      }
      if (live && !stopped.signal.aborted) timer = setTimeout(read, PAUSE);
    };
    void read();
    return () => {
      stopped.abort();
      clearTimeout(timer);
    };
  }, [link, live]);
  return further;
}

async function pages(link: string, signal: AbortSignal): Promise<Run[]> {
  const runs: Run[] = [];
  for (let next: string | null | undefined = link; next; ) {
    // A link names the host as the service sees it; the page asks its own.
    const { pathname, search } = new URL(next, location.href);
    const page: Page<Run> = await json(pathname + search, { signal });
    runs.push(...page.value);
    next = page.nextLink;
  }
  return runs;
}
