/** Round marks on an axis of time. PURE. */

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];

/** Seconds from the beginning at which marks stand, at most `most` of them, for a span of `seconds`. */
export function marks(seconds: number, most: number): number[] {
  const step = STEPS.find((each) => seconds / each <= most) ?? 86400 * Math.ceil(seconds / 86400 / most);
  const found: number[] = [];
  for (let at = 0; at <= seconds; at += step) found.push(at);
  return found;
}
