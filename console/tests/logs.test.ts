import { expect, test } from "vitest";
import { PLAIN, painted, plain } from "../src/logs/ansi";
import { parted } from "../src/logs/blockLines";
import { cut, firstLine, LONGEST } from "../src/logs/lines";
import type { Stream } from "../src/logs/reader";
import { grouped, preferred } from "../src/logs/streamList";
import * as windows from "../src/logs/window";

const encode = (text: string) => new TextEncoder().encode(text);
const E = "\u001b";
const texts = (window: windows.LogWindow) =>
  window.blocks.flatMap((block) => block.lines.map((line) => line.text));

test("colours are classes, those of the 256 and of the true ones are colours", () => {
  const [pieces] = painted(`a${E}[1;31mb${E}[0mc${E}[38;5;208md${E}[48;2;1;2;3me`, PLAIN);
  expect(pieces.map((each) => [each.text, each.classes, each.color, each.background])).toEqual([
    ["a", "", "", ""],
    ["b", "ansi-bold ansi-red-fg", "", ""],
    ["c", "", "", ""],
    ["d", "", "rgb(255, 135, 0)", ""],
    ["e", "", "rgb(255, 135, 0)", "rgb(1, 2, 3)"],
  ]);
});

test("a look lasts until it is taken back, over the end of the line", () => {
  const [, after] = painted(`${E}[4;32mgreen`, PLAIN);
  const [pieces, end] = painted(`on${E}[24;39moff`, after);
  expect(pieces.map((each) => each.classes)).toEqual(["ansi-underline ansi-green-fg", ""]);
  expect(end).toEqual(PLAIN);
});

test("a look that is asked for again and again is one", () => {
  expect(painted(`${E}[1m`.repeat(1000), PLAIN)[1].decorations).toEqual(["bold"]);
});

test("HTML is text, and what a terminal would do beside colours is nothing", () => {
  const line = `<img src=x onerror=alert(1)>${E}]0;title\u0007${E}[2J${E}[10;5H${E}(B\u0000\u0008&amp;`;
  expect(painted(line, PLAIN)[0]).toEqual([
    { text: "<img src=x onerror=alert(1)>&amp;", classes: "", color: "", background: "" },
  ]);
  expect(plain(`${E}[31mred${E}[0m`)).toBe("red");
});

test("after a carriage return only what was written last is seen", () => {
  expect(plain("10 %\r50 %\r100 %\r")).toBe("100 %");
});

test("lines are cut at their ends, long ones in pieces that split no character", () => {
  expect(cut(encode("a\nb\nrest"), 100)).toEqual({
    lines: [
      { at: 100, text: "a" },
      { at: 102, text: "b" },
    ],
    taken: 4,
  });
  const { lines } = cut(encode(`x${"é".repeat(LONGEST)}\n`), 0);
  expect(lines.map((each) => each.text).join("")).toBe(`x${"é".repeat(LONGEST)}`);
  expect(lines.length).toBeGreaterThan(1);
});

test("what begins in the middle of a line begins with the next", () => {
  expect(firstLine(encode("alf\nwhole\n"))).toBe(4);
  expect(firstLine(encode("é").subarray(1))).toBe(1);
});

test("a window grows at its end, byte by byte if need be", () => {
  let window = windows.empty(0);
  for (const byte of encode("one\ntwo é\nthr")) window = windows.appended(window, Uint8Array.of(byte));
  expect(texts(window)).toEqual(["one", "two é"]);
  expect(windows.openLine(window)?.text).toBe("thr");
  expect([window.start, window.end]).toEqual([0, 14]);
});

test("a window from the middle is the same as one from the beginning, wherever it begins", () => {
  const file = encode(Array.from({ length: 500 }, (_, at) => `line ${at} é`).join("\n"));
  const whole = texts(windows.opened(file, 0));
  for (const offset of [1, 7, 1000, 2345]) {
    const part = windows.opened(file.subarray(offset), offset);
    const before = windows.prepended(part, file.subarray(0, part.start), 0);
    expect(texts(before)).toEqual(whole);
    expect([before.start, before.end]).toEqual([0, file.length]);
  }
});

test("what is kept is bounded at both ends", () => {
  const bytes = encode(`${"x".repeat(99)}\n`.repeat(windows.MOST_LINES * 2));
  const full = windows.appended(windows.empty(0), bytes);
  const top = windows.trimmedTop(full);
  expect(windows.lineCount(top)).toBeLessThanOrEqual(windows.MOST_LINES);
  expect(top.end).toBe(bytes.length);
  expect(top.start).toBe(windows.startOf(top.blocks[0] as windows.Block));
  const bottom = windows.trimmedBottom(full);
  expect(windows.lineCount(bottom)).toBeLessThanOrEqual(windows.MOST_LINES);
  expect([bottom.start, bottom.end]).toEqual([0, (bottom.blocks.at(-1) as windows.Block).end]);
  expect(windows.trimmedTop(bottom)).toBe(bottom);
});

test("what is new is drawn again, what was there is not", () => {
  const before = windows.opened(encode("line\n".repeat(200)), 0);
  const after = windows.appended(before, encode("more\n"));
  expect(after.blocks.slice(0, -1)).toEqual(before.blocks.slice(0, -1));
  expect(after.blocks[0]).toBe(before.blocks[0]);
});

test("words are marked as they are searched", () => {
  expect(parted("an Error, an error", "error")).toEqual(["an ", "Error", ", an ", "error", ""]);
  expect(parted("an Error, an error", "Error")).toEqual(["an ", "Error", ", an error"]);
  expect(parted("İİ error", "error")).toEqual(["İİ error"]);
});

const stream = (name: string, kind: string, attempt: number, node: string | null): Stream => ({
  name,
  stream: kind,
  node,
  process: null,
  attempt,
  sizeBytes: 1,
  final: false,
});

test("what the latest attempt printed is looked at first, and nodes stand in the order of their numbers", () => {
  const streams = [
    stream("a", "stdout", 1, "n1"),
    stream("b", "stderr", 2, "n2"),
    stream("c", "stdout", 2, "n10"),
    stream("d", "stdout", 2, "n2"),
  ];
  expect(preferred(streams)).toBe("d");
  expect(preferred([])).toBe("");
  expect(grouped(streams).map(([title]) => title)).toEqual([
    "Attempt 2 · n2",
    "Attempt 2 · n10",
    "Attempt 1 · n1",
  ]);
});
