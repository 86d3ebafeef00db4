// A document is dropped, mended and handed in; its job is watched to its end, another one is cancelled.
import assert from "node:assert/strict";
import { test } from "node:test";
import { drop, jobDocument, show, stack, visit } from "./visitor.mjs";

test("a broken document is mended where its problems are, and runs", async (t) => {
  const page = await visit(t);
  await show(page, "#/jobs");
  const good = JSON.stringify(jobDocument("echo mended; sleep 6"), null, 2);
  await drop(page, "mended.json", good.replace('"nodeCount": 1', '"nodeCount": 0, "nodeCont": 1'));
  const editor = page.getByRole("textbox", { name: "job.json" });
  await editor.waitFor();
  const problems = page.getByRole("list", { name: "Problems" });
  const line = good.split("\n").findIndex((each) => each.includes("nodeCount")) + 1;
  await problems.getByText("$.properties.nodeCount ").waitFor();
  assert.ok(await page.getByRole("button", { name: "Submit job" }).isDisabled());
  // The problem leads to its line.
  await problems.getByRole("button", { name: `line ${line}` }).first().click();
  const at = await editor.evaluate((area) => area.value.slice(0, area.selectionStart).split("\n").length);
  assert.equal(at, line);
  await editor.press("Home");
  await editor.press("Shift+End");
  await editor.pressSequentially('"nodeCount": 1,');
  await page.getByText(/^It will be accepted/).waitFor();
  await page.getByText("echo mended; sleep 6", { exact: true }).waitFor();
  await page.getByLabel("Experiment").fill(stack.experiment);
  await page.getByLabel("Name", { exact: true }).fill("mended");
  await page.getByRole("button", { name: "Submit job" }).click();
  await page.getByRole("heading", { name: "mended" }).waitFor();
  for (const state of ["running", "succeeded"]) await page.locator(".badge", { hasText: state }).first().waitFor();
});

test("names are completed from the schema, with keys alone", async (t) => {
  const page = await visit(t);
  await show(page, "#/submit");
  const editor = page.getByRole("textbox", { name: "job.json" });
  await editor.focus();
  await page.keyboard.type('{"properties": {"node');
  const option = page.getByRole("option", { name: "nodeCount" });
  await option.waitFor();
  assert.equal(await option.getAttribute("aria-selected"), "true");
  await page.keyboard.press("Enter");
  await page.keyboard.type('2, "scheduling');
  await page.keyboard.press("Tab");
  await page.keyboard.type("hi");
  await page.keyboard.press("Tab");
  assert.equal(await editor.inputValue(), '{"properties": {"nodeCount": 2, "schedulingPriority": "high"');
  // Escape, then Tab leaves the text.
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  assert.equal(await editor.evaluate((area) => document.activeElement === area), false);
});
