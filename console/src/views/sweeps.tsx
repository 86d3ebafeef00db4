/** The sweeps of all experiments of the workspace, newest first. */
import { query } from "../api/paths";
import { Failure } from "../parts/failure";
import { usePoll } from "../polling/usePoll";
import type { Route } from "../router";
import { useHere } from "../shell/context";
import { useTitle } from "../shell/title";
import { SweepTable } from "../sweeps/sweepTable";
import type { Sweep } from "../sweeps/types";
import "../styles/sweeps.css";

/** Between two readings: an answer comes of the rows of all sweeps. */
const SECONDS = 4;

export function SweepsView(_: { route: Route }) {
  const { paths } = useHere();
  useTitle("Sweeps");
  const { data, error } = usePoll<{ value: Sweep[]; truncated?: boolean }>(
    query(paths.sweeps, {}),
    true,
    SECONDS,
  );
  return (
    <div class="stack">
      <h1>Sweeps</h1>
      <Failure error={error} />
      {data && data.value.length > 0 && <SweepTable sweeps={data.value} />}
      {data?.truncated && (
        <p class="notice">There are more than are listed; `batchai sweep list` has them all.</p>
      )}
      {data?.value.length === 0 && (
        <div class="card empty">
          <h2>No sweeps yet</h2>
          <p class="quiet">
            A sweep runs one job document with many parameters. Drop a sweep.json on any page, or into the
            container jobs.
          </p>
        </div>
      )}
      {!data && !error && <p class="quiet">Loading…</p>}
    </div>
  );
}
