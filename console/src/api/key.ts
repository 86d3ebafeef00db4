/** The function key: asked once, kept as long as the tab. */
import { store } from "../store";

const NAME = "batchai-key";

/** True from when an operation answered 401 until there is a key that may work. */
export const keyWanted = store(false);

export function key(): string {
  return sessionStorage.getItem(NAME) ?? "";
}

export function keepKey(value: string): void {
  sessionStorage.setItem(NAME, value);
  keyWanted.set(false);
}

/** Takes away a key that was not accepted; whether there was one. */
export function forgetKey(): boolean {
  const had = key() !== "";
  sessionStorage.removeItem(NAME);
  return had;
}
