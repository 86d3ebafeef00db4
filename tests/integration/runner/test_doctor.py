"""`python -m runner.doctor` against Azurite and the Azure Files emulator."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from azure.storage.queue import QueueServiceClient

from local.azurite import Endpoints
from runner.doctor import checks_jobs
from runner.doctor.check import State
from runner.isolation import metadata_firewall
from runner.isolation.job_user import own
from runner.isolation.node_config import NodeConfig
from runner.limits import Limits
from shared.names.ids import ClusterId
from tests.integration.runner.conftest import Shares

PROJECT = Path(__file__).parents[3]
RIGHTS = ("table rights", "queue rights", "blob rights", "file share rights")
SEALING_KEY = base64.b64encode(b"k" * 32).decode()
WRONG_KEY = base64.b64encode(b"another key" * 4).decode()


def doctor(folder: Path, env: dict[str, str], *words: str, code: int) -> str:
    """Run it in `folder` with `env` as its only settings; all that it printed."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BATCHAI_", "AZURE_", "FUNCTIONS_"))}
    ended = subprocess.run(
        [sys.executable, "-m", "runner.doctor", *words],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(PROJECT), "COLUMNS": "100"} | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout + ended.stderr


@pytest.fixture
def env(installation: str, azurite: Endpoints, shares: Shares, tmp_path: Path) -> dict[str, str]:
    """The settings of a runner whose shares are premounted."""
    account = shares.server.account
    return {
        "BATCHAI_STORAGE": installation,
        "BATCHAI_SEALING_KEYS": SEALING_KEY,
        "BATCHAI_ENDPOINTS": json.dumps({account: {"blob": azurite.blob_endpoint, "file": shares.endpoint}}),
        "AZURE_BATCHAI_STORAGE_ACCOUNT": account,
        "AZURE_BATCHAI_STORAGE_KEY": shares.server.key,
        "BATCHAI_PREMOUNTED": json.dumps({f"{account}/*": str(shares.root)}),
        "BATCHAI_NODE_ROOT": str(tmp_path / "root"),
    }


def checks(folder: Path, env: dict[str, str], code: int) -> dict[str, Any]:
    shown = json.loads(doctor(folder, env, "-o", "json", code=code))
    return {check["name"]: check for check in shown["checks"]}


def test_all_is_well_and_nothing_is_left_behind(
    env: dict[str, str], shares: Shares, installation: str, tmp_path: Path
) -> None:
    found = checks(tmp_path, env, code=0)
    assert {name: found[name]["detail"] for name in RIGHTS} == {
        "table rights": "write, read, delete",
        "queue rights": "create, send, receive, renew, delete, remove",
        "blob rights": "put, get, delete",
        "file share rights": "create, make a file, append, remove",
    }
    for name in (*RIGHTS, "settings", "storage access", "clock", "mounts: file shares", "node root", "bash"):
        assert found[name]["state"] == "ok", found[name]
    assert found["port 445"]["state"] == "not checked"
    assert not list(shares.root.glob("doctor-*"))
    with QueueServiceClient.from_connection_string(installation) as queues:
        assert not list(queues.list_queues(name_starts_with="doctor-"))


def test_a_wrong_key_fails_every_right_and_is_not_shown(
    env: dict[str, str], azurite: Endpoints, tmp_path: Path
) -> None:
    wrong = {
        "BATCHAI_STORAGE": env["BATCHAI_STORAGE"].replace(azurite.key, WRONG_KEY),
        "AZURE_BATCHAI_STORAGE_KEY": WRONG_KEY,
    }
    found = checks(tmp_path, env | wrong, code=1)
    for name in RIGHTS:
        assert found[name]["state"] == "failed"
        assert "403" in found[name]["detail"]
        assert found[name]["remedy"].startswith("export ")
    table = doctor(tmp_path, env | wrong, code=1)
    assert "az storage account show-connection-string" in table
    for secret in (WRONG_KEY, SEALING_KEY):
        assert secret not in table + json.dumps(found)


def test_storage_that_does_not_answer_fails_within_the_limit(env: dict[str, str], tmp_path: Path) -> None:
    services = (f"{service}Endpoint=http://127.0.0.1:9/x" for service in ("Blob", "Queue", "Table"))
    silent = f"AccountName=x;AccountKey={WRONG_KEY};{';'.join(services)}"
    found = checks(tmp_path, env | {"BATCHAI_STORAGE": silent}, code=1)
    for name in (*RIGHTS[:3], "clock"):
        assert found[name]["state"] == "failed"
        assert found[name]["remedy"]


def test_every_fault_of_the_settings_is_listed(tmp_path: Path) -> None:
    table = doctor(tmp_path, {"BATCHAI_GRACE_SECONDS": "x", "BATCHAI_MAX_ATTEMPTS": "0"}, code=1)
    for name in ("BATCHAI_STORAGE", "BATCHAI_SEALING_KEYS", "BATCHAI_GRACE_SECONDS", "BATCHAI_MAX_ATTEMPTS"):
        assert name in table
    assert "4 failed" in table


def test_wrong_usage_exits_with_2(tmp_path: Path) -> None:
    assert "invalid choice" in doctor(tmp_path, {}, "-o", "xml", code=2)


def test_how_jobs_run_here_is_reported(tmp_path: Path) -> None:
    config = NodeConfig(ClusterId("ws", "default"), "node-0", tmp_path, limits=Limits(500, 10**9))
    found = {check.name: check for check in checks_jobs.jobs(config)}
    assert f"the runner's own, {own().name}" in found["job user"].detail
    assert "/tmp" in found["job temp folders"].detail
    assert "System V memory" in found["job IPC"].detail
    assert found["metadata endpoint"].detail == "open to jobs, as BATCHAI_JOB_METADATA says"
    assert {"job processors", "job memory", "job processes"} <= found.keys()


def test_a_metadata_endpoint_that_cannot_be_closed_fails_on_azures_machines_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = NodeConfig(ClusterId("ws", "default"), "node-0", tmp_path, metadata_open=False)
    monkeypatch.setattr(metadata_firewall, "find_program", lambda name: None)
    states = []
    for azure in (True, False):
        monkeypatch.setattr(checks_jobs, "is_azure_machine", lambda azure=azure: azure)
        states.append(checks_jobs.jobs(config)[-1].state)
    assert states == [State.FAILED, State.NOT_CHECKED]
