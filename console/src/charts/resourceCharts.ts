/** Curves of what a job uses, from the samples of its nodes. */
import type { Chart, Series, Unit } from "./chart";
import type { GpuSample, ResourceSample, ResourceSeries } from "./metrics";
import { labels } from "./sourceLabels";

type Reading = (sample: ResourceSample) => number | null;

/** The charts that have something to show. `elapsed`: x counts from the first sample of each series, so that jobs
 * of different times can be laid over each other. */
export function resourceCharts(nodes: readonly ResourceSeries[], elapsed = false): Chart[] {
  const x = elapsed ? "elapsed" : "time";
  const named = labels(nodes);
  const drawn = (title: string, unit: Unit, read: Reading): Chart => ({
    title,
    unit,
    x,
    series: nodes.map((node, at) => series(named[at] as string, node.samples, read, elapsed)),
  });
  const gpus = (title: string, unit: Unit, read: (gpu: GpuSample) => number | null): Chart => ({
    title,
    unit,
    x,
    series: nodes.flatMap((node, at) => gpuSeries(named[at] as string, node.samples, read, elapsed)),
  });
  return [
    gpus("GPU utilisation", "percent", (gpu) => gpu.utilizationPercent ?? null),
    gpus("GPU memory", "bytes", (gpu) => gpu.memoryUsedBytes ?? null),
    drawn("CPU (100 % = one core)", "percent", (sample) => sample.cpuPercent ?? null),
    drawn("Memory", "bytes", (sample) => sample.memoryBytes ?? null),
    diskChart("Disk, read", nodes, named, elapsed, (sample) => sample.diskReadBytes ?? null),
    diskChart("Disk, written", nodes, named, elapsed, (sample) => sample.diskWrittenBytes ?? null),
  ].filter((chart) => chart.series.some((each) => each.y.some((y) => y !== null)));
}

function series(label: string, samples: readonly ResourceSample[], read: Reading, elapsed: boolean): Series {
  const timed = samples.filter((sample) => Number.isFinite(Date.parse(sample.time)));
  const seconds = timed.map((sample) => Date.parse(sample.time) / 1000);
  const zero = elapsed ? (seconds[0] ?? 0) : 0;
  return { label, x: seconds.map((second) => second - zero), y: timed.map(read) };
}

/** One series for each GPU that the samples of a node name. */
function gpuSeries(
  label: string,
  samples: readonly ResourceSample[],
  read: (gpu: GpuSample) => number | null,
  elapsed: boolean,
): Series[] {
  const indexes = new Set(samples.flatMap((sample) => (sample.gpus ?? []).map((gpu) => gpu.index)));
  return [...indexes]
    .sort((a, b) => a - b)
    .map((index) =>
      series(
        `${label ? `${label}, ` : ""}GPU ${index}`,
        samples,
        (sample) => {
          const gpu = sample.gpus?.find((each) => each.index === index);
          return gpu ? read(gpu) : null;
        },
        elapsed,
      ),
    );
}

/** Counters as what was added in a second. One that falls has begun anew: there the curve has a gap. */
function diskChart(
  title: string,
  nodes: readonly ResourceSeries[],
  named: readonly string[],
  elapsed: boolean,
  read: Reading,
): Chart {
  const rates = nodes.map((node, at) => {
    const counted = series(named[at] as string, node.samples, read, elapsed);
    return { ...counted, y: counted.y.map((_, index) => rate(counted, index)) };
  });
  const moved = rates.some((each) => each.y.some((y) => y !== null && y > 0));
  return { title, unit: "bytesPerSecond", x: elapsed ? "elapsed" : "time", series: moved ? rates : [] };
}

function rate({ x, y }: Series, at: number): number | null {
  const [now, before] = [y[at], y[at - 1]];
  const seconds = (x[at] ?? 0) - (x[at - 1] ?? 0);
  if (now == null || before == null || now < before || seconds <= 0) return null;
  return (now - before) / seconds;
}
