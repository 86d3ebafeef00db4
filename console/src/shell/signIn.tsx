/** The form that asks for the function key, once for a tab. */
import { useState } from "preact/hooks";
import { forgetKey, keepKey } from "../api/key";
import type { Config } from "../api/types";

export function SignIn({ config }: { config: Config }) {
  if (config.signIn === "entra") return <EntraSignIn />;
  return <KeyForm />;
}

function EntraSignIn() {
  return (
    <main class="sign-in">
      <h1>Batch AI</h1>
      <p>This installation wants to know who you are.</p>
      <a class="button primary" href="/.auth/login/aad?post_login_redirect_uri=/console/">
        Sign in with Microsoft Entra
      </a>
    </main>
  );
}

function KeyForm() {
  const [value, setValue] = useState("");
  const [refused] = useState(forgetKey);
  function submit(event: Event) {
    event.preventDefault();
    if (value.trim()) keepKey(value.trim());
  }
  return (
    <main class="sign-in">
      <h1>Batch AI</h1>
      <form onSubmit={submit}>
        <label>
          Function key
          <input
            type="password"
            autocomplete="off"
            value={value}
            onInput={(event) => setValue(event.currentTarget.value)}
          />
        </label>
        {refused && (
          <p class="notice error" role="alert">
            That key was not accepted.
          </p>
        )}
        <p class="quiet">
          A key of the function app (Azure portal: App keys). It is kept until this tab is closed, and sent to
          this address only.
        </p>
        <button class="primary" type="submit">
          Sign in
        </button>
      </form>
    </main>
  );
}
