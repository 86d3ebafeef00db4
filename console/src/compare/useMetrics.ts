/** The metrics of several jobs, asked once each. */
import { useEffect, useState } from "preact/hooks";
import { json, words } from "../api/client";
import { query } from "../api/paths";
import type { JobMetrics } from "../charts/metrics";
import { useHere } from "../shell/context";
import { jobNames } from "./merged";

export interface Found {
  job: string;
  metrics: JobMetrics | null;
  failure: string;
}

export function useMetrics(jobs: readonly string[]): Found[] {
  const { paths } = useHere();
  const [found, setFound] = useState<Found[]>([]);
  const asked = jobs.join(",");
  useEffect(() => {
    const stopped = new AbortController();
    setFound((before) => before.filter((each) => asked.split(",").includes(each.job)));
    for (const name of jobNames(asked)) {
      const job = `${name.experiment}/${name.job}`;
      const keep = (metrics: JobMetrics | null, failure: string) => {
        if (stopped.signal.aborted) return;
        setFound((before) => [...before.filter((each) => each.job !== job), { job, metrics, failure }]);
      };
      json<JobMetrics>(query(`${paths.job(name)}/metrics`, { maxpoints: 500 }), {
        signal: stopped.signal,
      }).then(
        (metrics) => keep(metrics, ""),
        (error: unknown) => keep(null, words(error)),
      );
    }
    return () => stopped.abort();
  }, [asked, paths]);
  // As they were asked for, whoever answered first.
  return [...found].sort((a, b) => jobs.indexOf(a.job) - jobs.indexOf(b.job));
}
