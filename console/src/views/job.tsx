/** One job: how it stands, why, what it prints, what it wrote, and what one can do with it. */
import { useMemo } from "preact/hooks";
import { ApiError } from "../api/client";
import { type JobName, query } from "../api/paths";
import type { Job } from "../api/types";
import { Actions } from "../job/actions";
import { DocumentPart } from "../job/documentPart";
import { EventsPart } from "../job/eventsPart";
import { Facts } from "../job/facts";
import { LogsPart } from "../job/logsPart";
import { Notices } from "../job/notices";
import { OutputsPart } from "../job/outputsPart";
import { Runs } from "../job/runs";
import { TimelinePicture } from "../job/timeline/picture";
import { lanes } from "../job/timeline/segments";
import { eventsOf } from "../jobs/summary";
import { useNow } from "../parts/clock";
import { Failure } from "../parts/failure";
import { isLive, StateBadge } from "../parts/stateBadge";
import { usePoll } from "../polling/usePoll";
import { changed, href, type Route } from "../router";
import { useHere } from "../shell/context";
import { lazily } from "../shell/lazily";
import { useTitle } from "../shell/title";
import "../styles/job.css";

/** Draws curves, which most visits want none of. */
const MetricsPart = lazily(async () => (await import("./job/metrics")).MetricsPart);

const PARTS: readonly [string, string][] = [
  ["logs", "Logs"],
  ["metrics", "Metrics"],
  ["outputs", "Outputs"],
  ["document", "Document"],
  ["events", "Events"],
];

export function JobView({ name, route }: { name: JobName; route: Route }) {
  const { paths, workspace } = useHere();
  const run = route.query.get("run");
  useTitle(name.job);
  const path = run ? `${paths.job(name)}/runs/${encodeURIComponent(run)}` : paths.job(name);
  const polled = usePoll<Job>(query(path, {}));
  return (
    <div class="stack">
      <nav aria-label="Where this is" class="crumbs">
        <a href={href(["jobs"], { workspace })}>Jobs</a> /{" "}
        <a href={href(["jobs"], { workspace, experiment: name.experiment })}>{name.experiment}</a>
      </nav>
      {polled.data && (
        <Found name={name} run={run} path={path} job={polled.data} route={route} reload={polled.reload} />
      )}
      {missing(polled.error) ? (
        <p class="notice">There is no such job here; it may have been deleted.</p>
      ) : (
        <Failure error={polled.error} />
      )}
      {!polled.data && !polled.error && <p class="quiet">Loading…</p>}
    </div>
  );
}

function missing(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

interface Shown {
  name: JobName;
  run: string | null;
  path: string;
  job: Job;
  route: Route;
  reload(): void;
}

function Found({ name, run, path, job, route, reload }: Shown) {
  const { properties } = job;
  const live = isLive(properties.executionState);
  const now = useNow(live);
  const drawn = useMemo(() => {
    const shape = {
      container: "containerSettings" in properties,
      preparation: "jobPreparation" in properties,
      nodes: properties.nodeCount ?? 1,
    };
    return lanes(eventsOf(properties), shape, live, now);
  }, [properties, live, now]);
  return (
    <>
      <div class="row spread head">
        <h1>
          {name.job} <StateBadge state={properties.executionState} />
        </h1>
        {!run && <Actions name={name} job={job} reload={reload} />}
      </div>
      <Runs name={name} run={run} route={route} />
      <Facts job={job} now={now} />
      <Notices job={properties} />
      <section class="card" aria-label="Time line">
        <TimelinePicture lanes={drawn} />
      </section>
      <Parts name={name} run={run} path={path} job={job} live={live} route={route} />
    </>
  );
}

interface Chosen {
  name: JobName;
  run: string | null;
  path: string;
  job: Job;
  live: boolean;
  route: Route;
}

function Parts({ name, run, path, job, live, route }: Chosen) {
  const part = route.query.get("tab") ?? "logs";
  return (
    <>
      <nav class="tabs" aria-label="Parts of the job">
        {PARTS.map(([id, title]) => (
          <a
            key={id}
            href={changed(route, { tab: id, log: null })}
            aria-current={id === part ? "page" : undefined}
          >
            {title}
          </a>
        ))}
      </nav>
      {part === "logs" && <LogsPart path={path} live={live} route={route} />}
      {part === "metrics" && <MetricsPart name={name} run={run} live={live} />}
      {part === "outputs" && <OutputsPart path={path} job={job.properties} />}
      {part === "document" && <DocumentPart path={path} />}
      {part === "events" && <EventsPart events={eventsOf(job.properties)} />}
    </>
  );
}
