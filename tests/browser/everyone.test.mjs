// The console for everyone: assistive technology, keys alone, a phone, the dark.
import assert from "node:assert/strict";
import { test } from "node:test";
import axe from "axe-core";
import { show, stack, submitted, visit } from "./visitor.mjs";

const JOB = `#/jobs/${stack.experiment}/open`;
/** Address, and what is there when the view is whole. */
const VIEWS = [
  ["#/jobs", (page) => page.getByRole("table", { name: "Jobs" })],
  [`${JOB}?tab=logs`, (page) => page.getByRole("log").getByText("hello")],
  [`${JOB}?tab=metrics`, (page) => page.getByText("What it uses")],
  [`${JOB}?tab=outputs`, (page) => page.getByText("stdouterr/")],
  [`${JOB}?tab=document`, (page) => page.getByText("commandLine")],
  [`${JOB}?tab=events`, (page) => page.getByText("queued").last()],
  ["#/clusters", (page) => page.getByRole("table", { name: "Nodes" })],
  [`#/submit?from=${stack.experiment}/open`, (page) => page.getByText(/^It will be accepted/)],
  [`#/compare?jobs=${stack.experiment}/open`, (page) => page.getByRole("heading", { name: "Compare" })],
];

test.before(async () => {
  await submitted("open", "echo hello; sleep 2");
});

/** What axe finds serious on `page` as it is. */
async function serious(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document));
  return violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("\n")}`);
}

test("in no view axe finds anything serious, by day and by night; none is wider than a phone", async (t) => {
  const page = await visit(t);
  const found = [];
  for (const [address, whole] of VIEWS) {
    await show(page, address);
    await whole(page).first().waitFor();
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      for (const fault of await serious(page)) found.push(`${address}, ${colorScheme}: ${fault}`);
    }
    await page.setViewportSize({ width: 390, height: 800 });
    const width = await page.evaluate(() => document.scrollingElement.scrollWidth);
    if (width > 390) found.push(`${address}: ${width} pixels wide`);
    await page.setViewportSize({ width: 1280, height: 800 });
  }
  assert.deepEqual(found, []);
});

test("a job is found, read and left with keys alone", async (t) => {
  const page = await visit(t);
  await submitted("keyed", "echo hello; sleep 60");
  await show(page, "#/jobs?prefix=keyed");
  await page.getByRole("link", { name: "keyed" }).waitFor();
  const focused = () =>
    page.evaluate(() => {
      const at = document.activeElement;
      return (at.getAttribute("aria-label") ?? at.textContent).trim();
    });
  const tabTo = async (name) => {
    for (let steps = 0; steps < 60; steps++) {
      await page.keyboard.press("Tab");
      if ((await focused()) === name) return;
    }
    throw new Error(`no way to ${name} with the key Tab`);
  };
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to content");
  await tabTo("keyed");
  await page.keyboard.press("Enter");
  await page.getByRole("log").getByText("hello").waitFor();
  await tabTo("Terminate");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await focused(), "Terminate");
  await tabTo("Log");
  await page.keyboard.press("Home");
  for (let steps = 0; steps < 60 && (await focused()) !== "Terminate"; steps++) await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await tabTo("Terminate");
  await page.keyboard.press("Enter");
  await page.locator(".badge", { hasText: "failed" }).first().waitFor();
});
