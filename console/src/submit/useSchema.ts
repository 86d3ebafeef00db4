/** The schema that completions come from; null until it is here. */
import { useEffect, useState } from "preact/hooks";
import type { Schema } from "../editor/schema";
import type { Kind } from "./draft";

const loaded = new Map<Kind, Promise<Schema | null>>();

export function useSchema(kind: Kind): Schema | null {
  const [schema, setSchema] = useState<Schema | null>(null);
  useEffect(() => {
    let current = true;
    void load(kind).then((found) => current && setSchema(found));
    return () => {
      current = false;
    };
  }, [kind]);
  return schema;
}

function load(kind: Kind): Promise<Schema | null> {
  const known = loaded.get(kind);
  if (known) return known;
  // Without it there are no completions; everything else works.
  const asked = fetch(`/console/schemas/${kind}.json`)
    .then((answer) => (answer.ok ? (answer.json() as Promise<Schema>) : null))
    .catch(() => null);
  loaded.set(kind, asked);
  return asked;
}
