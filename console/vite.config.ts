import { defineConfig } from "vite";
import { compressed } from "./plugins/compressed.ts";
import { schemas } from "./plugins/schemas.ts";

export default defineConfig({
  // The function app serves api/console_files below /console/.
  base: "/console/",
  plugins: [schemas(), compressed()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../api/console_files",
    emptyOutDir: true,
    target: "es2022",
    // The Content-Security-Policy allows no script or font that is not a file of its own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    // `npm run dev` beside `make up`: everything but the page's own sources comes from the stack.
    proxy: Object.fromEntries(
      ["/subscriptions", "/providers", "/console/config.json"].map((path) => [
        path,
        { target: process.env.BATCHAI_URL ?? "http://127.0.0.1:7071", changeOrigin: true },
      ]),
    ),
  },
});
