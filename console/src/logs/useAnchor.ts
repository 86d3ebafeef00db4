import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { LogWindow } from "./window";

/** Keeps what one looks at where it is while lines come and go around it; at the end where one follows. */
export function useAnchor(frame: RefObject<HTMLElement | null>, window: LogWindow, following: boolean): void {
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

function topLine(frame: HTMLElement): { at: string; top: number } | null {
  const top = frame.getBoundingClientRect().top;
  for (const block of frame.querySelectorAll<HTMLElement>(".block")) {
    const place = block.getBoundingClientRect();
    if (place.bottom <= top) continue;
    const line = block.querySelector<HTMLElement>(".line");
    if (line) return { at: line.dataset.at ?? "", top: line.getBoundingClientRect().top };
  }
  return null;
}
