"""`az batchai` of azure-cli 2.91, unmodified: a whole session over TLS, with a stub for the sign-in."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.clients.conftest import python_of
from tests.support.rest_api import RestApi
from tests.support.rest_runner import runner
from tests.support.tls_front import Front, tls_front
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
        names = ("resource_manager", "active_directory", "active_directory_graph_resource_id", "gallery")
        endpoints = "".join(f"endpoint_{name} = {front.url}\n" for name in (*names, "management"))
        audience = "endpoint_active_directory_resource_id = https://management.core.windows.net/\n"
        (home / "clouds.config").write_text(f"[local]\n{endpoints}{audience}")
        (home / "config").write_text("[cloud]\nname = local\n[core]\ninstance_discovery = false\n")
        self.must("login", "--identity", group=False)


@pytest.fixture
def az(api: RestApi, tmp_path: Path) -> Iterator[Az]:
    python = python_of("azure-cli", "azure-cli")
    subscription = api.backend.settings.scope.subscription_id
    with tls_front(api.url, subscription, GROUP, tmp_path) as front:
        made = Az(python, front, tmp_path / "azure")
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
        nodes = eventually(
            lambda: az.must("batchai", "cluster", "node", "list", "-c", "c1", "-w", "azws"), 60
        )
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

        def state() -> str:
            return str(az.must("batchai", "job", "show", "-n", "j2", *at)["executionState"])

        eventually(lambda: state() == "running", 30)
        assert len(az.must("batchai", "job", "node", "list", "-j", "j2", *at)) == 1
        az.must("batchai", "job", "terminate", "-n", "j2", "-y", *at)
        eventually(lambda: state() == "failed", 30)
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
