/** Addresses of resources. Names are encoded here and nowhere else. */
import type { Config } from "./types";

const PROVIDER = "providers/Microsoft.BatchAI";

/** A job's name within its workspace. */
export interface JobName {
  experiment: string;
  job: string;
}

/** A sweep's name within its workspace. */
export interface SweepName {
  experiment: string;
  sweep: string;
}

export class Paths {
  readonly workspaces: string;
  readonly workspace: string;

  constructor(
    config: Pick<Config, "subscriptionId" | "resourceGroup">,
    readonly workspaceName: string,
  ) {
    const group = `/subscriptions/${encode(config.subscriptionId)}/resourceGroups/${encode(config.resourceGroup)}`;
    this.workspaces = `${group}/${PROVIDER}/workspaces`;
    this.workspace = `${this.workspaces}/${encode(workspaceName)}`;
  }

  /** Jobs of all experiments of the workspace. */
  get jobs(): string {
    return `${this.workspace}/jobs`;
  }

  /** Checks a document without taking it. */
  get validate(): string {
    return `${this.workspace}/validate`;
  }

  get experiments(): string {
    return `${this.workspace}/experiments`;
  }

  experiment(name: string): string {
    return `${this.experiments}/${encode(name)}`;
  }

  job(name: JobName): string {
    return `${this.experiment(name.experiment)}/jobs/${encode(name.job)}`;
  }

  /** Sweeps of all experiments of the workspace. */
  get sweeps(): string {
    return `${this.workspace}/sweeps`;
  }

  sweep(name: SweepName): string {
    return `${this.experiment(name.experiment)}/sweeps/${encode(name.sweep)}`;
  }

  get clusters(): string {
    return `${this.workspace}/clusters`;
  }

  cluster(name: string): string {
    return `${this.clusters}/${encode(name)}`;
  }
}

/** `path` with a query; members without a value are left out. */
export function query(path: string, members: Record<string, string | number | null | undefined>): string {
  const asked = new URLSearchParams({ "api-version": "2018-05-01" });
  for (const [name, value] of Object.entries(members)) {
    if (value !== null && value !== undefined && value !== "") asked.set(name, String(value));
  }
  return `${path}?${asked}`;
}

/** The segment after `type` in a resource's id, "" where there is none: nameIn(id, "experiments"). */
export function nameIn(id: string, type: string): string {
  const parts = id.split("/");
  const at = parts.findIndex((part) => part.toLowerCase() === type.toLowerCase());
  return at < 0 ? "" : decoded(parts[at + 1] ?? "");
}

/** A part of a path as it was before it was encoded; as it is written, where that cannot be said. */
export function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function encode(name: string): string {
  return encodeURIComponent(name);
}
