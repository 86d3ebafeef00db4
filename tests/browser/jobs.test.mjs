// The list of 10,000 jobs, and what a page that is left open costs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { show, stack, submitted, visit } from "./visitor.mjs";

const table = (page) => page.getByRole("table", { name: "Jobs" });

/** Requests of `page` during `seconds`; and whether it asks `least` times, however long a busy machine takes for that. */
async function asked(page, seconds, least) {
  const seen = [];
  const note = (request) => seen.push(request.url());
  page.on("request", note);
  await page.waitForTimeout(seconds * 1000);
  const during = [...seen];
  for (let more = 0; more < 60 && seen.length < least; more++) await page.waitForTimeout(500);
  page.off("request", note);
  return { during, current: seen.length >= least };
}

test("the first look costs little", async (t) => {
  const page = await visit(t);
  const requests = [];
  page.on("requestfinished", (request) => requests.push(request));
  const begun = Date.now();
  await show(page, "#/jobs");
  await table(page).waitFor();
  const milliseconds = Date.now() - begun;
  let bytes = 0;
  for (const request of requests) {
    const sizes = await request.sizes();
    bytes += sizes.responseBodySize + sizes.responseHeadersSize;
  }
  t.diagnostic(`${requests.length} requests, ${bytes} bytes, the list after ${milliseconds} ms`);
  assert.ok(requests.length <= 12, `${requests.map((request) => request.url()).join("\n")}`);
  assert.ok(bytes < 150_000, `${bytes} bytes`);
  // Once more: what has not changed is not sent.
  const again = [];
  page.on("requestfinished", (request) => again.push(request));
  await page.reload();
  await table(page).waitFor();
  let sent = 0;
  for (const request of again) {
    if (/assets/.test(request.url())) sent += (await request.sizes()).responseBodySize;
  }
  assert.ok(sent <= 0, `${sent} bytes of what the browser has`);
});

test("10,000 jobs: pages, filters in the address, changes without reloading", async (t) => {
  const page = await visit(t);
  await show(page, "#/jobs");
  const names = () => table(page).locator("td.name a").allTextContents();
  await table(page).waitFor();
  const newest = await names();
  await page.getByRole("link", { name: "Older jobs" }).click();
  await page.waitForFunction((first) => document.querySelector("td.name a")?.textContent !== first, newest[0]);
  const older = await names();
  assert.equal(older.filter((name) => newest.includes(name)).length, 0);
  // One of the oldest, found by its name; the address leads there again.
  await page.getByPlaceholder("Name begins with…").fill("job-000003");
  await page.waitForURL(/prefix=job-000003/);
  await table(page).getByRole("link", { name: "job-000003" }).waitFor();
  await page.reload();
  await table(page).getByRole("link", { name: "job-000003" }).waitFor();
  assert.equal((await names()).length, 1);
  await show(page, `#/jobs?experiment=${stack.experiment}`);
  await submitted("sudden", "sleep 1");
  const begun = Date.now();
  await table(page).getByRole("link", { name: "sudden" }).waitFor();
  const late = Date.now() - begun;
  t.diagnostic(`a job of another client is in the list after ${late} ms`);
  assert.ok(late < 4000, `${late} ms`);
});

test("a page that is left open asks once in two seconds at most", async (t) => {
  const watch = async (address) => {
    const page = await visit(t);
    await show(page, address);
    await page.getByRole("table").first().waitFor();
    await page.waitForTimeout(500);
    const { during, current } = await asked(page, 8, 2);
    t.diagnostic(`${address}: ${during.length} requests in 8 s`);
    assert.ok(during.length <= 5, during.join("\n"));
    assert.ok(current, "it does not stay current");
  };
  await Promise.all([watch("#/jobs"), watch("#/clusters")]);
});
