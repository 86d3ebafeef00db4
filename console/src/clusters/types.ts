/** Clusters and nodes as the operations answer them. */
import type { Resource } from "../api/types";

export interface ClusterProperties {
  provisioningState?: string;
  allocationState?: "steady" | "resizing" | (string & {});
  allocationStateTransitionTime?: string;
  currentNodeCount?: number;
  nodeStateCounts?: Record<string, number>;
  vmSize?: string;
  vmPriority?: string;
  scaleSettings?: {
    manual?: { targetNodeCount: number };
    autoScale?: { minimumNodeCount: number; maximumNodeCount: number };
  };
  errors?: { code: string; message: string; details?: { name: string; value: string }[] }[];
}

export type Cluster = Resource<ClusterProperties>;

export interface Gpu {
  index: number;
  name?: string;
  utilizationPercent?: number | null;
  memoryUsedBytes?: number | null;
  memoryTotalBytes?: number | null;
}

export interface Node {
  nodeId: string;
  state: string;
  drain: boolean;
  version?: string;
  ipAddress?: string;
  detail?: string;
  /** The uuid of the run that it works on. */
  job?: string;
  gpus?: Gpu[];
  reportedAt?: string;
}
