// One Chromium for all tests of a session: prints the address where it is driven, and ends with its standard input.
import { chromium } from "playwright-core";

const root = process.getuid?.() === 0;
const server = await chromium.launchServer({
  executablePath: process.env.BATCHAI_CHROMIUM ?? "/usr/bin/chromium",
  // Chromium refuses to isolate its processes for the superuser, whom containers of CI run as.
  args: root ? ["--no-sandbox"] : [],
});
console.log(server.wsEndpoint());
process.stdin.resume();
process.stdin.on("end", async () => {
  await server.close();
  process.exit(0);
});
