import { useEffect, useState } from "preact/hooks";
import type { Read } from "./reader";
import { LogSession, type Shown } from "./session";

/** A session with one log, which ends with the view; null until it has begun. */
export function useLog(read: Read): [LogSession, Shown] | null {
  const [held, setHeld] = useState<{ read: Read; session: LogSession; shown: Shown } | null>(null);
  useEffect(() => {
    const session = new LogSession(
      read,
      (shown) => setHeld({ read, session, shown }),
      () => document.hidden,
    );
    session.follow();
    return () => session.stop();
  }, [read]);
  return held && held.read === read ? [held.session, held.shown] : null;
}
