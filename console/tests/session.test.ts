import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Read } from "../src/logs/reader";
import { LOOK, LogSession, RANGE, type Shown } from "../src/logs/session";
import { openLine } from "../src/logs/window";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A log that grows, and who looks at it. */
function looking(text = "", hidden = () => false) {
  const log = { bytes: new TextEncoder().encode(text), final: false, asked: 0, fails: false, attempt: "1" };
  const read: Read = async (offset, most) => {
    log.asked += 1;
    if (log.fails) throw new Error("no answer");
    const begin = offset < 0 ? Math.max(0, log.bytes.length + offset) : offset;
    const bytes = log.bytes.subarray(begin, begin + most);
    return { offset: begin, bytes, size: log.bytes.length, final: log.final, attempt: log.attempt };
  };
  const shown: { now: Shown | null } = { now: null };
  const session = new LogSession(
    read,
    (now) => {
      shown.now = now;
    },
    hidden,
  );
  const print = (more: string) => {
    log.bytes = new TextEncoder().encode(new TextDecoder().decode(log.bytes) + more);
  };
  return { log, session, print, shown };
}

function seen(shown: { now: Shown | null }): string[] {
  const window = shown.now?.window;
  if (!window) return [];
  const lines = window.blocks.flatMap((block) => block.lines);
  const open = openLine(window);
  return [...lines, ...(open ? [open] : [])].map((line) => line.text);
}

test("a line is seen at the next look after it was printed", async () => {
  const { session, print, shown } = looking("first\n");
  session.follow();
  await vi.advanceTimersByTimeAsync(0);
  print("second");
  await vi.advanceTimersByTimeAsync(LOOK);
  expect(seen(shown)).toEqual(["first", "second"]);
  session.stop();
});

test("a log that is complete is not looked at again", async () => {
  const { log, session } = looking("all\n");
  log.final = true;
  session.follow();
  await vi.advanceTimersByTimeAsync(10 * LOOK);
  expect(log.asked).toBe(1);
});

test("nothing is asked while paused, hidden, or stopped", async () => {
  let hidden = false;
  const { log, session } = looking("x\n", () => hidden);
  session.follow();
  await vi.advanceTimersByTimeAsync(0);
  session.pause();
  await vi.advanceTimersByTimeAsync(10 * LOOK);
  const paused = log.asked;
  expect(paused).toBeLessThanOrEqual(2);
  hidden = true;
  session.follow();
  await vi.advanceTimersByTimeAsync(10 * LOOK);
  expect(log.asked).toBe(paused + 1);
  session.stop();
  hidden = false;
  await vi.advanceTimersByTimeAsync(10 * LOOK);
  expect(log.asked).toBe(paused + 1);
});

test("who is far behind continues at the end", async () => {
  const { session, print, shown } = looking("start\n");
  session.follow();
  await vi.advanceTimersByTimeAsync(0);
  print(`${"x".repeat(99)}\n`.repeat(30_000));
  await vi.advanceTimersByTimeAsync(LOOK);
  expect(shown.now?.window.end).toBe(shown.now?.size);
  expect(shown.now?.window.start).toBeGreaterThan(6);
  session.stop();
});

test("one reads back to the beginning and on to the end", async () => {
  const { session, shown } = looking(`${"x".repeat(99)}\n`.repeat(12_000));
  session.follow();
  await vi.advanceTimersByTimeAsync(0);
  session.pause();
  while ((shown.now?.window.start ?? 0) > 0) {
    session.earlier();
    await vi.advanceTimersByTimeAsync(0);
  }
  expect(shown.now?.window.start).toBe(0);
  while ((shown.now?.window.end ?? 0) < 1_200_000) {
    session.later();
    await vi.advanceTimersByTimeAsync(0);
  }
  session.jump(600_000);
  await vi.advanceTimersByTimeAsync(0);
  expect(shown.now?.window.start).toBeLessThanOrEqual(600_000);
  expect(shown.now?.window.end).toBeGreaterThan(600_000);
  expect((shown.now?.window.end ?? 0) - (shown.now?.window.start ?? 0)).toBeLessThanOrEqual(RANGE);
  session.stop();
});

test("a server that does not answer is asked again", async () => {
  const { log, session, print, shown } = looking("a\n");
  log.fails = true;
  session.follow();
  await vi.advanceTimersByTimeAsync(0);
  expect(shown.now?.error).toBeInstanceOf(Error);
  log.fails = false;
  print("b\n");
  await vi.advanceTimersByTimeAsync(LOOK);
  expect(seen(shown)).toEqual(["a", "b"]);
  expect(shown.now?.error).toBe(null);
  session.stop();
});

test("a file that begins anew is shown from its new beginning", async () => {
  const { log, session, shown } = looking("of attempt 1\n");
  session.follow();
  await vi.advanceTimersByTimeAsync(0);
  log.bytes = new TextEncoder().encode("x\n");
  await vi.advanceTimersByTimeAsync(LOOK);
  expect(seen(shown)).toEqual(["x"]);
  log.bytes = new TextEncoder().encode("longer than before\n");
  log.attempt = "2";
  await vi.advanceTimersByTimeAsync(LOOK);
  expect(seen(shown)).toEqual(["longer than before"]);
  session.stop();
});
