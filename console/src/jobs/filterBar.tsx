/** The filters above the list of jobs; what is chosen is in the address. */
import { useEffect, useState } from "preact/hooks";
import { query } from "../api/paths";
import type { Page, Resource } from "../api/types";
import { usePoll } from "../polling/usePoll";
import { changed, navigate, type Route, replace } from "../router";
import { useHere } from "../shell/context";
import { any, type Filters, STATES } from "./filters";

const SPAN_NAMES: [string, string][] = [
  ["", "any time"],
  ["1h", "last hour"],
  ["24h", "last 24 hours"],
  ["7d", "last 7 days"],
  ["30d", "last 30 days"],
];

export function FilterBar({ route, filters }: { route: Route; filters: Filters }) {
  // Another filter begins with the newest.
  const set = (members: Record<string, string>) => navigate(changed(route, { page: null, ...members }));
  const custom = Boolean(filters.after || filters.before);
  return (
    <search class="filters" aria-label="Filter jobs">
      <div class="segments">
        {["", ...STATES].map((state) => (
          <button
            key={state}
            type="button"
            aria-pressed={filters.state === state}
            onClick={() => set({ state })}
          >
            {state || "all"}
          </button>
        ))}
      </div>
      <Prefix route={route} value={filters.prefix} />
      <Experiments value={filters.experiment} choose={(experiment) => set({ experiment })} />
      <label>
        <span class="visually-hidden">Created</span>
        <select
          value={custom ? "custom" : filters.since}
          onChange={(event) => {
            const since = event.currentTarget.value;
            if (since === "custom")
              set({ since: "", after: new Date(Date.now() - 86_400_000).toISOString() });
            else set({ since, after: "", before: "" });
          }}
        >
          {SPAN_NAMES.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
          <option value="custom">from … to …</option>
        </select>
      </label>
      {custom && <Moment name="From" value={filters.after} set={(after) => set({ after })} />}
      {custom && <Moment name="To" value={filters.before} set={(before) => set({ before })} />}
      {any(filters) && (
        <button
          type="button"
          class="plain"
          onClick={() => set({ state: "", experiment: "", prefix: "", since: "", after: "", before: "" })}
        >
          Clear
        </button>
      )}
    </search>
  );
}

/** Names are looked for while one types, without an entry of the history for every letter. */
function Prefix({ route, value }: { route: Route; value: string }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => replace(changed(route, { page: null, prefix: text })), 300);
    return () => clearTimeout(timer);
  }, [text, value, route]);
  return (
    <label>
      <span class="visually-hidden">Name begins with</span>
      <input
        type="search"
        placeholder="Name begins with…"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </label>
  );
}

function Experiments({ value, choose }: { value: string; choose(name: string): void }) {
  const { paths } = useHere();
  const { data } = usePoll<Page<Resource<unknown>>>(query(paths.experiments, { maxresults: 1000 }), false);
  const names = new Set([...(data?.value ?? []).map((each) => each.name), ...(value ? [value] : [])]);
  return (
    <label>
      <span class="visually-hidden">Experiment</span>
      <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">all experiments</option>
        {[...names].sort().map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Moment({ name, value, set }: { name: string; value: string; set(iso: string): void }) {
  return (
    <label class="moment">
      <span class="quiet">{name}</span>
      <input
        type="datetime-local"
        value={localInput(value)}
        onChange={(event) => {
          const date = new Date(event.currentTarget.value);
          set(Number.isNaN(date.getTime()) ? "" : date.toISOString());
        }}
      />
    </label>
  );
}

/** As <input type=datetime-local> wants it: the reader's zone, without saying so. */
function localInput(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
