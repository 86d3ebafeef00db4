/** What the operations of sweeps answer (docs/reference/rest-api.md). */
import type { Resource } from "../api/types";

/** Those that are known; others may come and are shown as they are written. */
export type SweepState = "running" | "terminating" | "succeeded" | "failed" | "terminated" | (string & {});

export type Value = string | number | boolean;

/** A parameter of the document: its values, or a range. */
export type Parameter = Value[] | { from: number; to: number; scale?: "linear" | "log" };

/** What runs are compared by: a member of the metrics file, or what a pattern finds in a log. */
export interface Metric {
  key?: string;
  pattern?: string;
  goal: "maximize" | "minimize";
}

export interface Counts {
  total: number;
  succeeded: number;
  failed: number;
  inFlight: number;
  waiting: number;
}

export interface SweepProperties {
  state: SweepState;
  creationTime: string;
  provisioningState?: string;
  runs: Counts;
  generation?: number;
  why?: string;
  submittedBy?: string;
  metric?: Metric;
  /** Absent in a list, and of sweeps of rows. */
  parameters?: Record<string, Parameter>;
  maxConcurrent?: number;
  maxFailures?: number;
}

export type Sweep = Resource<SweepProperties>;

export interface Run {
  index: number;
  parameters: Record<string, Value>;
  /** Id of its job, which exists once the state is another than waiting. */
  job: string;
  state: string;
  metric?: number;
  startTime?: string;
  endTime?: string;
  exitCode?: number;
  message?: string;
}
