/** The filters of the list of jobs, as they are in the address bar and as the operation takes them. PURE. */

export interface Filters {
  state: string;
  experiment: string;
  prefix: string;
  /** "1h", "24h", "7d" back from now; or "". */
  since: string;
  /** ISO moments; they hold where `since` is "". */
  after: string;
  before: string;
  /** Where the page begins: the server's token; "" for the newest. */
  page: string;
}

export const STATES = ["queued", "running", "terminating", "succeeded", "failed"] as const;
export const SPANS: Record<string, number> = { "1h": 1, "24h": 24, "7d": 168, "30d": 720 };
export const PAGE_SIZE = 50;

export function fromAddress(query: URLSearchParams): Filters {
  const get = (name: string) => query.get(name) ?? "";
  return {
    state: get("state"),
    experiment: get("experiment"),
    prefix: get("prefix"),
    since: Object.hasOwn(SPANS, get("since")) ? get("since") : "",
    after: get("after"),
    before: get("before"),
    page: get("page"),
  };
}

/** Parameters of `GET W/jobs`. `now`: milliseconds; a span is counted from the minute, so that what is asked
 * stays the same from poll to poll. */
export function asked(filters: Filters, now: number): Record<string, string | number> {
  const hours = SPANS[filters.since];
  const begin = hours ? Math.floor(now / 60_000) * 60_000 - hours * 3_600_000 : null;
  return {
    state: filters.state,
    experiment: filters.experiment,
    prefix: filters.prefix,
    createdafter: begin === null ? moment(filters.after) : seconds(new Date(begin)),
    createdbefore: begin === null ? moment(filters.before) : "",
    maxresults: PAGE_SIZE,
    $skiptoken: filters.page,
  };
}

/** The token of the page that a list's nextLink leads to, or "". */
export function tokenOf(nextLink: string | null | undefined): string {
  if (!nextLink) return "";
  return new URL(nextLink, "http://here").searchParams.get("$skiptoken") ?? "";
}

export function any(filters: Filters): boolean {
  return Object.entries(filters).some(([name, value]) => name !== "page" && value !== "");
}

function moment(text: string): string {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? "" : seconds(date);
}

function seconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
