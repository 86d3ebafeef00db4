/** What the schema of a document (schemas/job.json, JSON Schema draft 7 as far as it is used there) says of a
 * place. */

export interface Schema {
  $ref?: string;
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: (string | number | boolean | null)[];
  examples?: unknown[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  definitions?: Record<string, Schema>;
}

/** The schema of what is at `path` below `root`; null where it says nothing of it. Names are found as the
 * service finds them, whatever their case. */
export function schemaAt(root: Schema, path: readonly (string | number)[]): Schema | null {
  let at: Schema | null = resolved(root, root);
  for (const step of path) {
    if (!at) return null;
    const next: Schema | undefined = typeof step === "number" ? at.items : member(at, step);
    at = next ? resolved(root, next) : null;
  }
  return at;
}

/** `schema` with what it refers to; its own words win. */
export function resolved(root: Schema, schema: Schema): Schema {
  const name = schema.$ref?.replace("#/definitions/", "");
  const found = name === undefined ? undefined : root.definitions?.[name];
  return found ? { ...resolved(root, found), ...schema } : schema;
}

function member(schema: Schema, name: string): Schema | undefined {
  const properties = schema.properties ?? {};
  if (Object.hasOwn(properties, name)) return properties[name];
  const found = Object.keys(properties).find((each) => each.toLowerCase() === name.toLowerCase());
  return found === undefined ? undefined : properties[found];
}
