/** What the job wrote, as a tree: folders are read when they are opened. */
import { useState } from "preact/hooks";
import { json } from "../api/client";
import { query } from "../api/paths";
import type { JobProperties, Page } from "../api/types";
import { Failure } from "../parts/failure";
import { Time } from "../parts/time";
import { bytes } from "../parts/words";

interface OutputFile {
  name: string;
  downloadUrl?: string | null;
  fileType?: string;
  properties?: { contentLength?: number; lastModified?: string };
}

/** The folder of stdout and stderr, which every job has. */
const LOGS = "stdouterr";

export function OutputsPart({ path, job }: { path: string; job: JobProperties }) {
  const ids = [...(job.outputDirectories ?? []).map((each) => each.id), LOGS];
  return (
    <div class="card outputs">
      <ul>
        {ids.map((id, index) => (
          <Folder key={id} path={path} id={id} directory="" name={id} open={index === 0} />
        ))}
      </ul>
    </div>
  );
}

interface Place {
  path: string;
  /** Of the output directory. */
  id: string;
  /** Below it, "" for itself. */
  directory: string;
  name: string;
  open?: boolean;
}

function Folder({ path, id, directory, name, open }: Place) {
  const [files, setFiles] = useState<OutputFile[] | null>(null);
  const [next, setNext] = useState("");
  const [failure, setFailure] = useState<unknown>();
  async function read(link: string) {
    try {
      const page = await json<Page<OutputFile>>(link, { method: "POST" });
      setFiles((before) => [...(before ?? []), ...page.value]);
      setNext(page.nextLink ?? "");
      setFailure(undefined);
    } catch (error) {
      setFailure(error);
    }
  }
  function toggled(event: Event) {
    const shown = (event.currentTarget as HTMLDetailsElement).open;
    // Opened again, it is read again: a job that runs writes on.
    setFiles(null);
    if (shown) void read(query(`${path}/listOutputFiles`, { outputdirectoryid: id, directory }));
  }
  return (
    <li>
      <details open={open ?? false} onToggle={toggled}>
        <summary>{name}/</summary>
        <Failure error={failure} />
        {files?.length === 0 && <p class="quiet">Empty.</p>}
        <ul>
          {files?.map((file) =>
            file.fileType === "directory" ? (
              <Folder
                key={file.name}
                path={path}
                id={id}
                directory={directory ? `${directory}/${last(file.name)}` : last(file.name)}
                name={last(file.name)}
              />
            ) : (
              <File key={file.name} file={file} />
            ),
          )}
        </ul>
        {next && (
          <button type="button" onClick={() => void read(local(next))}>
            More files
          </button>
        )}
      </details>
    </li>
  );
}

function File({ file }: { file: OutputFile }) {
  const link = safe(file.downloadUrl);
  return (
    <li class="file">
      {link ? (
        <a href={link} target="_blank" rel="noreferrer" download={last(file.name)}>
          {last(file.name)}
        </a>
      ) : (
        <span>{last(file.name)}</span>
      )}
      <span class="quiet nowrap">
        {file.properties?.contentLength !== undefined && bytes(file.properties.contentLength)}
      </span>
      <span class="quiet nowrap">
        {file.properties?.lastModified && <Time at={file.properties.lastModified} />}
      </span>
    </li>
  );
}

function last(name: string): string {
  return name.split("/").filter(Boolean).at(-1) ?? name;
}

/** Links lead to storage; one of another kind is shown as text. */
function safe(url: string | null | undefined): string {
  return url && /^https?:\/\//i.test(url) ? url : "";
}

/** The path of a nextLink: the server may name itself as its proxy knows it. */
function local(link: string): string {
  const url = new URL(link, location.origin);
  return url.pathname + url.search;
}
