/** What `POST …/validate` answers. */
import type { Problem } from "../api/types";

export interface Validated {
  kind: string;
  valid: boolean;
  problems: Problem[];
  /** What would become of it; null of what cannot run, and of a cluster. */
  explain: Explained | null;
  explainText: string;
  /** The runs there would be of a sweep. */
  sweep?: ExplainedSweep;
}

export interface ExplainedSweep {
  count: number;
  runs: { index: number; parameters: Record<string, string | number | boolean> }[];
  maxConcurrent?: number;
  maxFailures?: number;
  metric?: { name: string; goal: string };
}

/** What would become of a job, as `batchai explain -o json` has it. Members may be missing in answers of
 * another version. */
export interface Explained {
  toolType?: string;
  nodeCount?: number;
  gpusPerNode?: number;
  image?: string | null;
  priority?: string;
  maxWallClockTime?: string;
  volumes?: { kind: string; source: string; target: string }[];
  folders?: { kind: string; id: string; variable: string; on: string }[];
  secrets?: string[];
  preparation?: string | null;
  nodes?: ExplainedNode[];
  notes?: string[];
}

export interface ExplainedNode {
  index: number;
  processes: { name: string; command: string; role: string; stdout: string }[];
}
