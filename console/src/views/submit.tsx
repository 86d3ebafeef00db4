/** A document is written or dropped, checked while it is written, and handed in. */
import { useRef, useState } from "preact/hooks";
import { words } from "../api/client";
import { Editor, type EditorHandle } from "../editor/editor";
import { href, navigate, type Route } from "../router";
import { useHere } from "../shell/context";
import { Destination } from "../submit/destination";
import { EXAMPLE, freshName } from "../submit/documents";
import { begin, change, draft } from "../submit/draft";
import { take } from "../submit/dropTarget";
import { Explanation } from "../submit/explanation";
import { counted, ProblemList } from "../submit/problemList";
import { said } from "../submit/said";
import { submitCluster, submitJob, submitSweep } from "../submit/send";
import { useCopy } from "../submit/useCopy";
import { useSchema } from "../submit/useSchema";
import { useValidation, type Validation } from "../submit/useValidation";
import "../styles/submit.css";

export function SubmitView({ route }: { route: Route }) {
  const { session } = useHere();
  const document = draft.use();
  const validation = useValidation(document.text, document.kind);
  const schema = useSchema(document.kind);
  const copyFailure = useCopy(route.query.get("from"));
  const editor = useRef<EditorHandle>(null);
  const problems = validation.latest?.problems ?? [];
  if (!session.may.submit) return <p class="notice">Your roles let you read, not submit.</p>;
  return (
    <div class="submit">
      <div class="row spread">
        <h1>Submit</h1>
        <FileButtons />
      </div>
      {(said.use() || copyFailure) && (
        <p class="notice error" role="alert">
          {said.get() || copyFailure}
        </p>
      )}
      <div class="panes">
        <section class="card draft" aria-label="Document">
          <Editor
            text={document.text}
            onText={(text) => change({ text })}
            problems={problems}
            schema={schema}
            label={`${document.kind}.json`}
            handle={editor}
          />
          <Verdict validation={validation} empty={!document.text.trim()} />
          <ProblemList problems={problems} go={({ line, column }) => editor.current?.show(line, column)} />
        </section>
        <div class="stack side">
          <SubmitForm valid={validation.result?.valid === true} />
          {validation.latest && (
            <section class="card" aria-labelledby="explain">
              <h2 id="explain">What will happen</h2>
              {validation.latest.valid ? (
                <Explanation result={validation.latest} />
              ) : (
                <p class="quiet">It cannot run before its errors are mended.</p>
              )}
            </section>
          )}
        </div>
      </div>
    </div>
  );
}

function FileButtons() {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div class="row">
      <button
        type="button"
        onClick={() => begin({ text: EXAMPLE, name: freshName("hello", new Date()), experiment: "hello" })}
      >
        Begin with an example
      </button>
      <button type="button" onClick={() => input.current?.click()}>
        Open a file…
      </button>
      <input
        ref={input}
        type="file"
        accept=".json,application/json"
        aria-label="File to open"
        hidden
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = "";
          if (file) void take(file);
        }}
      />
    </div>
  );
}

function Verdict({ validation, empty }: { validation: Validation; empty: boolean }) {
  return (
    <p class="verdict" role="status">
      {verdict(validation, empty)}
    </p>
  );
}

function verdict({ result, failure }: Validation, empty: boolean): string {
  if (empty) return "Drop a job.json anywhere on this page, or write one here.";
  if (failure) return `It could not be checked: ${failure}`;
  if (!result) return "Checking…";
  const found = counted(result.problems);
  if (result.valid) return found ? `It will be accepted, with ${found}.` : "It will be accepted.";
  return `It will not be accepted: ${found}.`;
}

const ACTIONS = { job: "Submit job", sweep: "Submit sweep", cluster: "Create or change cluster" };

function SubmitForm({ valid }: { valid: boolean }) {
  const { paths, session, workspace } = useHere();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState("");
  const { text, kind, name, experiment } = draft.use();
  const may = kind === "cluster" ? session.may.contribute : session.may.submit;

  async function submit(event: Event) {
    event.preventDefault();
    setBusy(true);
    setFailure("");
    try {
      if (kind === "job") {
        await submitJob(paths, experiment, name, text);
        navigate(href(["jobs", experiment, name], { workspace }));
      } else if (kind === "sweep") {
        await submitSweep(paths, experiment, name, text);
        navigate(href(["sweeps", experiment, name], { workspace }));
      } else {
        await submitCluster(paths, name, text);
        navigate(href(["clusters", name], { workspace }));
      }
      begin({});
    } catch (error) {
      setFailure(words(error));
    } finally {
      setBusy(false);
    }
  }
  return (
    <form class="card" aria-label="Destination" onSubmit={submit}>
      <Destination draft={draft.get()} />
      {failure && (
        <p class="notice error" role="alert">
          {failure}
        </p>
      )}
      <button class="primary" type="submit" disabled={!valid || busy || !may}>
        {busy ? "Submitting…" : ACTIONS[kind]}
      </button>
      {!may && <p class="quiet">Clusters are changed by contributors; your roles let you submit jobs.</p>}
    </form>
  );
}
