/** One sweep: how it stands, its runs in order, and pictures of what was good. */
import { useMemo } from "preact/hooks";
import { ApiError } from "../api/client";
import { query, type SweepName } from "../api/paths";
import { useNow } from "../parts/clock";
import { Failure } from "../parts/failure";
import { StateBadge } from "../parts/stateBadge";
import { usePoll } from "../polling/usePoll";
import { changed, href, type Route, replace } from "../router";
import { useHere } from "../shell/context";
import { lazily } from "../shell/lazily";
import { useTitle } from "../shell/title";
import { SweepActions } from "../sweeps/actions";
import { bestOf, isLiveSweep, jobOf, parameterNames } from "../sweeps/facts";
import { orderFrom, orderText, pressed, usual } from "../sweeps/order";
import { RunTable } from "../sweeps/runTable";
import { SweepFacts } from "../sweeps/sweepFacts";
import type { Run, Sweep } from "../sweeps/types";
import { useRuns } from "../sweeps/useRuns";
import "../styles/job.css";
import "../styles/sweeps.css";

/** The table is there at once, whatever draws the pictures. */
const Pictures = lazily(async () => (await import("../sweeps/pictures")).Pictures);

export function SweepView({ name, route }: { name: SweepName; route: Route }) {
  const { paths, workspace } = useHere();
  useTitle(name.sweep);
  const polled = usePoll<Sweep>(query(paths.sweep(name), {}));
  return (
    <div class="stack">
      <nav aria-label="Where this is" class="crumbs">
        <a href={href(["sweeps"], { workspace })}>Sweeps</a> /{" "}
        <a href={href(["jobs"], { workspace, experiment: name.experiment })}>{name.experiment}</a>
      </nav>
      {polled.data && <Found name={name} sweep={polled.data} route={route} reload={polled.reload} />}
      {polled.error instanceof ApiError && polled.error.status === 404 ? (
        <p class="notice">There is no such sweep here; it may have been deleted.</p>
      ) : (
        <Failure error={polled.error} />
      )}
      {!polled.data && !polled.error && <p class="quiet">Loading…</p>}
    </div>
  );
}

interface Shown {
  name: SweepName;
  sweep: Sweep;
  route: Route;
  reload(): void;
}

function Found({ name, sweep, route, reload }: Shown) {
  const { paths, workspace } = useHere();
  const { properties } = sweep;
  const { metric, state } = properties;
  // A state of the sweep that is read before its runs: those are read once more after it has ended.
  const live = isLiveSweep(state);
  const { runs, known, error, reload: reloadRuns } = useRuns(paths.sweep(name), live, properties.runs.total);
  const now = useNow(live);
  const best = useMemo(() => bestOf(runs, metric), [runs, metric]);
  const parameters = useMemo(() => parameterNames(runs), [runs]);
  const order = orderFrom(route.query.get("sort"), usual(metric));
  const address = (run: Run) => {
    const job = jobOf(run);
    return job && href(["jobs", name.experiment, job], { workspace });
  };
  const press = (column: string) =>
    replace(changed(route, { sort: orderText(pressed(order, column, metric)) }));
  return (
    <>
      <div class="row spread head">
        <h1>
          {name.sweep} <StateBadge state={state} />
        </h1>
        <SweepActions
          name={name}
          sweep={sweep}
          reload={() => {
            reload();
            reloadRuns();
          }}
        />
      </div>
      <SweepFacts sweep={properties} best={best} />
      <Failure error={error} />
      {!known && !error && <p class="quiet">Loading its runs…</p>}
      {known && <RunTable {...{ runs, parameters, metric, best, order, now, press, address }} />}
      {metric && known && <Pictures {...{ sweep: properties, runs, parameters, best, address }} />}
    </>
  );
}
