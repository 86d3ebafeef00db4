import { words } from "../api/client";

/** What went wrong, read out by screen readers; nothing where nothing did. */
export function Failure({ error }: { error: unknown }) {
  if (error === undefined || error === null || error === "") return null;
  return (
    <p class="notice error" role="alert">
      {words(error)}
    </p>
  );
}
