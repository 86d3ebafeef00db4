import { useEffect } from "preact/hooks";

/** Names the tab; where the view changes, a screen reader reads it. */
export function useTitle(text: string): void {
  useEffect(() => {
    document.title = `${text} · Batch AI`;
  }, [text]);
}
