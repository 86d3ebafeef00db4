/** What can be written at a place of a document, by its schema. */
import { type Place, placeAt } from "./place";
import { resolved, type Schema, schemaAt } from "./schema";

export interface Completion {
  label: string;
  /** One word beside the label: a type, "required". */
  detail: string;
  /** What the schema says of it. */
  about: string;
  /** What replaces the text from `from` to `to`, and where the caret stands then, counted from its beginning. */
  insert: string;
  caret: number;
}

export interface Completions {
  from: number;
  to: number;
  items: Completion[];
}

const MOST = 40;

/** The completions at `offset` of `text`, the best ones first; null where there is none. */
export function completions(text: string, offset: number, root: Schema): Completions | null {
  const place = placeAt(text, offset);
  if (!place) return null;
  const found = place.slot === "key" ? names(place, root) : values(place, root);
  const items = ranked(found, place.typed).slice(0, MOST);
  return items.length ? { from: place.from, to: place.to, items } : null;
}

function names(place: Place, root: Schema): Completion[] {
  const holder = schemaAt(root, place.path);
  const required = new Set(holder?.required ?? []);
  return Object.entries(holder?.properties ?? {})
    .filter(([name]) => !place.present.has(name) && name !== "$schema")
    .sort(([a], [b]) => Number(required.has(b)) - Number(required.has(a)))
    .map(([name, schema]) => nameCompletion(name, resolved(root, schema), required.has(name), place));
}

function nameCompletion(name: string, schema: Schema, required: boolean, place: Place): Completion {
  const { text, caret } = place.colonFollows ? { text: "", caret: 0 } : begun(schema);
  const written = `"${name}"`;
  return {
    label: name,
    detail: required ? "required" : (schema.type ?? ""),
    about: schema.description ?? "",
    insert: written + text,
    caret: written.length + caret,
  };
}

/** The value that a name begins with, and where the caret stands in it then. */
function begun(schema: Schema): { text: string; caret: number } {
  if (schema.type === "object") return { text: ": {}", caret: 3 };
  if (schema.type === "array")
    return { text: schema.items?.type === "string" ? ': [""]' : ": [{}]", caret: 4 };
  if (schema.type === "string") return { text: ': ""', caret: 3 };
  return { text: ": ", caret: 2 };
}

function values(place: Place, root: Schema): Completion[] {
  if (place.name === null) return [];
  const schema = schemaAt(root, [...place.path, place.name]);
  if (!schema) return [];
  const written: unknown[] = [...(schema.enum ?? []), ...(schema.examples ?? [])];
  if (schema.type === "boolean") written.push(true, false);
  if (!schema.enum && schema.default !== undefined && schema.default !== "") written.push(schema.default);
  const unlike = new Map(written.map((value) => [String(value).toLowerCase(), value]));
  const first = new Map<string, unknown>();
  // Of values that differ in case only the first one is offered.
  for (const value of written) {
    const key = String(value).toLowerCase();
    if (unlike.has(key) && !first.has(key)) first.set(key, value);
  }
  return [...first.values()].map((value) => valueCompletion(value, schema));
}

function valueCompletion(value: unknown, schema: Schema): Completion {
  const insert = JSON.stringify(value);
  const standard = value === schema.default ? "default" : (schema.type ?? "");
  return {
    label: String(value),
    detail: standard,
    about: schema.description ?? "",
    insert,
    caret: insert.length,
  };
}

/** Those that begin with what is typed, then those that hold it. */
function ranked(items: Completion[], typed: string): Completion[] {
  const wanted = typed.toLowerCase();
  const begin = items.filter((item) => item.label.toLowerCase().startsWith(wanted));
  const hold = items.filter((item) => !begin.includes(item) && item.label.toLowerCase().includes(wanted));
  const found = [...begin, ...hold];
  return found.length === 1 && found[0]?.label === typed ? [] : found;
}
