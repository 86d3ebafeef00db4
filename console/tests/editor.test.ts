import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { completions } from "../src/editor/complete";
import { pieces } from "../src/editor/highlight";
import { lineAt, lineStarts, offsetOf } from "../src/editor/lines";
import { placeAt } from "../src/editor/place";
import type { Schema } from "../src/editor/schema";
import { type Change, indented, newLine } from "../src/editor/typing";

const JOB = JSON.parse(readFileSync(new URL("../../schemas/job.json", import.meta.url), "utf8")) as Schema;

/** `text` without its `|`, and where that was. */
function cut(text: string): [string, number] {
  const at = text.indexOf("|");
  return [text.slice(0, at) + text.slice(at + 1), at];
}

/** The labels that are offered at `|`. */
function offered(text: string): string[] {
  return (completions(...cut(text), JOB)?.items ?? []).map((item) => item.label);
}

function applied(text: string, change: Change): string {
  const after = text.slice(0, change.from) + change.insert + text.slice(change.to);
  const [from, to] = change.select;
  return `${after.slice(0, from)}[${after.slice(from, to)}]${after.slice(to)}`;
}

test.each([
  ['{"properties": {"|', ["properties"], "key"],
  ['{"properties": {"inputDirectories": [{"id": "A"}, {"|', ["properties", "inputDirectories", 1], "key"],
  ['{"properties": {"schedulingPriority": "lo|', ["properties"], "value"],
  ['{"properties": {"nodeCount": |}}', ["properties"], "value"],
  ['{"properties": {"nodeCount": 1\n  "std|', ["properties"], "key"],
  ['{"properties": {"a": [1, 2, |', ["properties", "a"], "value"],
  ['{ // a "comment": {\n "|', [], "key"],
])("where %s is", (text, path, slot) => {
  expect(placeAt(...cut(text))).toMatchObject({ path, slot });
});

test.each(["|", '{"a": "done"|', '{"a": 1 |', "{ // in a comm|ent", "[1, 2] |"])(
  "nothing can be written at %s",
  (text) => {
    expect(placeAt(...cut(text))).toBeNull();
  },
);

test("names come with those that are required first, without those that are there", () => {
  const names = offered('{"properties": {"nodeCount": 1, "|');
  expect(names[0]).toBe("stdOutErrPathPrefix");
  expect(names).not.toContain("nodeCount");
  expect(offered('{"properties": {"|", "nodeCount": 1}}')).not.toContain("nodeCount");
});

test("what is typed chooses, beginnings first, in any case", () => {
  expect(offered('{"properties": {"MOUNT|')[0]).toBe("mountVolumes");
  expect(offered('{"properties": {"settings|')).toContain("pyTorchSettings");
  expect(offered('{"properties": {"nodeCount|')).toEqual([]);
});

test("below a list and behind a reference", () => {
  expect(offered('{"properties": {"mountVolumes": {"azureFileShares": [{"|')).toContain("azureFileUrl");
  expect(offered('{"PROPERTIES": {"MountVolumes": {"|')).toContain("azureFileShares");
});

test("values of an enum once, whatever their case", () => {
  expect(offered('{"properties": {"schedulingPriority": "|')).toEqual(["low", "normal", "high"]);
  expect(offered('{"properties": {"cntkSettings": {"languageType": |')).toEqual(["BrainScript", "Python"]);
  expect(offered('{"properties": {"unknown": "|')).toEqual([]);
});

test("a name is written with the beginning of its value, the caret in it", () => {
  const written = (text: string, label: string) => {
    const [plain, at] = cut(text);
    const found = completions(plain, at, JOB);
    const item = found?.items.find((each) => each.label === label);
    if (!found || !item) return "";
    const insert = `${item.insert.slice(0, item.caret)}|${item.insert.slice(item.caret)}`;
    return plain.slice(0, found.from) + insert + plain.slice(found.to);
  };
  expect(written('{"properties": {"mount|', "mountVolumes")).toBe('{"properties": {"mountVolumes": {|}');
  expect(written('{"properties": {"node|', "nodeCount")).toBe('{"properties": {"nodeCount": |');
  expect(written('{"properties": {"node|": 2}}', "nodeCount")).toBe('{"properties": {"nodeCount"|: 2}}');
  expect(written('{"properties": {"std|', "stdOutErrPathPrefix")).toBe(
    '{"properties": {"stdOutErrPathPrefix": "|"',
  );
  expect(written('{"properties": {"secr|', "secrets")).toBe('{"properties": {"secrets": [{|}]');
});

test("the pieces of a text are the text", () => {
  for (const text of ['{"a": [1, true, null] } // x', '{"a": "un\nclosed', "'", '"\\', "", "{{{]]", "<b>&"]) {
    expect(
      pieces(text, [{ from: 0, severity: "error" }])
        .map((piece) => piece.text)
        .join(""),
    ).toBe(text);
  }
});

test("a problem marks the token that it is at, an error before a warning", () => {
  const text = '{"a": 12}';
  const marked = pieces(text, [
    { from: 6, severity: "error" },
    { from: 6, severity: "warning" },
  ]).filter((piece) => piece.severity);
  expect(marked).toEqual([{ text: "12", kind: "number", severity: "error" }]);
});

test("a large text stays one piece", () => {
  expect(pieces("1 ".repeat(100_000), [])).toHaveLength(1);
});

test("lines and columns count from 1, characters whole", () => {
  const text = "a\n🙂bc\n";
  const starts = lineStarts(text);
  expect(starts).toEqual([0, 2, 7]);
  expect(lineAt(starts, 4)).toBe(2);
  expect(offsetOf(text, starts, 2, 2)).toBe(4);
  expect(offsetOf(text, starts, 2, 99)).toBe(6);
  expect(offsetOf(text, starts, 99, 1)).toBe(7);
});

test("a new line is as deep as its place", () => {
  expect(applied('  "a": {}', newLine('  "a": {}', 8, 8))).toBe('  "a": {\n    []\n  }');
  expect(applied('  "a": 1,', newLine('  "a": 1,', 9, 9))).toBe('  "a": 1,\n  []');
});

test("lines move in and out", () => {
  expect(applied("a\nb", indented("a\nb", 0, 3, false))).toBe("  [a\n  b]");
  expect(applied("  a\n  b", indented("  a\n  b", 2, 7, true))).toBe("[a\nb]");
  expect(applied("ab", indented("ab", 1, 1, false))).toBe("a  []b");
});
