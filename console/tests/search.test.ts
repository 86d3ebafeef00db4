import { expect, test } from "vitest";
import type { Read } from "../src/logs/reader";
import { find } from "../src/logs/search";

/** Bytes of a range: as little as makes many of them. */
const STRIDE = 64 << 10;

function reading(text: string): { read: Read; size: number; asked: number[] } {
  const file = new TextEncoder().encode(text);
  const asked: number[] = [];
  const read: Read = async (offset, most) => {
    asked.push(offset);
    return {
      offset,
      bytes: file.subarray(offset, offset + most),
      size: file.length,
      final: true,
      attempt: "1",
    };
  };
  return { read, size: file.length, asked };
}

function search(text: string, words: string, from: number, backward = false) {
  const { read, size } = reading(text);
  const signal = new AbortController().signal;
  return find({ read, size, words, from, backward, progress: () => {}, signal, stride: STRIDE });
}

const LINES = "zero\none Error\ntwo\nthree error\nfour";

test("the next line, the one before, and on at the other end", async () => {
  expect(await search(LINES, "error", 0)).toBe(5);
  expect(await search(LINES, "error", 5)).toBe(19);
  expect(await search(LINES, "error", 19)).toBe(5);
  expect(await search(LINES, "error", 19, true)).toBe(5);
  expect(await search(LINES, "error", 5, true)).toBe(19);
  expect(await search(LINES, "four", 0)).toBe(31);
  expect(await search(LINES, "zero", 19)).toBe(0);
});

test("capitals count, escapes do not", async () => {
  expect(await search(LINES, "Error", 5)).toBe(5);
  expect(await search("a\n\u001b[31mer\u001b[0mror\n", "error", 0)).toBe(2);
  expect(await search(LINES, "absent", 0)).toBe(null);
});

test("a line is found wherever it lies among ranges, up and down", async () => {
  const line = `${"x".repeat(99)}\n`;
  const count = Math.floor((STRIDE * 2.5) / 100);
  for (const at of [0, STRIDE / 100 - 1, STRIDE / 100, STRIDE / 100 + 1, count - 1].map(Math.floor)) {
    const text = `${line.repeat(at)}needle${line.slice(6)}${line.repeat(count - at - 1)}`;
    expect(await search(text, "needle", 50)).toBe(at * 100);
    expect(await search(text, "needle", text.length - 1, true)).toBe(at * 100);
  }
});

test("a file without an end of a line is searched to its end", async () => {
  expect(await search("x".repeat(STRIDE * 2), "needle", 0)).toBe(null);
  expect(await search("x".repeat(STRIDE * 2), "needle", STRIDE, true)).toBe(null);
});
