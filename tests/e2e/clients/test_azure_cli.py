"""`az batchai` of azure-cli 2.91, unmodified, over TLS with a stub for the sign-in: a whole session, storage
looked up by it, and its output beside that of `batchai`."""

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from local import azurite
from shared.jobs.model import Reason
from tests.support.command_line import CommandLine
from tests.support.installing import python_of
from tests.support.rest_api import PROJECT, ROOT, RestApi
from tests.support.rest_runner import runner
from tests.support.tls import Front
from tests.support.tls_front import tls_front
from tests.support.waiting import eventually

GROUP = "batchai"


class Az:
    """The az of its own environment and configuration."""

    def __init__(self, python: Path, front: Front, home: Path) -> None:
        self._command = [str(python), "-W", "ignore", "-m", "azure.cli"]
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")}
        self._environment = kept | {
            "AZURE_CONFIG_DIR": str(home),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_NO_COLOR": "yes",
            "REQUESTS_CA_BUNDLE": str(front.certificate),
            "IDENTITY_ENDPOINT": f"{front.url}/msi/token",
            "IDENTITY_HEADER": "x",
        }

    def run(self, *arguments: str, group: bool = True) -> subprocess.CompletedProcess[str]:
        more = ["-g", GROUP] if group else []
        return subprocess.run(
            [*self._command, *arguments, *more],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def must(self, *arguments: str, group: bool = True) -> Any:
        """What a command that succeeds prints, as JSON where it is."""
        done = self.run(*arguments, group=group)
        assert done.returncode == 0, f"az {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout) if done.stdout.lstrip()[:1] in ("{", "[") else done.stdout

    def sign_in(self, front: Front) -> None:
        home = Path(self._environment["AZURE_CONFIG_DIR"])
        home.mkdir()
        for line in documented_sign_in(front.url):
            self.must(*line, group=False)


def documented_sign_in(url: str) -> list[list[str]]:
    """The words of the az commands that docs/how-to/clients.md gives for the address `url`."""
    text = (PROJECT / "docs" / "how-to" / "clients.md").read_text()
    block = text.partition("```sh\n")[2].partition("```")[0].replace("\\\n", " ")
    lines = [shlex.split(line.replace("$BATCHAI", url)) for line in block.splitlines()]
    return [words[1:] for words in lines if words[:1] == ["az"]]


@pytest.fixture(scope="module")
def az(api: RestApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Az]:
    folder = tmp_path_factory.mktemp("az")
    python = python_of("azure-cli", "azure-cli")
    subscription = api.backend.settings.scope.subscription_id
    with tls_front(api.url, subscription, folder) as front:
        made = Az(python, front, folder / "azure")
        made.sign_in(front)
        yield made


def documents(api: RestApi, directory: Path) -> tuple[str, str]:
    """cluster.json and job.json as users had them."""
    account = {"adminUserName": "me", "adminUserPassword": "correct-horse"}
    cluster = {
        "properties": {
            "vmSize": "STANDARD_NC6",
            "scaleSettings": {"manual": {"targetNodeCount": 1}},
            "userAccountSettings": account,
        }
    }
    job = api.document("", 'echo "hello $WHO"; echo $TOKEN | wc -c; sleep $LONG')
    del job["properties"]["cluster"]
    job["properties"] |= {
        "environmentVariables": [{"name": "WHO", "value": "az"}, {"name": "LONG", "value": "0"}],
        "secrets": [{"name": "TOKEN", "value": "s3cr3t-value"}],
        "outputDirectories": [{"id": "OUT", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/afs"}],
    }
    for name, document in (("cluster", cluster), ("job", job)):
        (directory / f"{name}.json").write_text(json.dumps(document))
    long = json.loads(json.dumps(job).replace('"value": "0"', '"value": "600"'))
    (directory / "long.json").write_text(json.dumps(long))
    return str(directory / "cluster.json"), str(directory / "job.json")


def test_a_whole_session(api: RestApi, az: Az, tmp_path: Path) -> None:
    cluster, job = documents(api, tmp_path)
    at = ("-w", "azws", "-e", "exp")
    assert az.must("batchai", "workspace", "create", "-n", "azws")["name"] == "azws"
    assert az.must("batchai", "workspace", "list")[0]["location"] == "northeurope"
    assert az.must("batchai", "experiment", "create", "-n", "exp", "-w", "azws")["name"] == "exp"
    made = az.must("batchai", "cluster", "create", "-n", "c1", "-w", "azws", "-f", cluster)
    assert made["scaleSettings"]["manual"]["targetNodeCount"] == 1
    with ExitStack() as stack:
        stack.enter_context(runner(api, "azws/c1", tmp_path / "node"))
        # An `az` takes seconds of a processor: what is waited for is asked of the API.
        there = f"{ROOT}/azws/clusters/c1/listRemoteLoginInformation"
        eventually(lambda: api.must("POST", there)["value"], 60)
        nodes = az.must("batchai", "cluster", "node", "list", "-c", "c1", "-w", "azws")
        assert nodes[0]["port"] == 22
        create = ("batchai", "job", "create", "-c", "c1", *at)
        assert az.must(*create, "-n", "j1", "-f", job)["toolType"] == "custom"
        waited = az.run("batchai", "job", "wait", "-n", "j1", "--interval", "1", *at)
        assert waited.returncode == 0, waited.stderr
        shown = az.must("batchai", "job", "show", "-n", "j1", *at)
        assert shown["executionInfo"]["exitCode"] == 0
        assert [j["name"] for j in az.must("batchai", "job", "list", *at)] == ["j1"]
        table = az.must("batchai", "job", "list", *at, "-o", "table")
        assert "succeeded" in table
        files = az.must("batchai", "job", "file", "list", "-j", "j1", *at)
        assert {"stdout.txt", "stderr.txt", "execution.log"} <= {f["name"] for f in files}
        streamed = az.run("batchai", "job", "file", "stream", "-j", "j1", "-f", "stdout.txt", *at)
        assert "hello az\n13\n" in streamed.stdout, streamed
        again = az.run(*create, "-n", "j1", "-f", job)
        assert again.returncode and "already exists" in again.stderr
        assert az.run("batchai", "job", "show", "-n", "none", *at).returncode == 3
        az.must(*create, "-n", "j2", "-f", str(tmp_path / "long.json"))

        def becomes(state: str) -> bool:
            job = api.must("GET", f"{ROOT}/azws/experiments/exp/jobs/j2")
            return bool(job["properties"]["executionState"] == state)

        eventually(lambda: becomes("running"), 30)
        assert len(az.must("batchai", "job", "node", "list", "-j", "j2", *at)) == 1
        az.must("batchai", "job", "terminate", "-n", "j2", "-y", *at)
        eventually(lambda: becomes("failed"), 30)
        assert az.must("batchai", "job", "show", "-n", "j2", *at)["executionState"] == "failed"
        az.must("batchai", "job", "delete", "-n", "j2", "-y", *at)
        assert az.run("batchai", "job", "show", "-n", "j2", *at).returncode == 3
        resized = az.must("batchai", "cluster", "resize", "-n", "c1", "-w", "azws", "-t", "2")
        assert resized["allocationState"] == "resizing"
        # `cluster auto-scale` of 2.91 fails before it sends anything: it calls its own SDK wrongly.
    assert az.must("batchai", "list-usages", "-l", "northeurope", group=False)
    az.must("batchai", "cluster", "delete", "-n", "c1", "-w", "azws", "-y")
    az.must("batchai", "experiment", "delete", "-n", "exp", "-w", "azws", "-y")
    az.must("batchai", "workspace", "delete", "-n", "azws", "-y")
    assert az.must("batchai", "workspace", "list") == []


def test_storage_is_looked_up_as_in_azure(api: RestApi, az: Az, tmp_path: Path) -> None:
    # The location of a workspace is that of its group, where none is given
    location = az.must("group", "create", "-l", "eastus")["location"]
    assert az.must("batchai", "workspace", "create", "-n", "stored")["location"] == location
    az.must("batchai", "experiment", "create", "-n", "exp", "-w", "stored")
    account = ("-s", "x", "-t", "0", "-u", "me", "-p", "correct-horse")
    az.must("batchai", "cluster", "create", "-n", "c1", "-w", "stored", *account, "--use-auto-storage")
    volumes = az.must("batchai", "cluster", "show", "-n", "c1", "-w", "stored")["nodeSetup"]["mountVolumes"]
    (share,), (container,) = volumes["azureFileShares"], volumes["azureBlobFileSystems"]
    assert share["azureFileUrl"] == f"https://{azurite.ACCOUNT}.file.core.windows.net/batchaishare"
    assert container["containerName"] == "batchaicontainer"
    assert "batchaishare" in {found.name for found in api.shares.list_shares()}
    assert api.blobs.get_container_client("batchaicontainer").exists()
    # A job's account is given by its name alone
    (tmp_path / "job.json").write_text(json.dumps({"properties": job_properties()}))
    where = ("-w", "stored", "-e", "exp", "-n", "job", "-c", "c1", "-f", str(tmp_path / "job.json"))
    own = ("--storage-account-name", azurite.ACCOUNT, "--afs-name", "logs")
    made = az.must("batchai", "job", "create", *where, *own)
    assert [v["accountName"] for v in made["mountVolumes"]["azureFileShares"]] == [azurite.ACCOUNT]
    assert azurite.KEY not in json.dumps(made)


def job_properties() -> dict[str, Any]:
    return {
        "nodeCount": 1,
        "customToolkitSettings": {"commandLine": "true"},
        "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/afs",
    }


#: Commands that both have, and a form of output.
COMPARED = [
    "job list {at} -o table",
    "job list {at} --query [].{{b:name,a:executionInfo.exitCode}} -o tsv",
    "job list {at} --query [].{{b:name,a:executionInfo.exitCode,id:id}} -o table",
    "job list {at} --query [].[name,nodeCount] -o yaml",
    "job show {at} -n=done --query missing -o json",
    "job show {at} -n=done --query [name,executionInfo.exitCode,executionInfo.errors] -o tsv",
    "cluster show --ids {id} -o table",
    "cluster list {in} -o=Table",
]


def test_output_is_that_of_az_to_the_letter(api: RestApi, az: Az, tmp_path: Path) -> None:
    workspace = api.workspace()
    api.job(workspace, "done")
    api.finish(api.claim(workspace), Reason.JOB_FAILED, 3)
    api.job(workspace, "a-job-that-waits")
    name = workspace.rpartition("/")[2]
    words = {"at": f"-w {name} -e experiment", "in": f"-w {name}", "id": f"{workspace}/clusters/cluster"}
    batchai = CommandLine(tmp_path)
    here = ("--url", api.url, "--subscription", api.backend.settings.scope.subscription_id)
    for line in COMPARED:
        asked = line.format(**words).split()
        group = "--ids" not in asked
        theirs = az.run("batchai", *asked, group=group)
        ours = batchai(*asked, *here, *(("-g", GROUP) if group else ()))
        assert theirs.returncode == 0, theirs.stderr
        assert ours == theirs.stdout, line
