import { local, utc } from "./words";

/** A moment in the reader's zone, in UTC where one points at it. */
export function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={utc(at)}>
      {local(at, new Date())}
    </time>
  );
}
