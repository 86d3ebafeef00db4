/** The frame around every view: the bar with the places to be, and the main landmark. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { href, useRoute } from "../router";
import { DropTarget } from "../submit/dropTarget";
import { Boundary } from "./boundary";
import { useHere } from "./context";
import { WorkspaceChoice } from "./workspaceChoice";

/** First segment of the route and what it is called. */
const PLACES: readonly [string, string][] = [
  ["jobs", "Jobs"],
  ["sweeps", "Sweeps"],
  ["clusters", "Clusters"],
  ["submit", "Submit"],
];

export function Layout({ children }: { children: ComponentChildren }) {
  const here = useHere();
  const { path } = useRoute();
  const at = path[0] ?? "jobs";
  const view = path.join("/");
  const main = useRef<HTMLElement>(null);
  const shown = useRef(view);
  // Another view is another page to whoever does not see it: reading begins there.
  useEffect(() => {
    if (shown.current === view) return;
    shown.current = view;
    main.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [view]);
  return (
    <>
      {/* No link: the part after # is the router's. */}
      <button class="skip" type="button" onClick={() => main.current?.focus()}>
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
      <main ref={main} id="main" tabIndex={-1}>
        <Boundary key={view}>{children}</Boundary>
      </main>
      <DropTarget />
    </>
  );
}
