/** What somebody can do about an error of a job. The codes are those of shared/jobs/model.py (Reason). PURE. */

const REMEDIES: Record<string, string> = {
  JobFailed: "The job's own program ended with this code: the end of its log says why.",
  JobPreparationFailed: "The command of jobPreparation failed: its log (preparation) says why.",
  JobTerminated: "Somebody stopped it. Run it again if that was a mistake.",
  JobWallClockTimeExceeded:
    "It took longer than constraints.maxWallClockTime. Allow more (edit a copy), or make it write checkpoints.",
  JobGpusIdle: "Its cluster ends jobs whose GPUs do nothing (idleGpus): resources.jsonl shows what they did.",
  AZFMountError:
    "Check the share's name, account and credentials in mountVolumes, and whether the node reaches it.",
  BFSMountError:
    "Check the container's name, account and credentials in mountVolumes, and whether the node reaches it.",
  NFSMountError: "Check the file server's address and path, and whether the node reaches it.",
  UnmanagedMountError: "Check mountCommand of the unmanaged file system: the details show what it printed.",
  SecretUnavailable:
    "Check that the secret exists and that the runner's identity may read it in the Key Vault.",
  FailedStartingContainer: "Check the image's name and tag, and the credentials of its registry.",
  JobStartFailed: "The processes could not be started: check the interpreter and the paths in the document.",
  RunnerLost: "The node went away too often. Run it again; look at the node on the page Clusters.",
  RunnerFault: "A fault of the node, not of the job. Run it again; the node's own log says more.",
  PoisonJob: "It ended its runner each time it was tried: look at execution.log before it is run again.",
};

/** One sentence; for a code that is not known, where to look. */
export function remedy(code: string): string {
  return Object.hasOwn(REMEDIES, code) ? (REMEDIES[code] as string) : "Its logs may say more.";
}
