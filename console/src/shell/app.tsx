/** Reads where the page is and who looks at it, asks for the key where one is wanted, then shows the view
 * that the address names. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { json, words } from "../api/client";
import { keyWanted } from "../api/key";
import { Paths, query } from "../api/paths";
import type { Config, Session } from "../api/types";
import { useRoute } from "../router";
import { HereContext } from "./context";
import { Layout } from "./layout";
import { SignIn } from "./signIn";
import { View } from "./view";

/** Milliseconds after which a server that did not answer is asked again. */
const AGAIN = 5000;

export function App() {
  const [config, setConfig] = useState<Config | null>(null);
  const [session, setSession] = useState<Session | null>(null);
  const [failure, setFailure] = useState("");
  const [tries, setTries] = useState(0);
  const wanted = keyWanted.use();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const failed = (error: unknown) => {
      setFailure(words(error));
      timer = setTimeout(() => setTries(tries + 1), AGAIN);
    };
    if (!config) json<Config>("/console/config.json").then(setConfig, failed);
    else if (wanted) setSession(null);
    else json<Session>(query("/providers/Microsoft.BatchAI/session", {})).then(setSession, failed);
    return () => clearTimeout(timer);
  }, [config, wanted, tries]);
  if (config && wanted) return <SignIn config={config} />;
  if (config && session) return <Signed config={config} session={session} />;
  return <main class="loading">{failure ? <p role="alert">{failure}</p> : <p>Loading…</p>}</main>;
}

function Signed({ config, session }: { config: Config; session: Session }) {
  const route = useRoute();
  const workspace = route.query.get("workspace") || config.workspace;
  const here = useMemo(
    () => ({
      config,
      session,
      paths: new Paths(config, workspace),
      workspace: workspace === config.workspace ? null : workspace,
    }),
    [config, session, workspace],
  );
  return (
    <HereContext.Provider value={here}>
      <Layout>
        <View route={route} />
      </Layout>
    </HereContext.Provider>
  );
}
