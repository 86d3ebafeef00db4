/** What the operations answer, as far as the page reads it. Members that are not named here may be there. */

export interface Config {
  version: string;
  subscriptionId: string;
  resourceGroup: string;
  workspace: string;
  signIn: "none" | "key" | "entra";
}

export interface Session {
  name: string | null;
  may: { read: boolean; submit: boolean; contribute: boolean };
}

export interface Page<T> {
  value: T[];
  nextLink?: string | null;
}

export interface Resource<P> {
  id: string;
  name: string;
  type?: string;
  properties: P;
}

/** Those that are known; others may come and are shown as they are written. */
export type JobState = "queued" | "running" | "terminating" | "succeeded" | "failed" | (string & {});

export interface JobEvent {
  time: string;
  event: string;
  attempt?: number;
  node?: string;
  detail?: string;
}

export interface Timeline {
  events: JobEvent[];
  seconds: Record<string, number>;
  attempts: number;
  gpuHours?: number;
}

export interface Waiting {
  reason: string;
  message: string;
  next: string;
  until?: string;
}

export interface JobError {
  code: string;
  message: string;
  details?: { name: string; value: string }[];
}

export interface JobProperties {
  experimentName?: string;
  cluster?: { id: string };
  nodeCount?: number;
  toolType?: string;
  creationTime: string;
  provisioningState?: string;
  executionState: JobState;
  executionStateTransitionTime?: string;
  executionInfo?: { exitCode?: number; errors?: JobError[]; startTime?: string; endTime?: string };
  outputDirectories?: { id: string; pathPrefix?: string; pathSuffix?: string }[];
  waiting?: Waiting;
  timeline?: Timeline;
  submittedBy?: string;
  /** Of a run of a sweep. */
  sweep?: { id: string };
  /** Ends in the uuid of the run. */
  jobOutputDirectoryPathSegment?: string;
  attempt?: number;
}

export type Job = Resource<JobProperties>;

export interface Problem {
  severity: "error" | "warning" | "note";
  path: string;
  line: number;
  column: number;
  message: string;
  hint: string;
}
