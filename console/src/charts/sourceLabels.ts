/** What distinguishes the series of one chart: only what differs between them is said. */

interface Source {
  node?: string | null;
  process?: string | null;
  attempt?: number | null;
}

export function labels(sources: readonly Source[]): string[] {
  const differs = (read: (source: Source) => unknown) => new Set(sources.map(read)).size > 1;
  const [nodes, processes, attempts] = [
    differs((each) => each.node ?? ""),
    differs((each) => each.process ?? ""),
    differs((each) => each.attempt ?? 0),
  ];
  return sources.map((source) =>
    [
      nodes && source.node,
      processes && (source.process || "main"),
      attempts && source.attempt && `attempt ${source.attempt}`,
    ]
      .filter(Boolean)
      .join(", "),
  );
}
