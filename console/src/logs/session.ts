/** Looking at one log: which window of it is in memory, and whether it follows the end. */
import type { Range, Read } from "./reader";
import { appended, empty, type LogWindow, opened, prepended, trimmedBottom, trimmedTop } from "./window";

/** Milliseconds between the end of one look at the log's end and the next. */
export const LOOK = 500;
/** Bytes asked for at once. */
export const RANGE = 256 << 10;
/** Bytes; who follows and is further behind continues at the end instead. */
const FAR = 1 << 20;

export interface Shown {
  window: LogWindow;
  size: number;
  final: boolean;
  following: boolean;
  /** It has answered once. */
  ready: boolean;
  error: unknown;
  /** Of the job, when the window was opened. */
  attempt: string;
  /** The line that is to be seen, once; another object for every wish. */
  aim: { at: number } | null;
}

/** One request at a time: what is wanted while one is under way comes after it, the latest wish alone. */
export class LogSession {
  private shown: Shown = {
    window: empty(0),
    size: 0,
    final: false,
    following: true,
    ready: false,
    error: null,
    attempt: "",
    aim: null,
  };
  private readonly stopped = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private busy = false;
  private wish: (() => Promise<Partial<Shown>>) | null = null;

  constructor(
    private readonly read: Read,
    private readonly changed: (shown: Shown) => void,
    private readonly hidden: () => boolean,
  ) {}

  /** Shows the end and follows it; from where it is, if that is near. */
  follow(): void {
    const { window, size } = this.shown;
    this.set({ following: true });
    const near = window.end > window.start && size - window.end <= FAR;
    this.want(() => (near ? this.onward() : this.tail()));
  }

  pause(): void {
    this.set({ following: false });
  }

  /** Shows the line at `offset`. */
  show(offset: number): void {
    const { window } = this.shown;
    this.set({ following: false });
    if (offset >= window.start && offset < window.end) this.set({ aim: { at: offset } });
    else this.jump(offset);
  }

  /** Shows the log around `offset`. */
  jump(offset: number): void {
    this.set({ following: false });
    const begin = Math.max(0, Math.min(offset, this.shown.size) - RANGE / 4);
    this.want(async () => {
      const range = await this.ask(begin);
      return { window: opened(range.bytes, range.offset), aim: { at: offset }, ...known(range) };
    });
  }

  /** Reads what lies before the window. */
  earlier(): void {
    const { window } = this.shown;
    if (this.busy || window.start === 0) return;
    this.set({ following: false });
    const begin = Math.max(0, window.start - RANGE);
    this.want(async () => {
      const range = await this.read(begin, window.start - begin, this.stopped.signal);
      return { window: trimmedBottom(prepended(window, range.bytes, range.offset)) };
    });
  }

  /** Reads what lies after the window, if it does not reach the end. */
  later(): void {
    if (this.busy || this.shown.window.end >= this.shown.size) return;
    this.want(() => this.onward());
  }

  /** What is known of the log from elsewhere: the list of streams. */
  heard(size: number): void {
    if (size > this.shown.size) this.set({ size });
  }

  stop(): void {
    clearTimeout(this.timer);
    this.stopped.abort();
  }

  private want(work: () => Promise<Partial<Shown>>): void {
    this.wish = work;
    if (!this.busy) void this.work();
  }

  private async work(): Promise<void> {
    clearTimeout(this.timer);
    this.busy = true;
    while (this.wish && !this.stopped.signal.aborted) {
      const work = this.wish;
      this.wish = null;
      try {
        const change = await work();
        if (!this.stopped.signal.aborted) this.set({ ready: true, error: null, ...change });
      } catch (error) {
        if (!this.stopped.signal.aborted) this.set({ error });
      }
    }
    this.busy = false;
    this.arm();
  }

  /** The next look at the end, where there is something to expect. */
  private arm(): void {
    const { following, final, window, size } = this.shown;
    if (this.stopped.signal.aborted || !following || (final && window.end >= size)) return;
    this.timer = setTimeout(() => {
      if (this.hidden()) this.arm();
      else this.want(() => this.onward());
    }, LOOK);
  }

  private async onward(): Promise<Partial<Shown>> {
    const { window, following, attempt } = this.shown;
    const range = await this.ask(window.end);
    const anew = range.size < window.end || (attempt && range.attempt !== attempt);
    if (anew || (following && range.size - window.end > FAR)) return this.tail();
    if (!range.bytes.length) return known(range);
    return { window: trimmedTop(appended(window, range.bytes)), ...known(range) };
  }

  private async tail(): Promise<Partial<Shown>> {
    const range = await this.ask(-RANGE);
    return { window: opened(range.bytes, range.offset), ...known(range) };
  }

  private ask(offset: number): Promise<Range> {
    return this.read(offset, RANGE, this.stopped.signal);
  }

  private set(change: Partial<Shown>): void {
    const before = this.shown;
    const next = { ...before, ...change };
    const keys = Object.keys(next) as (keyof Shown)[];
    if (keys.every((key) => before[key] === next[key])) return;
    this.shown = next;
    this.changed(next);
  }
}

function known(range: Range): Pick<Shown, "size" | "final" | "attempt"> {
  return { size: range.size, final: range.final, attempt: range.attempt };
}
