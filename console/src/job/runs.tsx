/** Earlier runs under the same name, where there are any. */
import { type JobName, query } from "../api/paths";
import type { Job, Page } from "../api/types";
import { utc } from "../parts/words";
import { usePoll } from "../polling/usePoll";
import { changed, navigate, type Route } from "../router";
import { useHere } from "../shell/context";

export function Runs({ name, run, route }: { name: JobName; run: string | null; route: Route }) {
  const { paths } = useHere();
  const { data } = usePoll<Page<Job>>(query(`${paths.job(name)}/runs`, { maxresults: 100 }), false);
  const runs = data?.value ?? [];
  if (runs.length < 2 && !run) return null;
  return (
    <label class="row">
      <span class="quiet">Run</span>
      <select
        value={run ?? ""}
        onChange={(event) => navigate(changed(route, { run: event.currentTarget.value, log: null }))}
      >
        <option value="">the latest</option>
        {runs.slice(0, -1).map((each, index) => (
          <option key={each.name} value={each.name}>
            {index + 1}: {utc(each.properties.creationTime)}, {each.properties.executionState}
          </option>
        ))}
      </select>
    </label>
  );
}
