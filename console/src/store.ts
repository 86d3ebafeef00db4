/** A value that views read and are drawn again for. */
import { useEffect, useState } from "preact/hooks";

export interface Store<T> {
  get(): T;
  set(value: T): void;
  /** The value, for a component, which is drawn again when it changes. */
  use(): T;
}

export function store<T>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set: (next) => {
      value = next;
      for (const listener of [...listeners]) listener();
    },
    use: () => {
      const [, draw] = useState({});
      useEffect(() => {
        const listener = () => draw({});
        listeners.add(listener);
        // What changed between the drawing and now.
        listener();
        return () => void listeners.delete(listener);
      }, []);
      return value;
    },
  };
}
