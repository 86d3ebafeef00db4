"""Yesterday's version and today's share an installation, in the middle of a job."""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from azure.data.tables import TableServiceClient, UpdateMode

from local.layout import StackState
from tests.support import runners
from tests.support.stack_client import StackClient, job
from tests.support.waiting import eventually

PROJECT = Path(__file__).parents[2]
#: The last one before the packages were named after the domain.
OLD = "1feba0d"
# What the old app's blob trigger did with a drop.
SUBMIT = """
import os, sys
from shared.manager import Source
from shared.names import JobId
from shared.settings import settings_from
from shared.wiring import backend
made = backend(settings_from(os.environ))
workspace, experiment, name = sys.argv[1].split("/")
place = f"jobs/{sys.argv[1]}/job.json"
id = JobId(workspace, experiment, name)
answer = made.manager.submit(id, sys.stdin.buffer.read(), Source(place, "0x1"))
assert answer.job is not None, answer.problems
made.close()
"""


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The old version's tree; it runs with today's packages of others, of which it needs a part."""
    words = ["git", "-C", str(PROJECT), "archive", OLD]
    found = subprocess.run(words, capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"commit {OLD} is not in this copy of the history")
    tree = tmp_path_factory.mktemp("old")
    with tarfile.open(fileobj=io.BytesIO(found.stdout)) as archive:
        archive.extractall(tree, filter="data")
    return tree


def slow(cluster: str) -> dict[str, object]:
    """Ends in its second attempt only; the first waits to be put back."""
    command = 'echo attempt $AZ_BATCHAI_ATTEMPT; [ "$AZ_BATCHAI_ATTEMPT" = 2 ] || sleep 120'
    return job(command, cluster={"id": cluster})


def handed_back(client: StackClient, name: str) -> bool:
    return (client.status("jobs", name) or {}).get("state") == "queued"


class Tomorrow:
    """A version after this one, which has put a column into each row about an experiment's jobs."""

    def __init__(self, stack: StackState, experiment: str) -> None:
        self._table = TableServiceClient.from_connection_string(stack.storage).get_table_client("jobs")
        self._middle = f"|{experiment}|"
        for key in self.rows():
            entity = {"PartitionKey": "default", "RowKey": key, "Budget": 17}
            self._table.update_entity(entity, mode=UpdateMode.MERGE)

    def rows(self) -> dict[str, Any]:
        """What is in the column, by row."""
        found = self._table.query_entities("PartitionKey eq 'default'")
        return {row["RowKey"]: row.get("Budget") for row in found if self._middle in row["RowKey"]}


def test_an_old_runner_takes_a_new_apps_job_and_a_new_one_finishes_it(
    old: Path, stack: StackState, client: StackClient
) -> None:
    client.drop_cluster("aging")
    settings = runners.premounted(stack)
    with runners.runner(stack, "aging", settings, cwd=old):
        client.drop("jobs", "default/aging/job/job.json", slow("aging"))
        client.await_state("default/aging/job", "running")
    eventually(lambda: handed_back(client, "default/aging/job"))
    tomorrow = Tomorrow(stack, "aging")
    assert any(key.startswith("live|") for key in tomorrow.rows())
    with runners.runner(stack, "aging", settings):
        client.await_state("default/aging/job", "succeeded")
    # The job's own row, its entries in lists and the one in the history, which is new.
    kinds = {key.partition("|")[0]: budget for key, budget in tomorrow.rows().items()}
    assert kinds == dict.fromkeys(("job", "time", "state", "run"), 17)


def test_a_new_runner_takes_an_old_apps_job_and_an_old_one_finishes_it(
    old: Path, stack: StackState, client: StackClient
) -> None:
    client.drop_cluster("mixed")
    settings = runners.premounted(stack)
    name = "default/mixed/job"
    env = {"PATH": "/usr/bin:/bin", **runners.settings_of(stack)}
    words = [sys.executable, "-c", SUBMIT, name]
    document = json.dumps(slow("mixed")).encode()
    done = subprocess.run(words, input=document, cwd=old, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    with runners.runner(stack, "mixed", settings):
        client.await_state(name, "running")
    eventually(lambda: handed_back(client, name))
    with runners.runner(stack, "mixed", settings, cwd=old):
        client.await_state(name, "succeeded")
