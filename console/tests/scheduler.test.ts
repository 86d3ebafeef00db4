import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PACE, Scheduler } from "../src/polling/scheduler";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("pollers take turns: together one request in a pace", async () => {
  const scheduler = new Scheduler(() => false);
  const asked: string[] = [];
  for (const name of ["a", "b", "c"]) scheduler.add({ ask: async () => void asked.push(name) });
  await vi.advanceTimersByTimeAsync(6 * PACE);
  expect(asked).toEqual(["a", "b", "c", "a", "b", "c"]);
});

test("nothing is asked while the page is hidden, and at once when it is seen again", async () => {
  let hidden = true;
  const scheduler = new Scheduler(() => hidden);
  let asked = 0;
  scheduler.add({
    ask: async () => {
      asked += 1;
    },
  });
  await vi.advanceTimersByTimeAsync(5 * PACE);
  expect(asked).toBe(0);
  hidden = false;
  scheduler.wake();
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toBe(1);
  hidden = true;
  await vi.advanceTimersByTimeAsync(5 * PACE);
  expect(asked).toBe(1);
});

test("whoever is removed has no more turns", async () => {
  const scheduler = new Scheduler(() => false);
  let asked = 0;
  const remove = scheduler.add({
    ask: async () => {
      asked += 1;
    },
  });
  await vi.advanceTimersByTimeAsync(PACE);
  remove();
  await vi.advanceTimersByTimeAsync(5 * PACE);
  expect(asked).toBe(1);
});
