/** Search through the whole log, however long it is: Enter finds the next match, Shift+Enter the one before. */
import { useEffect, useRef, useState } from "preact/hooks";
import { words as failureWords } from "../api/client";
import { bytes } from "../parts/words";
import type { Read } from "./reader";
import { find } from "./search";

interface Searched {
  read: Read;
  size: number;
  /** Offset of the line that the search begins beside. */
  from: number;
  /** What is to be marked. */
  words(words: string): void;
  found(at: number): void;
}

export function SearchBox({ read, size, from, words, found }: Searched) {
  const [text, setText] = useState("");
  const [said, setSaid] = useState("");
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  useEffect(() => {
    const timer = setTimeout(() => words(text), 200);
    return () => clearTimeout(timer);
  }, [text, words]);
  async function go(backward: boolean) {
    running.current?.abort();
    if (!text) return;
    const stopped = new AbortController();
    running.current = stopped;
    const progress = (at: number) => setSaid(`Searching… ${bytes(at)} of ${bytes(size)}`);
    try {
      const at = await find({ read, size, words: text, from, backward, progress, signal: stopped.signal });
      if (stopped.signal.aborted) return;
      setSaid(at === null ? "Not found" : "");
      if (at !== null) found(at);
    } catch (failure) {
      if (!stopped.signal.aborted) setSaid(failureWords(failure));
    }
  }
  function typed(event: KeyboardEvent) {
    if (event.key === "Enter") void go(event.shiftKey);
    if (event.key === "Escape") {
      running.current?.abort();
      setSaid("");
    }
  }
  return (
    <search class="row find" aria-label="Search the log">
      <input
        type="search"
        aria-label="Words to find in the log"
        placeholder="Search the log"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={typed}
      />
      <button type="button" aria-label="Previous match" disabled={!text} onClick={() => void go(true)}>
        ↑
      </button>
      <button type="button" aria-label="Next match" disabled={!text} onClick={() => void go(false)}>
        ↓
      </button>
      <span class="quiet" role="status">
        {said}
      </span>
    </search>
  );
}
