import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { LogSession, Shown } from "./session";
import type { LogWindow } from "./window";

/** Pixels from an edge at which more is read. */
const NEAR = 300;
/** Pixels from the end at which one is at the end. */
const AT_END = 30;

type Frame = RefObject<HTMLElement | null>;

/** Keeps what one looks at where it is while lines come and disappear around it, at the end where one follows,
 * and reads on at the edges. Gives what is to be called when somebody scrolls. */
export function useScrolling(frame: Frame, session: LogSession, shown: Shown): () => void {
  useAnchor(frame, shown.window, shown.following);
  useEnd(frame, shown.following);
  useAim(frame, shown.aim);
  function edges() {
    const at = frame.current;
    if (!at || !shown.ready || shown.following) return;
    if (below(at) < NEAR) session.later();
    if (at.scrollTop < NEAR) session.earlier();
  }
  // A window may be shorter than what one sees of it: then nothing is scrolled.
  useLayoutEffect(edges, [shown.window]);
  return () => {
    const at = frame.current;
    if (!at || !shown.ready) return;
    const atEnd = below(at) <= AT_END;
    if (shown.following && !atEnd) session.pause();
    else if (!shown.following && atEnd && !shown.final && shown.window.end >= shown.size) session.follow();
    else edges();
  };
}

function below(frame: HTMLElement): number {
  return frame.scrollHeight - frame.scrollTop - frame.clientHeight;
}

function useAnchor(frame: Frame, window: LogWindow, following: boolean): void {
  const seen = useRef<{ at: string; top: number } | null>(null);
  const drawn = useRef<LogWindow | null>(null);
  // While drawing, the elements are still those of before.
  if (drawn.current !== window && frame.current) seen.current = topLine(frame.current);
  useLayoutEffect(() => {
    const element = frame.current;
    drawn.current = window;
    if (!element) return;
    if (following) {
      element.scrollTop = element.scrollHeight;
      return;
    }
    const before = seen.current;
    const line = before && element.querySelector<HTMLElement>(`.line[data-at="${before.at}"]`);
    if (before && line) element.scrollTop += line.getBoundingClientRect().top - before.top;
  }, [frame, window, following]);
}

/** The end stays the end when the page becomes narrower, and when lines turn out to be higher than they were
 * taken for. */
function useEnd(frame: Frame, following: boolean): void {
  useEffect(() => {
    const element = frame.current;
    if (!element || !following) return;
    const observer = new ResizeObserver(() => {
      element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    if (element.firstElementChild) observer.observe(element.firstElementChild);
    return () => observer.disconnect();
  }, [frame, following]);
}

/** Brings a line into the upper half of what is seen. */
function useAim(frame: Frame, aim: { at: number } | null): void {
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element || !aim) return;
    const lines = [...element.querySelectorAll<HTMLElement>(".line")];
    const line = lines.find((each) => Number(each.dataset.at) >= aim.at) ?? lines.at(-1);
    if (!line) return;
    // Of blocks that were never seen the height is a guess: what is near must be laid out first.
    for (let again = 0; again < 2; again += 1) {
      const top = line.getBoundingClientRect().top - element.getBoundingClientRect().top;
      element.scrollTop += top - element.clientHeight / 3;
    }
  }, [frame, aim]);
}

/** The first line of the first block that is seen. */
function topLine(frame: HTMLElement): { at: string; top: number } | null {
  const top = frame.getBoundingClientRect().top;
  for (const block of frame.querySelectorAll<HTMLElement>(".block")) {
    if (block.getBoundingClientRect().bottom <= top) continue;
    const line = block.querySelector<HTMLElement>(".line");
    if (line) return { at: line.dataset.at ?? "", top: line.getBoundingClientRect().top };
  }
  return null;
}
