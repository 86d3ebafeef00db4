"""A notebook of 2018 on a running stack: azure-mgmt-resource 2.2.0, azure-storage-file 1.4.0, unmodified."""

import json
import subprocess
from pathlib import Path

from local.environment import FILES_ALIAS, RESOURCE_GROUP, SUBSCRIPTION
from local.layout import StackState
from tests.support.installing import python_of
from tests.support.stack_client import StackClient, job


def test_the_first_cells_of_a_notebook(stack: StackState, client: StackClient) -> None:
    asked = {
        "url": stack.http,
        "subscription": SUBSCRIPTION,
        "group": RESOURCE_GROUP,
        "files": stack.files.replace("devstoreaccount1", FILES_ALIAS),
    }
    script = Path(__file__).with_name("notebook_session.py")
    command = [str(python_of("notebook")), "-W", "ignore", str(script), json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    # The job names the account and the key that the notebook had.
    account, key = done.stdout.split()
    share = {
        "accountName": account,
        "azureFileUrl": f"https://{account}.file.core.windows.net/notebook",
        "credentials": {"accountKey": key},
        "relativeMountPath": "afs",
    }
    document = job(
        "sh $AZ_BATCHAI_JOB_MOUNT_ROOT/afs/sample/train.sh data",
        mountVolumes={"azureFileShares": [share]},
        stdOutErrPathPrefix="$AZ_BATCHAI_JOB_MOUNT_ROOT/afs",
    )
    client.drop("jobs", "default/notebook/first/job.json", document)
    status = client.await_state("default/notebook/first", "succeeded")
    segment = (
        f"{SUBSCRIPTION}/{RESOURCE_GROUP}/workspaces/default/experiments/notebook/jobs/first/{status['uuid']}"
    )
    assert client.log(segment, share="notebook") == b"trained on data\n"
