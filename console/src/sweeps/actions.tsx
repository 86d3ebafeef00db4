/** What one can do with a sweep, as far as one's role allows. */
import { useState } from "preact/hooks";
import { send } from "../api/client";
import { query, type SweepName } from "../api/paths";
import { Confirm } from "../parts/confirm";
import { Failure } from "../parts/failure";
import { href, navigate } from "../router";
import { useHere } from "../shell/context";
import { isLiveSweep } from "./facts";
import type { Sweep } from "./types";

type Question = "terminate" | "delete";

export function SweepActions({ name, sweep, reload }: { name: SweepName; sweep: Sweep; reload(): void }) {
  const { paths, session, workspace } = useHere();
  const [question, setQuestion] = useState<Question | null>(null);
  const [failure, setFailure] = useState<unknown>();
  if (!session.may.submit) return null;
  const { state, runs } = sweep.properties;
  const deleting = sweep.properties.provisioningState === "deleting";
  const path = paths.sweep(name);
  async function doing(work: () => Promise<unknown>) {
    setQuestion(null);
    setFailure(undefined);
    await work().catch(setFailure);
  }
  const post = (verb: string) =>
    doing(async () => {
      await send(query(`${path}/${verb}`, {}), { method: "POST" });
      reload();
    });
  const remove = () =>
    doing(async () => {
      await send(query(path, {}), { method: "DELETE" });
      navigate(href(["sweeps"], { workspace }));
    });
  const close = () => setQuestion(null);
  return (
    <>
      <div class="row">
        {isLiveSweep(state) ? (
          <button
            type="button"
            disabled={state === "terminating" || deleting}
            onClick={() => setQuestion("terminate")}
          >
            Terminate
          </button>
        ) : (
          runs.succeeded < runs.total && (
            <button type="button" disabled={deleting} onClick={() => void post("rerun")}>
              Rerun failed
            </button>
          )
        )}
        <button type="button" class="danger" disabled={deleting} onClick={() => setQuestion("delete")}>
          Delete
        </button>
      </div>
      <Failure error={failure} />
      {question === "terminate" && (
        <Confirm
          title={`Terminate ${name.sweep}?`}
          action="Terminate"
          danger
          onCancel={close}
          onConfirm={() => void post("terminate")}
        >
          <p>Runs that live are stopped, and no more are made. What they have written stays.</p>
        </Confirm>
      )}
      {question === "delete" && (
        <Confirm
          title={`Delete ${name.sweep}?`}
          action="Delete"
          danger
          onCancel={close}
          onConfirm={() => void remove()}
        >
          <p>
            The sweep and the jobs of its {runs.total} runs are removed from every list; those that live are
            stopped first. Outputs and logs stay where they are.
          </p>
        </Confirm>
      )}
    </>
  );
}
