// The pictures in docs/ (make screenshots): each view with jobs that look like somebody's.
import { join } from "node:path";
import { test } from "node:test";
import { eventually, jobDocument, show, stack, submitted, visit } from "./visitor.mjs";

const FOLDER = process.env.BATCHAI_PICTURES;

const EPOCHS =
  "for e in $(seq 1 40); do " +
  `loss=$(awk "BEGIN { printf \\"%.4f\\", 2.3 * exp(-$e / 12) + 0.05 * sin($e) + 0.1 }"); ` +
  `acc=$(awk "BEGIN { printf \\"%.4f\\", 1 - 0.9 * exp(-$e / 10) }"); ` +
  'printf "\\033[36mepoch %2d/40\\033[0m  loss %s  accuracy \\033[32m%s\\033[0m\\n" $e $loss $acc; ' +
  `echo "{\\"step\\": $e, \\"loss\\": $loss, \\"accuracy\\": $acc}" >> $AZ_BATCHAI_METRICS_FILE; sleep 0.5; done`;

async function picture(page, name) {
  await page.waitForTimeout(800);
  await page.screenshot({ path: join(FOLDER, `console-${name}.png`) });
}

test("pictures of every view", async (t) => {
  const page = await visit(t, { viewport: { width: 1180, height: 760 } });
  const job = (name) => `#/jobs/${stack.experiment}/${name}`;
  await submitted("preprocess", "echo 60000 images; sleep 1", { jobPreparation: { commandLine: "echo ready" } });
  await submitted("preprocess-broken", "echo 'No space left on device' >&2; exit 28");
  await show(page, job("preprocess-broken"));
  await page.locator(".badge", { hasText: "failed" }).first().waitFor();
  await submitted("resnet50", EPOCHS);
  await submitted("resnet50-wide", EPOCHS.replaceAll("2.3 *", "3.1 *"));
  for (const name of ["resnet50-deep", "evaluate"]) await submitted(name, "sleep 30");
  await submitted("vgg16-distributed", "sleep 30", { nodeCount: 2 });
  await show(page, job("resnet50"));
  await page.getByRole("log").getByText("epoch 12/40").waitFor();
  await picture(page, "job");
  await show(page, "#/clusters");
  await page.getByRole("table", { name: "Nodes" }).getByText("GPU 0 memory").first().waitFor();
  await page.getByRole("list", { name: "Queue" }).waitFor();
  await picture(page, "clusters");
  await show(page, "#/jobs");
  await page.getByRole("link", { name: "vgg16-distributed" }).waitFor();
  await picture(page, "jobs");
  await show(page, "#/submit");
  const text = JSON.stringify(jobDocument("python train.py --epochs 40"), null, 2);
  const editor = page.getByRole("textbox", { name: "job.json" });
  await editor.fill(text.replace('"nodeCount"', '"nodeCuont"'));
  await page.getByRole("list", { name: "Problems" }).getByRole("listitem").first().waitFor();
  await page.getByLabel("Experiment").fill(stack.experiment);
  await page.getByLabel("Name", { exact: true }).fill("resnet101");
  await picture(page, "submit");
  await eventually(async () => {
    await show(page, `${job("resnet50")}?tab=metrics`);
    return page.getByRole("img", { name: /^GPU utilisation/ }).isVisible();
  }, 60);
  await page.emulateMedia({ colorScheme: "dark" });
  await show(page, `#/compare?jobs=${stack.experiment}/resnet50,${stack.experiment}/resnet50-wide`);
  await page.getByRole("img", { name: /^loss: / }).waitFor();
  await picture(page, "compare");
});
