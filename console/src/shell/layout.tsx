/** The frame around every view: the bar with the places to be, and the main landmark. */
import type { ComponentChildren } from "preact";
import { href, useRoute } from "../router";
import { DropTarget } from "../submit/dropTarget";
import { useHere } from "./context";
import { WorkspaceChoice } from "./workspaceChoice";

/** First segment of the route and what it is called. */
const PLACES: readonly [string, string][] = [
  ["jobs", "Jobs"],
  ["clusters", "Clusters"],
  ["submit", "Submit"],
];

export function Layout({ children }: { children: ComponentChildren }) {
  const here = useHere();
  const at = useRoute().path[0] ?? "jobs";
  return (
    <>
      <button class="skip" type="button" onClick={skip}>
        Skip to content
      </button>
      <header class="bar">
        <a class="brand" href={href(["jobs"], { workspace: here.workspace })}>
          Batch AI
        </a>
        <nav aria-label="Main">
          {PLACES.filter(([place]) => place !== "submit" || here.session.may.submit).map(([place, name]) => (
            <a
              key={place}
              href={href([place], { workspace: here.workspace })}
              aria-current={place === at ? "page" : undefined}
            >
              {name}
            </a>
          ))}
        </nav>
        <WorkspaceChoice />
        {here.session.name && <span class="who">{here.session.name}</span>}
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <DropTarget />
    </>
  );
}

/** No link: the part after # is the router's. */
function skip() {
  document.getElementById("main")?.focus();
}
