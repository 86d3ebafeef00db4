// Logs: while they are printed, of several nodes, larger than memory, and with what must stay text.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, show, stack, submitted, visit } from "./visitor.mjs";

const log = (page) => page.getByRole("log", { name: "Log" });
const address = (name) => `#/jobs/${stack.experiment}/${name}?tab=logs`;

test("a line appears within a second of being printed", async (t) => {
  const page = await visit(t);
  // Each line says when it was printed, in milliseconds.
  await submitted("live", "for i in $(seq 24); do date +%s%3N; sleep 0.25; done; sleep 20");
  await show(page, address("live"));
  await log(page).getByText(/^\d{13}$/).first().waitFor();
  const late = await page.evaluate(async () => {
    const frame = document.querySelector('[role="log"]');
    const seen = new Map();
    const note = () => {
      for (const text of frame.textContent.match(/\d{13}/g) ?? []) if (!seen.has(text)) seen.set(text, Date.now());
    };
    note();
    const first = new Set(seen.keys());
    const watched = new MutationObserver(note);
    watched.observe(frame, { childList: true, subtree: true, characterData: true });
    const end = Date.now() + 15_000;
    while (seen.size < 24 && Date.now() < end) await new Promise((resume) => setTimeout(resume, 50));
    return [...seen].filter(([text]) => !first.has(text)).map(([text, at]) => at - Number(text));
  });
  late.sort((a, b) => a - b);
  t.diagnostic(`${late.length} lines, milliseconds from printed to seen: median ${late[late.length >> 1]}, last ${late.at(-1)}`);
  assert.ok(late.length >= 8, `only ${late.length} lines were seen to appear`);
  assert.ok(late[late.length >> 1] < 1000, `${late}`);
  // It runs on: it is cancelled from here.
  await page.getByRole("button", { name: "Terminate" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Terminate" }).click();
  await page.locator(".badge", { hasText: "failed" }).first().waitFor();
});

test("the logs of both nodes of a job", async (t) => {
  const page = await visit(t);
  await submitted("two-nodes", "", {
    nodeCount: 2,
    customToolkitSettings: undefined,
    pyTorchSettings: {
      pythonScriptFilePath: "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs/rank.py",
      communicationBackend: "gloo",
    },
  });
  await show(page, address("two-nodes"));
  await page.locator(".badge", { hasText: "succeeded" }).first().waitFor({ timeout: 30_000 });
  const streams = page.getByRole("navigation", { name: "Streams" });
  const nodes = new Set();
  for (const rank of [0, 1]) {
    await streams.getByRole("button", { name: `stdout · ${rank}` }).click();
    const line = log(page).getByText(`rank ${rank} on `);
    await line.waitFor();
    nodes.add((await line.textContent()).trim().split(" ").at(-1));
  }
  assert.equal(nodes.size, 2);
});

test("50 MB without holding them", async (t) => {
  const page = await visit(t);
  // 500,000 lines of 100 characters.
  const script = "for n in range(500000): print('line %06d %s' % (n, 'x' * 87))";
  await submitted("large", `python3 -c "${script}"`);
  await show(page, address("large"));
  await page.locator(".badge", { hasText: "succeeded" }).first().waitFor({ timeout: 60_000 });
  await log(page).getByText("line 499999").waitFor({ timeout: 30_000 });
  await page.getByRole("button", { name: "Beginning" }).click();
  await log(page).getByText("line 000000").waitFor();
  await page.getByRole("searchbox", { name: "Words to find in the log" }).fill("line 250000");
  await page.keyboard.press("Enter");
  await log(page).getByText("line 250000").waitFor({ timeout: 30_000 });
  const held = await log(page).evaluate((frame) => frame.querySelectorAll("*").length);
  t.diagnostic(`${held} elements hold the part of the log that is there`);
  assert.ok(held < 60_000, `${held} elements`);
  // The page answers while it has such a log open.
  const begun = Date.now();
  await page.getByRole("button", { name: "Wrap" }).click();
  assert.ok(Date.now() - begun < 3000);
});

test("what jobs print and what files are called is text", async (t) => {
  const page = await visit(t);
  const hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>";
  const file = "<img src=x onerror=alert(3)>.txt";
  const printed = `printf '\\033[31mred\\033[0m %s \\033]8;;javascript:alert(4)\\007link\\033]8;;\\007\\n' '${hostile}'`;
  await submitted("hostile", `${printed}; touch "$AZ_BATCHAI_OUTPUT_OUT/${file}"`, {
    outputDirectories: [{ id: "OUT", pathPrefix: "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs", pathSuffix: "out" }],
  });
  await show(page, address("hostile"));
  const line = log(page).getByText("red");
  await line.waitFor();
  await log(page).getByText(hostile).waitFor();
  const colour = await line.evaluate((element) => getComputedStyle(element).color);
  assert.notEqual(colour, await page.evaluate(() => getComputedStyle(document.body).color));
  await page.locator(".badge", { hasText: "succeeded" }).first().waitFor();
  await page.getByRole("link", { name: "Outputs" }).click();
  await eventually(async () => (await page.getByText(file).count()) > 0);
  assert.equal(await page.locator("main img, main script, main a[href^='javascript']").count(), 0);
});
