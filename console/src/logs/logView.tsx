/** One log: its lines, following the end or anywhere else. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Failure } from "../parts/failure";
import { PLAIN } from "./ansi";
import { BlockLines, OpenLine } from "./blockLines";
import { Download } from "./download";
import { reader, type Stream } from "./reader";
import { SearchBox } from "./searchBox";
import type { LogSession, Shown } from "./session";
import { Position, Status } from "./status";
import { useLog } from "./useLog";
import { useScrolling } from "./useScrolling";
import { openLine, startOf } from "./window";

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
  const scrolled = useScrolling(frame, session, shown);
  const read = useMemo(() => reader(logs, stream.name), [logs, stream.name]);
  function found(at: number) {
    setHit(at);
    session.show(at);
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
        <div class="content">
          {window.blocks.map((block) => (
            <BlockLines key={startOf(block)} block={block} words={words} hit={hit} />
          ))}
          {open && <OpenLine line={open} paint={window.blocks.at(-1)?.after ?? PLAIN} words={words} />}
        </div>
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
