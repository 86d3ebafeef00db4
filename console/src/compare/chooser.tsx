/** Which jobs are compared. */
import { useState } from "preact/hooks";
import { nameIn, query } from "../api/paths";
import type { Job, Page } from "../api/types";
import { usePoll } from "../polling/usePoll";
import { useHere } from "../shell/context";

interface Chosen {
  jobs: readonly string[];
  choose(jobs: string[]): void;
}

export function Chooser({ jobs, choose }: Chosen) {
  const { paths } = useHere();
  const [typed, setTyped] = useState("");
  const recent = usePoll<Page<Job>>(query(paths.jobs, { maxresults: 100 }), false);
  function add(event: Event) {
    event.preventDefault();
    const name = typed.trim();
    if (!name.includes("/")) return;
    if (!jobs.includes(name)) choose([...jobs, name]);
    setTyped("");
  }
  return (
    <form class="row" aria-label="Jobs to compare" onSubmit={add}>
      {jobs.map((job) => (
        <button key={job} type="button" onClick={() => choose(jobs.filter((each) => each !== job))}>
          {job} <span aria-hidden="true">✕</span>
          <span class="visually-hidden">leave out</span>
        </button>
      ))}
      <input
        aria-label="Another job, as experiment/job"
        placeholder="experiment/job"
        list="recent-jobs"
        pattern="[^\/]+\/[^\/]+"
        title="experiment/job"
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
      <datalist id="recent-jobs">
        {(recent.data?.value ?? []).map((job) => (
          <option key={job.id} value={`${nameIn(job.id, "experiments")}/${job.name}`} />
        ))}
      </datalist>
      <button type="submit">Add</button>
    </form>
  );
}
