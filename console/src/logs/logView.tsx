/** One log: its lines, following the end or anywhere else. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Failure } from "../parts/failure";
import { PLAIN } from "./ansi";
import { BlockLines, OpenLine } from "./blockLines";
import { Download } from "./download";
import { reader, type Stream } from "./reader";
import { SearchBox } from "./searchBox";
import type { LogSession, Shown } from "./session";
import { Position, Status } from "./status";
import { useAnchor } from "./useAnchor";
import { useLog } from "./useLog";
import { openLine, startOf } from "./window";

/** Pixels from an edge at which more is read. */
const NEAR = 300;
const AT_END = 30;

export function LogView({ logs, stream }: { logs: string; stream: Stream }) {
  const read = useMemo(() => reader(logs, stream.name), [logs, stream.name]);
  const held = useLog(read);
  useEffect(() => held?.[0].heard(stream.sizeBytes), [held, stream.sizeBytes]);
  if (!held) return <p class="quiet">Loading…</p>;
  const [session, shown] = held;
  return <Log key={stream.name} logs={logs} stream={stream} session={session} shown={shown} />;
}

interface Held {
  logs: string;
  stream: Stream;
  session: LogSession;
  shown: Shown;
}

function Log({ logs, stream, session, shown }: Held) {
  const { window } = shown;
  const [wrap, setWrap] = useState(true);
  const [words, setWords] = useState("");
  const [hit, setHit] = useState(-1);
  const frame = useRef<HTMLDivElement>(null);
  useAnchor(frame, window, shown.following);
  useLayoutEffect(() => {
    frame.current?.querySelector(".hit")?.scrollIntoView({ block: "center" });
  }, [hit, window]);
  const read = useMemo(() => reader(logs, stream.name), [logs, stream.name]);
  function scrolled() {
    const at = frame.current;
    if (!at || !shown.ready) return;
    const below = at.scrollHeight - at.scrollTop - at.clientHeight;
    if (shown.following) {
      if (below > AT_END) session.pause();
    } else if (below <= AT_END && window.end >= shown.size && hit < 0) {
      session.follow();
    } else if (below < NEAR) session.later();
    if (at.scrollTop < NEAR && at.scrollHeight > at.clientHeight) session.earlier();
  }
  function found(at: number) {
    setHit(at);
    session.pause();
    if (at < window.start || at >= window.end) session.jump(at);
  }
  const open = openLine(window);
  return (
    <div class="log">
      <div class="row toolbar">
        {!(shown.final && window.end >= shown.size) && (
          <button
            type="button"
            aria-pressed={shown.following}
            onClick={() => {
              setHit(-1);
              if (shown.following) session.pause();
              else session.follow();
            }}
          >
            Follow
          </button>
        )}
        <button type="button" aria-pressed={wrap} onClick={() => setWrap(!wrap)}>
          Wrap
        </button>
        <SearchBox
          read={read}
          size={shown.size}
          from={hit >= 0 ? hit : firstSeen(frame.current, window.start)}
          words={setWords}
          found={found}
        />
        <Download read={read} name={stream.name} />
      </div>
      <Failure error={shown.error} />
      <div
        ref={frame}
        class={wrap ? "lines wrapped" : "lines"}
        role="log"
        aria-live="off"
        aria-label="Log"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        tabIndex={0}
        onScroll={scrolled}
      >
        {window.blocks.map((block) => (
          <BlockLines key={startOf(block)} block={block} words={words} hit={hit} />
        ))}
        {open && <OpenLine line={open} paint={window.blocks.at(-1)?.after ?? PLAIN} words={words} />}
        {shown.ready && window.end === window.start && (
          <p class="quiet">{shown.final ? "Nothing was printed." : "Nothing has been printed yet."}</p>
        )}
      </div>
      <Position session={session} shown={shown} />
      <Status shown={shown} />
    </div>
  );
}

/** Offset of the first line that is seen. */
function firstSeen(frame: HTMLElement | null, otherwise: number): number {
  if (!frame) return otherwise;
  const top = frame.getBoundingClientRect().top;
  for (const block of frame.querySelectorAll<HTMLElement>(".block")) {
    if (block.getBoundingClientRect().bottom <= top) continue;
    for (const line of block.querySelectorAll<HTMLElement>(".line")) {
      if (line.getBoundingClientRect().bottom > top) return Number(line.dataset.at);
    }
  }
  return otherwise;
}
