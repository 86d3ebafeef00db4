/** A resource that stays current while it is shown. */
import { useEffect, useRef, useState } from "preact/hooks";
import { send } from "../api/client";
import { Scheduler } from "./scheduler";

export const scheduler = new Scheduler(() => document.hidden);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) scheduler.wake();
});

export interface Polled<T> {
  data: T | undefined;
  /** Of the latest request; `data` is then of an earlier one. */
  error: unknown;
  /** Asks at once, beside its turn. */
  reload(): void;
}

/** The JSON at `path`, asked at once, then in turns (scheduler), with the ETag of what is here: an answer
 * 304 draws nothing. `path` null: nothing is asked. `live` false: asked once. `seconds`: not more often. */
export function usePoll<T>(path: string | null, live = true, seconds = 0): Polled<T> {
  const [state, setState] = useState<{ path: string | null; data?: T; error?: unknown }>({ path });
  const ask = useRef<() => Promise<void>>(async () => {});
  useEffect(() => {
    if (path === null) return;
    const poller = polling<T>(path, setState, seconds);
    ask.current = poller.ask;
    void poller.ask();
    const remove = live ? scheduler.add(poller) : () => {};
    return () => {
      remove();
      poller.stop();
    };
  }, [path, live, seconds]);
  // Until the first answer, what another path answered is not shown for this one.
  const current = state.path === path ? state : { path };
  return { data: current.data, error: current.error, reload: () => void ask.current() };
}

type Keep<T> = (
  change: (before: { path: string | null; data?: T; error?: unknown }) => typeof before,
) => void;

function polling<T>(path: string, keep: Keep<T>, seconds: number) {
  const stopped = new AbortController();
  let etag: string | null = null;
  let busy = false;
  let asked = Number.NEGATIVE_INFINITY;
  async function ask(): Promise<void> {
    if (busy || stopped.signal.aborted) return;
    busy = true;
    asked = performance.now();
    try {
      const response = await send(path, { etag, signal: stopped.signal });
      if (response.status === 304) {
        keep((before) => (before.error === undefined ? before : { path, ...dataOf(before) }));
        return;
      }
      const data = (await response.json()) as T;
      etag = response.headers.get("etag");
      if (!stopped.signal.aborted) keep(() => ({ path, data }));
    } catch (error) {
      if (!stopped.signal.aborted) keep((before) => ({ path, ...dataOf(before, path), error }));
    } finally {
      busy = false;
    }
  }
  const due = () => performance.now() - asked >= seconds * 1000;
  return { ask, due, stop: () => stopped.abort() };
}

function dataOf<T>(before: { path: string | null; data?: T }, path = before.path): { data?: T } {
  return before.path === path && before.data !== undefined ? { data: before.data } : {};
}
