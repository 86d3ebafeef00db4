/** What the document becomes: the experiment and name of a job or a sweep, the name of a cluster. */
import { query } from "../api/paths";
import type { Page, Resource } from "../api/types";
import { usePoll } from "../polling/usePoll";
import { useHere } from "../shell/context";
import { NAME_PATTERN, NAME_RULE } from "./documents";
import { change, type Draft, type Kind } from "./draft";

export function Destination({ draft }: { draft: Draft }) {
  return (
    <div class="destination">
      <label>
        What it is
        <select value={draft.kind} onChange={(event) => change({ kind: event.currentTarget.value as Kind })}>
          <option value="job">Job</option>
          <option value="sweep">Sweep</option>
          <option value="cluster">Cluster</option>
        </select>
      </label>
      {draft.kind !== "cluster" && <ExperimentField draft={draft} />}
      <label>
        Name
        <input
          required
          pattern={NAME_PATTERN}
          title={NAME_RULE}
          value={draft.name}
          spellcheck={false}
          onInput={(event) => change({ name: event.currentTarget.value })}
        />
      </label>
    </div>
  );
}

function ExperimentField({ draft }: { draft: Draft }) {
  const { paths } = useHere();
  const { data } = usePoll<Page<Resource<unknown>>>(query(paths.experiments, {}), false);
  return (
    <label>
      Experiment
      <input
        required
        pattern={NAME_PATTERN}
        title={NAME_RULE}
        list="experiments"
        value={draft.experiment}
        spellcheck={false}
        onInput={(event) => change({ experiment: event.currentTarget.value })}
      />
      <datalist id="experiments">
        {(data?.value ?? []).map((each) => (
          <option key={each.name} value={each.name} />
        ))}
      </datalist>
    </label>
  );
}
