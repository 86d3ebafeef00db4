/** Why the job waits and what happens next; how it went wrong and what to do. */
import type { JobError, JobProperties, Waiting } from "../api/types";
import { Time } from "../parts/time";
import { remedy } from "./remedies";

export function Notices({ job }: { job: JobProperties }) {
  const info = job.executionInfo;
  const errors = info?.errors ?? [];
  const ended = job.executionState === "failed" || job.executionState === "succeeded";
  return (
    <>
      {job.waiting && <WhyItWaits waiting={job.waiting} />}
      {job.executionState === "terminating" && (
        <p class="notice">
          It is being stopped: its processes get a moment to end, then its logs are sealed.
        </p>
      )}
      {errors.map((error, index) => (
        <WhatWentWrong key={index} error={error} exitCode={info?.exitCode} ended={ended} />
      ))}
    </>
  );
}

function WhyItWaits({ waiting }: { waiting: Waiting }) {
  return (
    <div class="notice waiting" role="status">
      <strong>Waiting:</strong> {waiting.message}.{" "}
      {waiting.until && (
        <>
          Until <Time at={waiting.until} />.{" "}
        </>
      )}
      <div>
        <strong>What happens next:</strong> {waiting.next}
      </div>
    </div>
  );
}

interface Wrong {
  error: JobError;
  exitCode: number | undefined;
  /** False: another attempt follows. */
  ended: boolean;
}

function WhatWentWrong({ error, exitCode, ended }: Wrong) {
  return (
    <div class={`notice ${ended ? "error" : "warning"}`}>
      <strong>{error.code}</strong>
      {ended && exitCode !== undefined && ` · exit code ${exitCode}`}
      <div class="said">{error.message}</div>
      {error.details?.map((detail) => (
        <details key={detail.name}>
          <summary>{detail.name}</summary>
          <pre class="said">{detail.value}</pre>
        </details>
      ))}
      <div>
        <strong>What to do:</strong> {ended ? remedy(error.code) : "Nothing: it is tried again."}
      </div>
    </div>
  );
}
