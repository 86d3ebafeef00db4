/** When pollers ask. Together they send at most one request in PACE while nothing is urgent: a page that is
 * left open costs the same whatever it shows. */

/** Milliseconds between two requests of all pollers. */
export const PACE = 2000;

export interface Poller {
  /** Asks once; never rejects. */
  ask(): Promise<void>;
  /** False: it lets others go first, because nothing can be new. Absent: always. */
  due?(): boolean;
}

/** Gives turns to pollers, in order, one each PACE, none while `hidden`. */
export class Scheduler {
  private readonly waiting: Poller[] = [];
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly hidden: () => boolean) {}

  add(poller: Poller): () => void {
    this.waiting.push(poller);
    this.arm();
    return () => {
      const at = this.waiting.indexOf(poller);
      if (at >= 0) this.waiting.splice(at, 1);
    };
  }

  /** Takes the turns up again after the page was hidden, with one at once. */
  wake(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    void this.turn();
  }

  private arm(): void {
    if (this.timer || this.hidden() || !this.waiting.length) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.turn();
    }, PACE);
  }

  private async turn(): Promise<void> {
    const at = this.hidden() ? -1 : this.waiting.findIndex((each) => each.due?.() ?? true);
    const [poller] = at < 0 ? [] : this.waiting.splice(at, 1);
    if (poller) {
      this.waiting.push(poller);
      // The next turn is counted from here, also if the answer takes longer; a poller that still waits skips its own.
      this.arm();
      await poller.ask();
    }
    this.arm();
  }
}
