/** Where one is in a log, in words and as a slider. */
import { bytes } from "../parts/words";
import type { LogSession, Shown } from "./session";

export function Status({ shown }: { shown: Shown }) {
  const { window, size, final, following } = shown;
  const below = Math.max(0, size - window.end);
  const words = final && !below ? "This log is complete" : following ? "Following the end" : "Paused";
  return (
    <p class="quiet log-status">
      {words} · {bytes(size)}
      {!following && below > 0 && ` · ${bytes(below)} further down`}
    </p>
  );
}

/** For logs larger than what is in memory: anywhere at once. */
export function Position({ session, shown }: { session: LogSession; shown: Shown }) {
  const { window, size } = shown;
  if (window.start === 0 && window.end >= size) return null;
  return (
    <div class="position">
      <button type="button" onClick={() => session.jump(0)}>
        Beginning
      </button>
      <input
        type="range"
        aria-label="Position in the log"
        aria-valuetext={`${bytes(window.start)} of ${bytes(size)}`}
        min={0}
        max={size}
        step={Math.max(1, Math.floor(size / 1000))}
        value={shown.following ? size : window.start}
        onChange={(event) => session.jump(Number(event.currentTarget.value))}
      />
      <button type="button" onClick={() => session.follow()}>
        End
      </button>
    </div>
  );
}
