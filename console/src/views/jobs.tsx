/** All jobs of the workspace, newest first, as they change. */
import { useMemo } from "preact/hooks";
import { query } from "../api/paths";
import type { Job, Page } from "../api/types";
import { FilterBar } from "../jobs/filterBar";
import { any, asked, fromAddress, tokenOf } from "../jobs/filters";
import { JobTable } from "../jobs/jobTable";
import { Failure } from "../parts/failure";
import { usePoll } from "../polling/usePoll";
import { changed, href, type Route } from "../router";
import { useHere } from "../shell/context";
import { useTitle } from "../shell/title";
import "../styles/jobs.css";

export function JobsView({ route }: { route: Route }) {
  const { paths, session, workspace } = useHere();
  useTitle("Jobs");
  const path = useMemo(
    () => query(paths.jobs, asked(fromAddress(route.query), Date.now())),
    [paths, route.query],
  );
  const { data, error } = usePoll<Page<Job>>(path);
  const filters = fromAddress(route.query);
  const older = tokenOf(data?.nextLink);
  return (
    <div class="stack">
      <div class="row spread">
        <h1>Jobs</h1>
        {session.may.submit && (
          <a class="button primary" href={href(["submit"], { workspace })}>
            Submit a job
          </a>
        )}
      </div>
      <FilterBar route={route} filters={filters} />
      <Failure error={error} />
      {data && data.value.length > 0 && <JobTable jobs={data.value} />}
      {data?.value.length === 0 && <Nothing filtered={any(filters)} more={Boolean(older)} />}
      {!data && !error && <p class="quiet">Loading…</p>}
      <nav class="row" aria-label="Pages of jobs">
        {filters.page && (
          <a class="button" href={changed(route, { page: null })}>
            Newest
          </a>
        )}
        {older && (
          <a class="button" href={changed(route, { page: older })} rel="next">
            Older jobs
          </a>
        )}
      </nav>
    </div>
  );
}

function Nothing({ filtered, more }: { filtered: boolean; more: boolean }) {
  if (more) return <p class="card quiet">None on this page; older ones may fit.</p>;
  return (
    <div class="card empty">
      <h2>{filtered ? "No job fits these filters" : "No jobs yet"}</h2>
      <p class="quiet">
        {filtered
          ? "Change them, or clear them."
          : "Drop a job.json on the page Submit, or into the container jobs."}
      </p>
    </div>
  );
}
