/** Requests to the function app that the page came from. */
import { key, keyWanted } from "./key";

/** An answer that is no success, in the server's words. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    /** HTTP status; 0: there was no answer. */
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface Asked {
  method?: "GET" | "PUT" | "POST" | "PATCH" | "DELETE";
  body?: string;
  contentType?: string;
  /** Of what the caller has already: the answer may be 304 then. */
  etag?: string | null;
  signal?: AbortSignal;
}

/** The answer to a request. Raises ApiError for what is neither a success nor 304. */
export async function send(path: string, asked: Asked = {}): Promise<Response> {
  const headers = new Headers();
  if (key()) headers.set("x-functions-key", key());
  if (asked.body !== undefined) headers.set("content-type", asked.contentType ?? "application/json");
  if (asked.etag) headers.set("if-none-match", asked.etag);
  const init: RequestInit = { method: asked.method ?? "GET", headers, cache: "no-store" };
  if (asked.body !== undefined) init.body = asked.body;
  if (asked.signal) init.signal = asked.signal;
  const response = await fetch(path, init).catch((failure: unknown) => {
    if (failure instanceof DOMException && failure.name === "AbortError") throw failure;
    throw new ApiError(0, "NoAnswer", "The server does not answer. The page tries again.");
  });
  if (response.ok || response.status === 304) return response;
  if (response.status === 401) keyWanted.set(true);
  throw await failed(response);
}

/** The JSON body of an answer; undefined where it has none. */
export async function json<T>(path: string, asked: Asked = {}): Promise<T> {
  const response = await send(path, asked);
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

/** What went wrong, for people. */
export function words(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}

async function failed(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string } };
    return new ApiError(response.status, error.code, error.message);
  } catch {
    return new ApiError(
      response.status,
      "Unexpected",
      `The server answered ${response.status} ${text.slice(0, 300)}`,
    );
  }
}
