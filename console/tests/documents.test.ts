import { expect, test } from "vitest";
import { EXAMPLE, freshName, kindOf, NAME_PATTERN } from "../src/submit/documents";

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

test("jobs and clusters are distinguished, also where the text is broken", () => {
  expect(kindOf(EXAMPLE)).toBe("job");
  expect(kindOf('{"properties": {"vmSize": "x",')).toBe("cluster");
  expect(kindOf("")).toBe("job");
});

test("the example is JSON", () => {
  expect(JSON.parse(EXAMPLE)).toHaveProperty("properties.nodeCount", 1);
});
