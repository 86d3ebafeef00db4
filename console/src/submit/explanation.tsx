/** What would become of the document, as `batchai explain` says it. */
import type { ComponentChildren } from "preact";
import { SweepRuns } from "./sweepRuns";
import type { Explained, ExplainedNode, ExplainedSweep, Validated } from "./validated";
import "../styles/facts.css";

const PLACES: Record<string, string> = {
  "job volume": "on a volume of the job",
  "cluster volume": "on a volume that the cluster must mount",
  node: "on the node's own disk: it is gone after the job",
};
/** Of a job of many nodes more would say nothing new. */
const MOST_NODES = 8;

export function Explanation({ result }: { result: Validated }) {
  const { explain, explainText, sweep } = result;
  if (sweep) return <SweepExplanation sweep={sweep} job={explain} />;
  if (!explain) return explainText ? <pre class="explain-text">{explainText}</pre> : null;
  return (
    <>
      <Summary job={explain} />
      <Commands job={explain} />
      <Volumes job={explain} />
      <Folders job={explain} />
      {explain.notes?.length ? (
        <Part title="Notes">
          {explain.notes.map((note) => (
            <p key={note}>{note}</p>
          ))}
        </Part>
      ) : null}
      {explainText && (
        <details>
          <summary>As the command batchai explain says it</summary>
          <pre class="explain-text">{explainText}</pre>
        </details>
      )}
    </>
  );
}

/** The runs that there would be, and what the first of them does. */
function SweepExplanation({ sweep, job }: { sweep: ExplainedSweep; job: Explained | null }) {
  return (
    <>
      <SweepRuns sweep={sweep} />
      {job && (
        <details open>
          <summary>The first run</summary>
          <Summary job={job} />
          <Commands job={job} />
          <Volumes job={job} />
        </details>
      )}
    </>
  );
}

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="part">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Summary({ job }: { job: Explained }) {
  const nodes = job.nodeCount ?? 1;
  const facts: [string, string | undefined][] = [
    ["Toolkit", job.toolType],
    ["Nodes", String(nodes)],
    ["Runs in", job.image ? `container ${job.image}` : "no container, directly on the node"],
    ["Priority", job.priority],
    ["Time limit", job.maxWallClockTime],
    ["Secrets", job.secrets?.join(", ")],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) =>
        value ? (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}

function Commands({ job }: { job: Explained }) {
  const nodes = job.nodes ?? [];
  return (
    <Part title="Commands">
      {job.preparation && <Command title="on every node, first: jobPreparation" text={job.preparation} />}
      {nodes.slice(0, MOST_NODES).map((node) => (
        <NodeCommands key={node.index} node={node} many={nodes.length > 1} />
      ))}
      {nodes.length > MOST_NODES && <p class="quiet">… and on {nodes.length - MOST_NODES} further nodes</p>}
    </Part>
  );
}

function NodeCommands({ node, many }: { node: ExplainedNode; many: boolean }) {
  const where = many ? `node ${node.index}: ` : "";
  if (!node.processes.length) return <p class="quiet">{where}started by another node</p>;
  return (
    <>
      {node.processes.map((process) => (
        <Command
          key={process.stdout}
          title={`${where}${process.role} ${process.name} → ${process.stdout}`}
          text={process.command}
        />
      ))}
    </>
  );
}

function Command({ title, text }: { title: string; text: string }) {
  return (
    <div class="command">
      <p class="quiet">{title}</p>
      <pre>{text}</pre>
    </div>
  );
}

function Volumes({ job }: { job: Explained }) {
  if (!job.volumes?.length) return null;
  return (
    <Part title="Volumes">
      <ul class="plain">
        {job.volumes.map((volume) => (
          <li key={volume.target}>
            <code>{volume.target}</code>
            <br />
            <span class="quiet">{volume.source}</span>
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Folders({ job }: { job: Explained }) {
  return (
    <Part title="Folders">
      <ul class="plain">
        {(job.folders ?? []).map((folder) => (
          <li key={folder.variable}>
            {folder.kind} <code>${folder.variable}</code>{" "}
            <span class="quiet">{PLACES[folder.on] ?? folder.on}</span>
          </li>
        ))}
      </ul>
    </Part>
  );
}
