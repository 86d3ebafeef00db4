/** The way from a run's job to its sweep. */
import { nameIn } from "../api/paths";
import type { Job } from "../api/types";
import { href } from "../router";
import { useHere } from "../shell/context";

export function SweepLink({ id }: { id: string }) {
  const { workspace } = useHere();
  const [experiment, sweep] = [nameIn(id, "experiments"), nameIn(id, "sweeps")];
  return <a href={href(["sweeps", experiment, sweep], { workspace })}>{sweep}</a>;
}

/** Below the name of a job in a list; nothing of a job that belongs to no sweep. */
export function SweepOfRun({ job }: { job: Job }) {
  const { sweep } = job.properties;
  if (!sweep) return null;
  return (
    <div class="remark sweep">
      of sweep <SweepLink id={sweep.id} />
    </div>
  );
}
