/** What one can do with a job, as far as one's role allows. */
import { useState } from "preact/hooks";
import { json, send } from "../api/client";
import { type JobName, query } from "../api/paths";
import type { Job } from "../api/types";
import { Confirm } from "../parts/confirm";
import { Failure } from "../parts/failure";
import { isLive } from "../parts/stateBadge";
import { href, navigate } from "../router";
import { useHere } from "../shell/context";
import { another } from "./nextName";

type Question = "terminate" | "delete" | "again";

export function Actions({ name, job, reload }: { name: JobName; job: Job; reload(): void }) {
  const { paths, session, workspace } = useHere();
  const [question, setQuestion] = useState<Question | null>(null);
  const [failure, setFailure] = useState<unknown>();
  if (!session.may.submit) return null;
  const live = isLive(job.properties.executionState);
  const path = paths.job(name);
  async function doing(work: () => Promise<unknown>) {
    setQuestion(null);
    setFailure(undefined);
    await work().catch(setFailure);
  }
  const close = () => setQuestion(null);
  return (
    <>
      <div class="row">
        {live && (
          <button
            type="button"
            disabled={job.properties.executionState === "terminating"}
            onClick={() => setQuestion("terminate")}
          >
            Terminate
          </button>
        )}
        <button type="button" onClick={() => setQuestion("again")}>
          Run again
        </button>
        <a class="button" href={href(["submit"], { from: `${name.experiment}/${name.job}`, workspace })}>
          Edit a copy
        </a>
        <button type="button" class="danger" onClick={() => setQuestion("delete")}>
          Delete
        </button>
      </div>
      <Failure error={failure} />
      {question === "terminate" && (
        <Confirm
          title={`Terminate ${name.job}?`}
          action="Terminate"
          danger
          onCancel={close}
          onConfirm={() =>
            doing(async () => {
              await send(query(`${path}/terminate`, {}), { method: "POST" });
              reload();
            })
          }
        >
          <p>Its processes are stopped. What it has written stays.</p>
        </Confirm>
      )}
      {question === "delete" && (
        <Confirm
          title={`Delete ${name.job}?`}
          action="Delete"
          danger
          onCancel={close}
          onConfirm={() =>
            doing(async () => {
              await send(query(path, {}), { method: "DELETE" });
              navigate(href(["jobs"], { workspace }));
            })
          }
        >
          <p>
            The job is removed from every list{live && ", and is stopped first"}. Its outputs and logs stay
            where they are.
          </p>
        </Confirm>
      )}
      {question === "again" && (
        <RunAgain
          name={name}
          onCancel={close}
          onConfirm={(wanted) =>
            doing(async () => {
              await runAgain(path, paths.job({ ...name, job: wanted }));
              navigate(href(["jobs", name.experiment, wanted], { workspace }));
            })
          }
        />
      )}
    </>
  );
}

/** A name is taken until its job is deleted (docs/adr/0022): the same document runs under another one. */
async function runAgain(path: string, wanted: string): Promise<void> {
  const { document } = await json<{ document: string }>(query(`${path}/document`, {}));
  await send(query(wanted, {}), { method: "PUT", body: document });
}

interface Again {
  name: JobName;
  onConfirm(wanted: string): void;
  onCancel(): void;
}

function RunAgain({ name, onConfirm, onCancel }: Again) {
  const [wanted, setWanted] = useState(() => another(name.job));
  return (
    <Confirm
      title={`Run ${name.job} again`}
      action="Run"
      onCancel={onCancel}
      onConfirm={() => onConfirm(wanted)}
    >
      <label class="field">
        Name of the new job
        <input
          required
          pattern="[\-\w]{1,64}"
          title="1 to 64 letters, digits, - and _"
          value={wanted}
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
      </label>
      <p class="quiet">The same document, in the experiment {name.experiment}.</p>
    </Confirm>
  );
}
