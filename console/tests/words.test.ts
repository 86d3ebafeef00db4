import { expect, test } from "vitest";
import { between, bytes, duration, local, utc } from "../src/parts/words";

test.each([
  [0.84, "0.8 s"],
  [42.4, "42 s"],
  [187, "3 min 7 s"],
  [3600, "1 h"],
  [93_700, "1 d 2 h"],
  [-3, "0 s"],
  [Number.NaN, "0 s"],
])("%d seconds are %s", (seconds, words) => {
  expect(duration(seconds)).toBe(words);
});

test.each([
  [640, "640 B"],
  [999, "999 B"],
  [1234, "1.2 kB"],
  [9_960_000, "10 MB"],
  [999_600_000, "1.0 GB"],
  [7e15, "7000 TB"],
])("%d bytes are %s", (count, words) => {
  expect(bytes(count)).toBe(words);
});

test("a moment is shown in UTC, and what is none as it is written", () => {
  expect(utc("2026-11-29T15:42:10.123Z")).toBe("2026-11-29 15:42:10 UTC");
  expect(utc("<b>soon</b>")).toBe("<b>soon</b>");
  expect(local("<b>soon</b>", new Date())).toBe("<b>soon</b>");
});

test("what was today is shown by its time alone", () => {
  const now = new Date("2026-11-29T12:00:00Z");
  expect(local("2026-11-29T12:00:00Z", now)).not.toContain("2026");
  expect(local("2025-01-01T12:00:00Z", now)).toContain("2025");
});

test("what has no end lasts until now", () => {
  expect(between("2026-11-29T12:00:00Z", undefined, Date.parse("2026-11-29T12:01:00Z"))).toBe(60);
});
