/** The GPUs of a node: how busy they are, how full their memory is. */
import { shown } from "../charts/chart";
import type { Gpu } from "./types";

export function GpuList({ gpus }: { gpus: readonly Gpu[] }) {
  return (
    <ul class="gpus">
      {gpus.map((gpu) => (
        <li key={gpu.index} title={gpu.name}>
          <span class="quiet">GPU {gpu.index}</span>
          <Bar
            label={`GPU ${gpu.index} utilisation`}
            percent={gpu.utilizationPercent}
            text={shown(gpu.utilizationPercent, "percent")}
          />
          <Bar
            label={`GPU ${gpu.index} memory`}
            percent={share(gpu)}
            text={`${shown(gpu.memoryUsedBytes, "bytes")} of ${shown(gpu.memoryTotalBytes, "bytes")}`}
          />
        </li>
      ))}
    </ul>
  );
}

function Bar({ label, percent, text }: { label: string; percent: number | null | undefined; text: string }) {
  const known = Math.min(Math.max(percent ?? 0, 0), 100);
  return (
    <span class="bar-of">
      <span class="filled" aria-hidden="true" style={{ width: `${known}%` }} />
      <span class="figure">
        <span class="visually-hidden">{label} </span>
        {text}
      </span>
    </span>
  );
}

function share({ memoryUsedBytes, memoryTotalBytes }: Gpu): number | null {
  if (memoryUsedBytes == null || !memoryTotalBytes) return null;
  return (100 * memoryUsedBytes) / memoryTotalBytes;
}
