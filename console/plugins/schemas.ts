import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

/** Carries the JSON schemas of the documents (schemas/, written by `make schema`) into the built files. */
export function schemas(): Plugin {
  return {
    name: "batchai-schemas",
    apply: "build",
    generateBundle() {
      const folder = join(import.meta.dirname, "../../schemas");
      for (const name of readdirSync(folder).filter((each) => each.endsWith(".json"))) {
        this.emitFile({
          type: "asset",
          fileName: `schemas/${name}`,
          source: readFileSync(join(folder, name)),
        });
      }
    },
  };
}
