/** A job in one line. PURE. */
import { nameIn } from "../api/paths";
import type { Job, JobEvent, JobProperties } from "../api/types";
import { between } from "../parts/words";

/** The experiment and the name under which a job is found. */
export function nameOf(job: Job): { experiment: string; job: string } {
  return { experiment: job.properties.experimentName || nameIn(job.id, "experiments"), job: job.name };
}

/** What happened to it, oldest first. A job that nothing has happened to yet has no time line: it is queued. */
export function eventsOf(properties: JobProperties): JobEvent[] {
  return properties.timeline?.events ?? [{ time: properties.creationTime, event: "Queued" }];
}

/** Name of the job's cluster; with its workspace where that is another one. */
export function clusterOf(job: Job): string {
  const id = job.properties.cluster?.id ?? "";
  const workspace = nameIn(id, "workspaces");
  const name = nameIn(id, "clusters");
  return workspace.toLowerCase() === nameIn(job.id, "workspaces").toLowerCase()
    ? name
    : `${workspace}/${name}`;
}

/** Seconds it has run, or waited if it has not begun; null where neither is known. */
export function spent(job: Job, now: number): { seconds: number; waiting: boolean } {
  const { executionInfo: info, creationTime, executionState } = job.properties;
  if (executionState !== "queued" && info?.startTime) {
    return { seconds: between(info.startTime, info.endTime, now), waiting: false };
  }
  return { seconds: between(creationTime, info?.endTime, now), waiting: true };
}

/** Why it waits, or how it went wrong; "" where there is nothing to say. */
export function remark(job: Job): string {
  const { waiting, executionInfo: info, executionState } = job.properties;
  if (waiting) return waiting.message;
  if (executionState !== "failed") return "";
  const error = info?.errors?.at(-1);
  const code = info?.exitCode ? `exit code ${info.exitCode}` : "";
  return [error?.code, code].filter(Boolean).join(", ");
}
