/** Hands a document in. */
import { ApiError, json } from "../api/client";
import { type Paths, query } from "../api/paths";

/** Submits a job: its experiment is made where it is missing. The text is sent as it was typed. A name that is taken
 * by another document is refused by the service. */
export async function submitJob(paths: Paths, experiment: string, job: string, text: string): Promise<void> {
  await workspaceMade(paths);
  await json(query(paths.experiment(experiment), {}), { method: "PUT" });
  await json(query(paths.job({ experiment, job }), {}), { method: "PUT", body: text });
}

/** The same for a sweep. */
export async function submitSweep(
  paths: Paths,
  experiment: string,
  sweep: string,
  text: string,
): Promise<void> {
  await workspaceMade(paths);
  await json(query(paths.experiment(experiment), {}), { method: "PUT" });
  await json(query(paths.sweep({ experiment, sweep }), {}), { method: "PUT", body: text });
}

/** Makes a cluster, or changes the one that has the name. */
export async function submitCluster(paths: Paths, cluster: string, text: string): Promise<void> {
  await workspaceMade(paths);
  await json(query(paths.cluster(cluster), {}), { method: "PUT", body: text });
}

/** A PUT would take the tags of a workspace that is there. */
async function workspaceMade(paths: Paths): Promise<void> {
  const path = query(paths.workspace, {});
  try {
    await json(path);
  } catch (failure) {
    if (!(failure instanceof ApiError && failure.status === 404)) throw failure;
    await json(path, { method: "PUT", body: JSON.stringify({ location: "local" }) });
  }
}
