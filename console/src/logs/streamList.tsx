/** The logs of a job: by attempt and node, latest attempt first. */
import { bytes } from "../parts/words";
import type { Stream } from "./reader";

interface Listed {
  streams: Stream[];
  chosen: string;
  choose(name: string): void;
}

export function StreamList({ streams, chosen, choose }: Listed) {
  return (
    <nav class="streams" aria-label="Streams">
      {grouped(streams).map(([title, members]) => (
        <section key={title}>
          <h3>{title}</h3>
          <ul>
            {members.map((each) => (
              <li key={each.name}>
                <button
                  type="button"
                  aria-pressed={each.name === chosen}
                  title={each.name}
                  onClick={() => choose(each.name)}
                >
                  <span>{label(each)}</span>
                  <span class="quiet">{bytes(each.sizeBytes)}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </nav>
  );
}

const ORDER = ["stdout", "stderr", "execution", "preparation"];

function rank(each: Stream): number {
  return ORDER.includes(each.stream) ? ORDER.indexOf(each.stream) : ORDER.length;
}

/** What is looked at first: what the first process of the latest attempt prints. */
export function preferred(streams: readonly Stream[]): string {
  // Where nothing was printed and nothing will be, there is nothing to see.
  const nothing = (each: Stream) => Number(each.final && each.sizeBytes === 0);
  const sorted = [...streams].sort(
    (a, b) =>
      b.attempt - a.attempt ||
      nothing(a) - nothing(b) ||
      rank(a) - rank(b) ||
      natural(a.node, b.node) ||
      natural(a.process, b.process),
  );
  return sorted[0]?.name ?? "";
}

/** Streams by attempt and node, in the order in which they are listed. */
export function grouped(streams: readonly Stream[]): [string, Stream[]][] {
  const latest = Math.max(0, ...streams.map((each) => each.attempt));
  const groups = new Map<string, Stream[]>();
  const sorted = [...streams].sort(
    (a, b) =>
      b.attempt - a.attempt || natural(a.node, b.node) || rank(a) - rank(b) || natural(a.process, b.process),
  );
  for (const each of sorted) {
    const attempt = latest > 1 ? `Attempt ${each.attempt}` : "";
    const title = [attempt, each.node].filter(Boolean).join(" · ") || "This job";
    groups.set(title, [...(groups.get(title) ?? []), each]);
  }
  return [...groups];
}

function natural(a: string | null, b: string | null): number {
  return (a ?? "").localeCompare(b ?? "", undefined, { numeric: true });
}

function label(each: Stream): string {
  return each.process ? `${each.stream} · ${each.process}` : each.stream;
}
