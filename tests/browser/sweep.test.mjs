// A sweep is dropped, watched to its end, and its runs compared. With BATCHAI_PICTURES (make screenshots) a larger
// one, whose picture is taken.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import axe from "axe-core";
import { drop, jobDocument, show, stack, visit } from "./visitor.mjs";

const PICTURES = process.env.BATCHAI_PICTURES;
const [RATES, WIDTHS] = PICTURES ? [6, [8, 16, 32, 64]] : [2, [8, 16]];
const RUNS = RATES * WIDTHS.length;

/** Writes a curve that rises the higher the nearer the rate is to 0.03 and the width to 32. */
const TRAIN =
  "awk -v r=$AZ_BATCHAI_PARAM_RATE -v w=$AZ_BATCHAI_PARAM_WIDTH -v s=$AZ_BATCHAI_ARRAY_INDEX 'BEGIN { srand(s); " +
  "d = log(r / 0.03) / log(10); v = log(w / 32) / log(2); top = 0.97 - 0.06 * d * d - 0.02 * v * v; " +
  "for (e = 1; e <= 30; e++) { y = top * (1 - exp(-e / (3 + w / 16))) + 0.01 * rand(); " +
  String.raw`printf "{\"step\": %d, \"accuracy\": %.4f}\n", e, y } }' >> $AZ_BATCHAI_METRICS_FILE`;

const SWEEP = JSON.stringify({
  properties: {
    parameters: { rate: { from: 0.001, to: 1, count: RATES, scale: "log" }, width: WIDTHS },
    metric: { key: "accuracy", goal: "maximize" },
    job: jobDocument(TRAIN),
  },
});

/** What axe finds on `page`. */
async function faults(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("\n")}`);
}

test("a sweep is dropped, and its runs are compared", { timeout: 150_000 }, async (t) => {
  const page = await visit(t, { viewport: { width: 1180, height: 1000 } });
  await show(page, "#/jobs");
  await drop(page, "rates.json", SWEEP);
  await page.getByRole("textbox", { name: "sweep.json" }).waitFor();
  await page.getByRole("list", { name: "Runs" }).getByText(`rate 0.001, width ${WIDTHS[1]}`).waitFor();
  await page.getByLabel("Experiment").fill(stack.experiment);
  await page.getByLabel("Name", { exact: true }).fill("rates");
  await page.getByRole("button", { name: "Submit sweep" }).click();

  await page.getByRole("heading", { name: "rates" }).getByText("succeeded").waitFor({ timeout: 140_000 });
  const table = page.getByRole("table", { name: "Runs" });
  const cells = (column) => table.locator(`tbody tr > :nth-child(${column})`).allTextContents();
  await page.getByText(`${RUNS} of ${RUNS} runs, by step`).waitFor();
  const values = (await cells(3)).map(Number);
  assert.equal(values.length, RUNS);
  assert.deepEqual(values, values.toSorted((a, b) => b - a));
  await page.getByRole("img", { name: /^accuracy against rate, which has a logarithmic axis/ }).waitFor();
  await page.getByRole("img", { name: /^accuracy against width: / }).waitFor();
  await page.getByRole("img", { name: /^accuracy: run \d+, the best last / }).waitFor();
  assert.match((await cells(1))[0], /best$/);
  if (PICTURES) await page.waitForTimeout(500);
  if (PICTURES) await page.screenshot({ path: join(PICTURES, "console-sweep.png"), fullPage: true });
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await faults(page), []);
  }
  await page.getByRole("button", { name: "width" }).press("Enter");
  assert.deepEqual(
    (await cells(5)).map(Number),
    WIDTHS.flatMap((width) => Array(RATES).fill(width)),
  );
  await page.setViewportSize({ width: 390, height: 800 });
  assert.ok((await page.evaluate(() => document.scrollingElement.scrollWidth)) <= 390);
  await page.getByRole("link", { name: "rates-0" }).click();
  await page.getByRole("link", { name: "rates", exact: true }).click();
  await page.getByRole("button", { name: "Delete" }).waitFor();

  await show(page, "#/sweeps");
  const row = page.getByRole("table", { name: "Sweeps" }).getByRole("row", { name: /rates/ });
  await row.getByText(`${RUNS} of ${RUNS} ended`).waitFor();
  await row.getByText(/^accuracy 0\.\d+/).waitFor();
  assert.deepEqual(await faults(page), []);
});
