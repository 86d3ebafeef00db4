/** What can be said of a document without asking: its kind, and names for what it makes. */
import type { Kind } from "./draft";

/** As the service has it (shared/names/ids.py). */
export const NAME_PATTERN = "[A-Za-z0-9_\\-]{1,64}";
export const NAME_RULE = "1 to 64 letters, digits, - or _";

/** More is not read from a file: the service takes no such document. */
export const MOST_BYTES = 1024 * 1024;

/** A sweep has the document of a job in it, a cluster a size of machine, or its scale; everything else is a job. */
export function kindOf(text: string): Kind {
  if (/"job"\s*:\s*\{/i.test(text) && /"(parameters|rows|array)"\s*:/i.test(text)) return "sweep";
  return /"(vmSize|scaleSettings|userAccountSettings)"\s*:/i.test(text) ? "cluster" : "job";
}

/** A name that sorts by time: hello-1129-154207. `file`: the name of the file it comes from. */
export function freshName(file: string, now: Date): string {
  const digits = (value: number) => String(value).padStart(2, "0");
  const day = digits(now.getMonth() + 1) + digits(now.getDate());
  const time = digits(now.getHours()) + digits(now.getMinutes()) + digits(now.getSeconds());
  return `${cleaned(file) || "job"}-${day}-${time}`;
}

/** What is left of a file's name as a name of a job. */
function cleaned(file: string): string {
  const stem = file.replace(/^.*[/\\]/, "").replace(/\.[^.]*$/, "");
  const kept = stem.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^-+|-+$/g, "");
  return kept.slice(0, 50);
}

/** A job to begin with: it runs as it stands. */
export const EXAMPLE = `{
  "properties": {
    "nodeCount": 1,
    "mountVolumes": {
      "azureFileShares": [
        {
          "azureFileUrl": "https://<AZURE_BATCHAI_STORAGE_ACCOUNT>.file.core.windows.net/batchaishare",
          "relativeMountPath": "autoafs"
        }
      ]
    },
    "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/autoafs",
    "customToolkitSettings": {
      "commandLine": "echo hello from $AZ_BATCH_NODE_ID"
    }
  }
}
`;
