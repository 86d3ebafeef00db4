/** What the service says of a document, while it is typed. */
import { useEffect, useState } from "preact/hooks";
import { json, words } from "../api/client";
import { query } from "../api/paths";
import { useHere } from "../shell/context";
import type { Kind } from "./draft";
import type { Validated } from "./validated";

/** Milliseconds without a key until it is asked. */
const PAUSE = 300;

export interface Validation {
  /** Of the text that is there now; null until it is known. */
  result: Validated | null;
  /** The latest answer, also of an older text: problems stay in sight while one types. */
  latest: Validated | null;
  failure: string;
}

export function useValidation(text: string, kind: Kind): Validation {
  const { paths } = useHere();
  const [answer, setAnswer] = useState<{ of: string; result: Validated | null; failure: string }>({
    of: "",
    result: null,
    failure: "",
  });
  const asked = `${kind}\n${text}`;
  useEffect(() => {
    if (!text.trim()) return setAnswer({ of: asked, result: null, failure: "" });
    const stopped = new AbortController();
    const timer = setTimeout(() => {
      json<Validated>(query(paths.validate, { kind }), {
        method: "POST",
        body: text,
        contentType: "text/plain; charset=utf-8",
        signal: stopped.signal,
      }).then(
        (result) => setAnswer({ of: asked, result, failure: "" }),
        (error: unknown) => {
          if (!stopped.signal.aborted) setAnswer({ of: asked, result: null, failure: words(error) });
        },
      );
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      stopped.abort();
    };
  }, [asked, paths]);
  const current = answer.of === asked;
  return {
    result: current ? answer.result : null,
    latest: answer.result,
    failure: current ? answer.failure : "",
  };
}
