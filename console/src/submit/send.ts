/** Hands a document in. */
import { ApiError, json } from "../api/client";
import { type Paths, query } from "../api/paths";

/** Submits a job: its experiment is made where it is missing. The text goes as it was typed. A name that is taken
 * by another document is refused by the service. */
export async function submitJob(paths: Paths, experiment: string, job: string, text: string): Promise<void> {
  await required(query(paths.workspace, {}), { location: "local" });
  await required(query(paths.experiment(experiment), {}));
  await json(query(paths.job({ experiment, job }), {}), { method: "PUT", body: text });
}

/** Makes a cluster, or changes the one that has the name. */
export async function submitCluster(paths: Paths, cluster: string, text: string): Promise<void> {
  await required(query(paths.workspace, {}), { location: "local" });
  await json(query(paths.cluster(cluster), {}), { method: "PUT", body: text });
}

async function exists(path: string): Promise<boolean> {
  try {
    await json(path);
    return true;
  } catch (failure) {
    if (failure instanceof ApiError && failure.status === 404) return false;
    throw failure;
  }
}

async function required(path: string, body?: object): Promise<void> {
  if (await exists(path)) return;
  await json(path, body ? { method: "PUT", body: JSON.stringify(body) } : { method: "PUT" });
}
