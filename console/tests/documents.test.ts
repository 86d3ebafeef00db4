import { expect, test } from "vitest";
import { EXAMPLE, freshName, kindOf, NAME_PATTERN, nextName } from "../src/submit/documents";

const NAME = new RegExp(`^${NAME_PATTERN}$`);
const NOW = new Date(2026, 10, 29, 15, 42, 7);

test.each([
  ["train.json", "train-1129-154207"],
  ["C:\\jobs\\my job.JSON", "my-job-1129-154207"],
  ["<img src=x>.json", "img-src-x-1129-154207"],
  ["", "job-1129-154207"],
  ["x".repeat(300), `${"x".repeat(50)}-1129-154207`],
])("a name from the file %s", (file, name) => {
  expect(freshName(file, NOW)).toBe(name);
  expect(name).toMatch(NAME);
});

test.each([
  ["train", "train-2"],
  ["train-2", "train-3"],
  ["train-1129-154207", "train-1129-154207-2"],
  ["x".repeat(64), `${"x".repeat(58)}-2`],
])("a copy of %s is %s", (name, next) => {
  expect(nextName(name)).toBe(next);
  expect(next).toMatch(NAME);
});

test("jobs and clusters are told apart, also where the text is broken", () => {
  expect(kindOf(EXAMPLE)).toBe("job");
  expect(kindOf('{"properties": {"vmSize": "x",')).toBe("cluster");
  expect(kindOf("")).toBe("job");
});

test("the example is JSON", () => {
  expect(JSON.parse(EXAMPLE)).toHaveProperty("properties.nodeCount", 1);
});
