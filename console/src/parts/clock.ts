/** The present moment, for what grows while one looks at it. */
import { useEffect, useState } from "preact/hooks";

/** Milliseconds since 1970, renewed each second while `ticking` and while the page is seen. */
export function useNow(ticking: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!ticking) return;
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, 1000);
    setNow(Date.now());
    return () => clearInterval(timer);
  }, [ticking]);
  return now;
}
