import { expect, test } from "vitest";
import { clock } from "../src/charts/clock";

test.each([
  [0, "0:00"],
  [5.4, "0:05"],
  [750, "12:30"],
  [3723, "1:02:03"],
])("%s seconds are %s", (seconds, text) => {
  expect(clock(seconds)).toBe(text);
});
