// A person in front of the console: a page of its own, and everything that must not happen while it is looked at.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

/** What tests/e2e/console says of the stack: its address, and names of what it has prepared. */
export const stack = JSON.parse(process.env.BATCHAI_STACK);
const LOCAL = new URL(stack.url).origin;

/** A page in a window of its own. When the test `t` ends it has to have been without a fault: an error or warning on
 * the console (a violation of the Content-Security-Policy is one), an exception, a request to elsewhere. `refused`:
 * patterns of addresses that may answer with an error. */
export async function visit(t, { refused = [], ...options } = {}) {
  const browser = await chromium.connect(process.env.BATCHAI_BROWSER);
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    const text = message.text();
    const expected = refused.some((pattern) => pattern.test(message.location().url));
    if (["error", "warning"].includes(message.type()) && !expected) faults.push(`${message.type()}: ${text}`);
  });
  page.on("pageerror", (error) => faults.push(`exception: ${error.stack}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== LOCAL) faults.push(`asked elsewhere: ${url}`);
  });
  t.after(async () => {
    await browser.close();
    assert.deepEqual(faults, []);
  });
  page.setDefaultTimeout(30_000);
  return page;
}

/** Opens a view: show(page, "#/jobs"). */
export async function show(page, hash) {
  await page.goto(`${stack.url}/console/${hash}`);
  await page.getByRole("navigation", { name: "Main" }).waitFor();
}

/** Drops `text` onto the page as a file from the desktop. */
export async function drop(page, name, text) {
  const transfer = await page.evaluateHandle(
    ([fileName, content]) => {
      const data = new DataTransfer();
      data.items.add(new File([content], fileName, { type: "application/json" }));
      return data;
    },
    [name, text],
  );
  for (const kind of ["dragenter", "dragover", "drop"]) {
    await page.dispatchEvent("main", kind, { dataTransfer: transfer });
  }
}

/** A request to the stack, as another client would send it. */
export async function ask(path, { method = "GET", body } = {}) {
  const init = { method };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "content-type": "application/json" };
  }
  const answer = await fetch(`${stack.url}${path}${path.includes("?") ? "&" : "?"}api-version=2018-05-01`, init);
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** Submits a job that runs `command`; its path. */
export async function submitted(name, command, more = {}) {
  const path = `${stack.workspace}/experiments/${stack.experiment}/jobs/${name}`;
  await ask(path, { method: "PUT", body: jobDocument(command, more) });
  return path;
}

/** A job.json whose logs lie on the share `logs`. */
export function jobDocument(command, more = {}) {
  const azureFileUrl = "https://<AZURE_BATCHAI_STORAGE_ACCOUNT>.file.core.windows.net/logs";
  return {
    properties: {
      cluster: { id: stack.cluster },
      nodeCount: 1,
      stdOutErrPathPrefix: "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs",
      mountVolumes: { azureFileShares: [{ azureFileUrl, relativeMountPath: "logs" }] },
      customToolkitSettings: { commandLine: command },
      ...more,
    },
  };
}

/** Waits until `read` gives something; throws after `seconds`. */
export async function eventually(read, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await read();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${read}`);
    await new Promise((resume) => setTimeout(resume, 100));
  }
}
