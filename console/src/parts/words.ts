/** Numbers and moments as people read them. PURE but for the reader's zone and language. */

/** "1 d 2 h", "3 min 7 s", "42 s", "0.8 s"; of less than nothing (two clocks) "0 s". */
export function duration(seconds: number): string {
  if (!(seconds > 0)) return "0 s";
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  const whole = Math.round(seconds);
  const units: [string, number][] = [
    ["d", Math.floor(whole / 86400)],
    ["h", Math.floor(whole / 3600) % 24],
    ["min", Math.floor(whole / 60) % 60],
    ["s", whole % 60],
  ];
  const first = units.findIndex(([, count]) => count > 0);
  return units
    .slice(first, first + 2)
    .filter(([, count]) => count > 0)
    .map(([unit, count]) => `${count} ${unit}`)
    .join(" ");
}

/** "640 B", "1.2 MB": powers of 1000, as disks are sold. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** "2026-11-29 15:42:10 UTC" */
export function utc(moment: string): string {
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? moment : `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

const TODAY = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const EARLIER = new Intl.DateTimeFormat(undefined, {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});

/** In the reader's zone: the time alone for what was today, else the day, too. */
export function local(moment: string, now: Date): string {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return moment;
  return (date.toDateString() === now.toDateString() ? TODAY : EARLIER).format(date);
}

/** Seconds between two moments; `end` "" is `now` (milliseconds). */
export function between(begin: string, end: string | undefined, now: number): number {
  return ((end ? Date.parse(end) : now) - Date.parse(begin)) / 1000;
}
