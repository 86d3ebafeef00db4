/** Where the page is and who looks at it: read once, the same for every view. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Paths } from "../api/paths";
import type { Config, Session } from "../api/types";

export interface Here {
  config: Config;
  session: Session;
  paths: Paths;
  /** Member of the query that keeps a link in this workspace; null for the one that is the default. */
  workspace: string | null;
}

export const HereContext = createContext<Here | null>(null);

export function useHere(): Here {
  const here = useContext(HereContext);
  if (!here) throw new Error("a view is drawn outside the shell");
  return here;
}
