/** The logs of a job: which there are, and one of them. */
import { useEffect, useState } from "preact/hooks";
import { query } from "../api/paths";
import type { Page } from "../api/types";
import { LogView } from "../logs/logView";
import type { Stream } from "../logs/reader";
import { preferred, StreamList } from "../logs/streamList";
import { Failure } from "../parts/failure";
import { usePoll } from "../polling/usePoll";
import { changed, type Route, replace } from "../router";
import "../styles/logs.css";

interface Shown {
  /** Address of the job or of a run of it. */
  path: string;
  live: boolean;
  route: Route;
}

export function LogsPart({ path, live, route }: Shown) {
  const logs = `${path}/logs`;
  // The turns are the job's, whose state is to be seen within 2 s; a list that is empty yet is looked at with it.
  const [seconds, setSeconds] = useState(0);
  const { data, error } = usePoll<Page<Stream>>(query(logs, {}), live, seconds);
  const streams = data?.value ?? [];
  const some = streams.length > 0;
  useEffect(() => setSeconds(some ? 10 : 0), [some]);
  const asked = route.query.get("log") ?? "";
  const stream =
    streams.find((each) => each.name === asked) ?? streams.find((each) => each.name === preferred(streams));
  return (
    <div class="logs">
      <Failure error={error} />
      {data && !stream && (
        <p class="quiet">{live ? "Logs appear here as soon as the job runs." : "This job wrote no logs."}</p>
      )}
      {stream && (
        <>
          <StreamList
            streams={streams}
            chosen={stream.name}
            choose={(log) => replace(changed(route, { log }))}
          />
          <LogView key={`${logs} ${stream.name}`} logs={logs} stream={stream} />
        </>
      )}
    </div>
  );
}
