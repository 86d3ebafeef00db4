// Curves of jobs while they run and beside each other; the nodes they run on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { show, stack, submitted, visit } from "./visitor.mjs";

/** A job whose loss falls from `loss` to nothing, a step every quarter of a second. */
const training = (loss) =>
  "for step in 1 2 3 4 5 6 7 8 9 10 11 12; do " +
  `echo "{\\"step\\": $step, \\"loss\\": $(awk "BEGIN { print ${loss} / $step }")}" >> $AZ_BATCHAI_METRICS_FILE; ` +
  "sleep 0.25; done; sleep 3";

test("what a job writes and uses is drawn, and beside another job's", async (t) => {
  const page = await visit(t);
  await submitted("fast", training(1.5));
  await submitted("slow", training(6));
  await show(page, `#/jobs/${stack.experiment}/fast?tab=metrics`);
  await page.getByRole("img", { name: /^loss: last 0\.125, between 0\.125 and 1\.5/ }).waitFor();
  await page.getByRole("img", { name: /^Memory: / }).waitFor();
  await page.getByRole("img", { name: /^GPU utilisation: GPU [01] last (87|0) %/ }).waitFor();
  const box = await page.locator(".plot canvas").first().boundingBox();
  assert.ok(box.width > 300 && box.height > 100, JSON.stringify(box));
  await page.getByRole("link", { name: "Compare with other jobs" }).click();
  await page.getByLabel("Another job, as experiment/job").fill(`${stack.experiment}/slow`);
  await page.keyboard.press("Enter");
  const values = page.getByRole("table", { name: "Metrics of the jobs" });
  await values.getByRole("row", { name: /slow 0\.5 0\.5 6/ }).waitFor();
  await values.getByRole("row", { name: /fast 0\.125 0\.125 1\.5/ }).waitFor();
});

test("nodes, what each does, their GPUs; one is drained and takes jobs again", async (t) => {
  const page = await visit(t);
  await submitted("occupies", "sleep 30");
  await show(page, "#/clusters/default");
  const nodes = page.getByRole("table", { name: "Nodes" });
  const busy = nodes.getByRole("row").filter({ has: page.getByRole("link", { name: "seen/occupies" }) });
  await busy.getByText(/^GPU [01]$/).waitFor();
  await nodes.getByText("GPU 0 utilisation 87 %").waitFor();
  await nodes.getByText("GPU 0 memory 12 GiB of 16 GiB").waitFor();
  await busy.getByRole("button", { name: "Drain" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Drain" }).click();
  await busy.getByText("drains").waitFor();
  await busy.getByRole("button", { name: "Undrain" }).click();
  await busy.getByText("drains").waitFor({ state: "detached" });
});
