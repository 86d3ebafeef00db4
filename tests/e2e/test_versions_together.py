"""Earlier versions and today's share an installation, in the middle of a job."""

import io
import json
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.data.tables import TableServiceClient, UpdateMode

from local.layout import StackState
from tests.support import runners
from tests.support.stack_client import StackClient, job
from tests.support.waiting import eventually

PROJECT = Path(__file__).parents[2]
#: The last one before the packages were named after the domain; the last one before the third layout.
FIRST, SECOND = "1feba0d", "8097be7"
OF_FIRST = """
from shared.manager import Source
from shared.names import JobId
from shared.settings import settings_from
from shared.wiring import backend
"""
OF_SECOND = """
from shared.backend import backend
from shared.managers.admission import Source
from shared.names.ids import JobId
from shared.settings_reader import settings_from
"""
# What an old app's blob trigger did with a drop.
SUBMIT = """
import os, sys
made = backend(settings_from(os.environ))
workspace, experiment, name = sys.argv[1].split("/")
place = f"jobs/{sys.argv[1]}/job.json"
id = JobId(workspace, experiment, name)
answer = made.manager.submit(id, sys.stdin.buffer.read(), Source(place, "0x1"))
assert answer.job is not None, answer.problems
made.close()
"""


@dataclass(frozen=True)
class Earlier:
    """An earlier version's tree; it runs with today's packages of others, of which it needs a part."""

    commit: str
    tree: Path

    @property
    def cluster(self) -> str:
        """A name for what belongs to its test."""
        return f"of-{self.commit}"


@pytest.fixture(scope="module", params=[FIRST, SECOND], ids=["first layout", "second layout"])
def old(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    words = ["git", "-C", str(PROJECT), "archive", request.param]
    found = subprocess.run(words, capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"commit {request.param} is not in this copy of the history")
    tree = tmp_path_factory.mktemp("old")
    with tarfile.open(fileobj=io.BytesIO(found.stdout)) as archive:
        archive.extractall(tree, filter="data")
    return Earlier(request.param, tree)


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


def kinds_of(tomorrow: Tomorrow) -> dict[str, Any]:
    return {key.partition("|")[0]: budget for key, budget in tomorrow.rows().items()}


def test_an_old_runner_takes_a_new_apps_job_and_a_new_one_finishes_it(
    old: Earlier, stack: StackState, client: StackClient
) -> None:
    name = f"aging-{old.cluster}"
    client.drop_cluster(name)
    settings = runners.premounted(stack)
    with runners.runner(stack, name, settings, cwd=old.tree):
        client.drop("jobs", f"default/{name}/job/job.json", slow(name))
        client.await_state(f"default/{name}/job", "running")
    eventually(lambda: handed_back(client, f"default/{name}/job"))
    tomorrow = Tomorrow(stack, name)
    assert any(key.startswith("live|") for key in tomorrow.rows())
    with runners.runner(stack, name, settings):
        client.await_state(f"default/{name}/job", "succeeded")
    # The job's own row, its entries in lists and, in the first layout, the one in the history, which is new.
    kinds = ("job", "time", "state", "run") if old.commit == FIRST else ("job", "time", "state")
    assert kinds_of(tomorrow) == dict.fromkeys(kinds, 17)


def test_a_new_runner_takes_an_old_apps_job_and_an_old_one_finishes_it(
    old: Earlier, stack: StackState, client: StackClient
) -> None:
    client.drop_cluster(f"mixed-{old.cluster}")
    settings = runners.premounted(stack)
    name = f"default/mixed-{old.cluster}/job"
    env = {"PATH": "/usr/bin:/bin", **runners.settings_of(stack)}
    imports = OF_FIRST if old.commit == FIRST else OF_SECOND
    words = [sys.executable, "-c", imports + SUBMIT, name]
    document = json.dumps(slow(f"mixed-{old.cluster}")).encode()

    def submit() -> None:
        done = subprocess.run(words, input=document, cwd=old.tree, env=env, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()

    with runners.runner(stack, f"mixed-{old.cluster}", settings):
        submit()
        client.await_state(name, "running")
    eventually(lambda: handed_back(client, name))
    with runners.runner(stack, f"mixed-{old.cluster}", settings, cwd=old.tree):
        client.await_state(name, "succeeded")


def test_an_old_runner_that_comes_up_late_runs_a_job_of_the_latest_layout(
    old: Earlier, stack: StackState, client: StackClient
) -> None:
    """Its name only points at the job, until a sweep has given it what the runner looks for."""
    name = f"late-{old.cluster}"
    client.drop_cluster(name)
    client.drop("jobs", f"default/{name}/job/job.json", job("true", cluster={"id": name}))
    client.await_state(f"default/{name}/job", "queued")
    assert "State" not in named_row(stack, name)
    with runners.runner(stack, name, runners.premounted(stack), cwd=old.tree):
        client.await_state(f"default/{name}/job", "succeeded", seconds=180)


def named_row(stack: StackState, experiment: str) -> dict[str, Any]:
    table = TableServiceClient.from_connection_string(stack.storage).get_table_client("jobs")
    return dict(table.get_entity("default", f"job|{experiment}|job"))
