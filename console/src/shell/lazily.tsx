/** Views whose code is read when they are first looked at. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure } from "../parts/failure";

/** A component that `load` brings: lazily(async () => (await import("./heavy")).Heavy). */
export function lazily<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | null = null;
  return function Lazy(props: P) {
    const [Found, setFound] = useState<ComponentType<P> | null>(() => loaded);
    const [failure, setFailure] = useState<unknown>();
    useEffect(() => {
      if (loaded) return;
      load().then((found) => {
        loaded = found;
        setFound(() => found);
      }, setFailure);
    }, []);
    if (failure !== undefined) return <Failure error={failure} />;
    return Found ? <Found {...props} /> : <p class="quiet">Loading…</p>;
  };
}
