/** What `GET …/metrics` of a job answers. */

/** One reading of what a node's part of the job uses. Counters grow from sample to sample. */
export interface ResourceSample {
  time: string;
  /** Of one core: 250 is two and a half. */
  cpuPercent?: number;
  memoryBytes?: number;
  diskReadBytes?: number;
  diskWrittenBytes?: number;
  processes?: number;
  gpus?: GpuSample[];
}

export interface GpuSample {
  index: number;
  name?: string;
  utilizationPercent?: number | null;
  memoryUsedBytes?: number | null;
  memoryTotalBytes?: number | null;
}

interface Source {
  node?: string | null;
  process?: string | null;
  attempt?: number | null;
  file?: string;
}

export interface ResourceSeries extends Source {
  samples: ResourceSample[];
}

/** Lines that the job wrote itself: any members, the numbers among them are drawn. */
export interface MetricSeries extends Source {
  samples: Record<string, unknown>[];
}

export interface JobMetrics {
  resources: ResourceSeries[];
  metrics: MetricSeries[];
  truncated?: boolean;
}
