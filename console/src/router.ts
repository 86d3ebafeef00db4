/** The address bar as state: `#/jobs/{experiment}/{job}?tab=logs`. Everything is behind the hash, so that the
 * server is asked for real files only. */
import { useEffect, useState } from "preact/hooks";
import { decoded } from "./api/paths";

export interface Route {
  /** Decoded segments: ["jobs", "e1", "j1"]. */
  path: string[];
  query: URLSearchParams;
}

/** The route that `hash` (with or without its #) names. What cannot be decoded is taken as it is written. */
export function parse(hash: string): Route {
  const text = hash.replace(/^#/, "");
  const at = text.indexOf("?");
  const path = at < 0 ? text : text.slice(0, at);
  return {
    path: path.split("/").filter(Boolean).map(decoded),
    query: new URLSearchParams(at < 0 ? "" : text.slice(at + 1)),
  };
}

/** The hash that leads to `path`; members of `query` that are empty are left out. */
export function href(path: readonly string[], query: Record<string, string | null | undefined> = {}): string {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) asked.set(name, value);
  const tail = asked.toString();
  return `#/${path.map(encodeURIComponent).join("/")}${tail ? `?${tail}` : ""}`;
}

/** The current route with members of its query changed: "" or null takes one away. */
export function changed(route: Route, query: Record<string, string | null>): string {
  return href(route.path, { ...Object.fromEntries(route.query), ...query });
}

export function navigate(hash: string): void {
  location.hash = hash;
}

/** As navigate, without an entry in the history: for what changes at every key. */
export function replace(hash: string): void {
  history.replaceState(null, "", hash);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parse(location.hash));
  useEffect(() => {
    const follow = () => setRoute(parse(location.hash));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}
