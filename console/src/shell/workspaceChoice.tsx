/** The workspace that is looked at, and the way to another one. */

import { query } from "../api/paths";
import type { Page, Resource } from "../api/types";
import { usePoll } from "../polling/usePoll";
import { href, navigate, useRoute } from "../router";
import { useHere } from "./context";

export function WorkspaceChoice() {
  const { paths, config } = useHere();
  const place = useRoute().path[0] ?? "jobs";
  const { data } = usePoll<Page<Resource<unknown>>>(query(paths.workspaces, {}), false);
  const names = new Set([paths.workspaceName, ...(data?.value ?? []).map((each) => each.name)]);
  const go = (name: string) =>
    navigate(href([place], { workspace: name === config.workspace ? null : name }));
  return (
    <label class="workspace">
      <span class="quiet">Workspace</span>
      <select value={paths.workspaceName} onChange={(event) => go(event.currentTarget.value)}>
        {[...names].sort().map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
