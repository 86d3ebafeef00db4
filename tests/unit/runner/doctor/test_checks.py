"""What the doctor concludes from what it saw."""

import base64
import shlex
from pathlib import Path

import pytest

from runner.config import RunnerConfig
from runner.doctor import checks_port
from runner.doctor.check import State
from runner.doctor.checks_clock import verdict as clock_verdict
from runner.doctor.checks_gpu import Seen
from runner.doctor.checks_gpu import verdict as gpu_verdict
from runner.doctor.checks_machine import packages, pinned
from runner.doctor.checks_nodes import verdict as nodes_verdict
from runner.doctor.checks_port import public_host
from runner.doctor.checks_port import verdict as port_verdict
from runner.doctor.checks_settings import Given, app, read, remedy
from runner.doctor.checks_storage import account_of, verdict
from runner.machine.gpu_share import Gpu
from shared.errors import NotFoundError, StoreError
from shared.names.ids import ClusterId
from shared.settings import AccountEndpoints, Settings
from shared.stores.permission_probe import Tried, name_in_token
from tests.support.cases import cases

TWO = Seen(("V100", "V100"), "550.1", 2, devices=(Gpu(0, "GPU-a"), Gpu(1, "GPU-b")))
DENIED = Tried(("create",), "send", StoreError("send, queue q: storage answered 403 AuthenticationFailed"))


@pytest.mark.parametrize(
    ("seconds", "state", "words"),
    [
        (0.4, State.OK, "0 s ahead"),
        (-30, State.OK, "30 s behind"),
        (30.5, State.FAILED, "ahead"),
        (-600, State.FAILED, "600 s behind"),
    ],
)
def test_a_clock_more_than_thirty_seconds_off_fails(seconds: float, state: State, words: str) -> None:
    check = clock_verdict(seconds)
    assert check.state is state
    assert words in check.detail
    assert ("timedatectl" in check.remedy) is (state is State.FAILED)


@pytest.mark.parametrize(
    ("seen", "reported", "state"),
    [
        (Seen(complaint="no library"), None, State.NOT_CHECKED),
        (Seen(complaint="no library"), (), State.NOT_CHECKED),
        (Seen(complaint="no library", cards=2), None, State.FAILED),
        (Seen(complaint="no library"), ("0",), State.FAILED),
        (TWO, None, State.OK),
        (TWO, ("1",), State.OK),
        (TWO, ("GPU-a", "2"), State.FAILED),
    ],
)
def test_gpus_without_a_driver_and_more_than_there_are_fail(
    seen: Seen, reported: tuple[str, ...] | None, state: State
) -> None:
    check = gpu_verdict(seen, reported)
    assert check.state is state
    assert bool(check.remedy) is (state is State.FAILED)


def test_gpus_are_reported_with_their_driver() -> None:
    assert gpu_verdict(TWO, None).detail == "2 x V100, driver 550.1"
    assert gpu_verdict(TWO, ("1",)).detail.endswith("the runner has 1 of them")
    assert "no GPU 2; it has 0 (GPU-a), 1 (GPU-b)" in gpu_verdict(TWO, ("2",)).detail


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("", "acc.file.core.windows.net"),
        ("https://acc.file.core.chinacloudapi.cn", "acc.file.core.chinacloudapi.cn"),
        ("http://127.0.0.1:10003/acc", ""),
        ("http://10.0.0.4:8080", ""),
        ("http://localhost:10003", ""),
        ("https://emulator.example.com/acc", ""),
    ],
)
def test_smb_is_tried_where_a_public_host_serves_the_account(endpoint: str, host: str) -> None:
    assert public_host("acc", endpoint) == host


def test_smb_is_tried_in_the_cloud_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(checks_port, "_fault", lambda host: asked.append(host) or "")
    config = RunnerConfig(ClusterId("w", "c"), "node-0", Path("/mnt"))
    for settings in (
        Settings(storage_account="state", data_account="acc", storage_suffix="core.chinacloudapi.cn"),
        Settings(data_account="acc", endpoints={"acc": AccountEndpoints(file="https://acc.private.example")}),
        Settings(data_account="acc"),
    ):
        assert checks_port.smb(settings, config)[0].state is State.OK
    assert asked == ["acc.file.core.chinacloudapi.cn", "acc.private.example", "acc.file.core.windows.net"]


@pytest.mark.parametrize(
    ("fault", "driver", "state"),
    [
        ("", "cifs", State.OK),
        ("timed out", "cifs", State.FAILED),
        ("timed out", "", State.FAILED),
        ("timed out", "rclone", State.NOT_CHECKED),
    ],
)
def test_a_closed_port_fails_where_shares_are_mounted_by_smb(fault: str, driver: str, state: State) -> None:
    check = port_verdict("acc.file.core.windows.net", fault, driver)
    assert check.state is state
    assert ("BATCHAI_DRIVERS" in check.remedy) is (state is State.FAILED)


def test_a_refused_key_is_mended_by_a_fresh_connection_string() -> None:
    check = verdict("queue rights", DENIED, "acc", "Storage Queue Data Contributor", by_key=True)
    assert check.state is State.FAILED
    assert "403 AuthenticationFailed (create worked)" in check.detail
    assert "show-connection-string -n acc" in check.remedy


def test_a_refused_data_key_is_mended_by_the_accounts_key() -> None:
    check = verdict("file", DENIED, "acc", "role", by_key=True, setting="AZURE_BATCHAI_STORAGE_KEY")
    assert check.remedy.startswith("export AZURE_BATCHAI_STORAGE_KEY=")
    assert "keys list -n acc" in check.remedy


def test_a_refused_identity_is_mended_by_its_role() -> None:
    check = verdict("queue rights", DENIED, "acc", "Storage Queue Data Contributor", by_key=False)
    assert '--role "Storage Queue Data Contributor"' in check.remedy


def test_a_missing_table_and_a_silent_account_have_remedies_of_their_own() -> None:
    missing = Tried((), "write", NotFoundError("write: not found (TableNotFound)"))
    silent = Tried((), "write", StoreError("write: storage could not be reached (ServiceRequestError)"))
    assert "provision" in verdict("table", missing, "acc", "role", True).remedy
    assert "networkRuleSet" in verdict("table", silent, "acc", "role", True).remedy


def test_the_remedy_of_a_missing_table_is_a_program_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    provisioned: list[Settings] = []
    monkeypatch.setattr("shared.backend.provision", provisioned.append)
    monkeypatch.setenv("BATCHAI_STORAGE", "AccountName=acc")
    monkeypatch.setenv("BATCHAI_SEALING_KEYS", base64.b64encode(bytes(32)).decode())
    missing = Tried((), "write", NotFoundError("write: not found (TableNotFound)"))
    words = shlex.split(verdict("table", missing, "acc", "role", True).remedy, comments=True)
    assert words[:2] == ["python", "-c"]
    exec(words[2], {})
    assert [settings.storage for settings in provisioned] == ["AccountName=acc"]


def test_rights_that_worked_are_named() -> None:
    check = verdict("table rights", Tried(("write", "read", "delete")), "acc", "role", True)
    assert (check.state, check.detail) == (State.OK, "write, read, delete")


def test_every_fault_of_both_sides_is_a_check_with_a_remedy() -> None:
    env = {"BATCHAI_LEASE_SECONDS": "soon", "BATCHAI_GRACE_SECONDS": "-1"}
    env["APPLICATIONINSIGHTS_CONNECTION_STRING"] = "a key"
    found = read(env, "a test", Given(gpus="many"))
    faults = [check for check in found.checks if check.state is State.FAILED]
    assert [check.detail.split()[0].rstrip(":") for check in faults] == [
        "BATCHAI_LEASE_SECONDS",
        "BATCHAI_STORAGE",
        "BATCHAI_SEALING_KEYS",
        "--gpus",
        "BATCHAI_GRACE_SECONDS",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
    ]
    assert all(check.detail.split()[0].rstrip(":") in check.remedy for check in faults)
    assert found.settings is None


def test_the_remedy_of_a_missing_connection_string_is_a_command() -> None:
    assert remedy("BATCHAI_STORAGE is missing: ...").startswith("export BATCHAI_STORAGE=")


def test_a_setting_that_nobody_expected_is_a_fault_too() -> None:
    found = read({"BATCHAI_DRIVERS": '{"nfs": "it\'s"}'}, "a test", Given())
    assert found.config is None
    assert "No closing quotation" in found.checks[-2].detail


@cases(
    ("env", "state"),
    [
        ({}, State.NOT_CHECKED),
        ({"FUNCTIONS_WORKER_RUNTIME": "python"}, State.FAILED),
        ({"BATCHAI_SWEEP_SCHEDULE": "0 */1 * * * *"}, State.OK),
        ({"BATCHAI_SWEEP_SCHEDULE": "* * * * *"}, State.FAILED),
        ({"BATCHAI_SWEEP_SCHEDULE": "0 */1 * * * *", "BATCHAI_HTTP_AUTH": "open"}, State.FAILED),
        ({"BATCHAI_SWEEP_SCHEDULE": "0 */1 * * * *", "BATCHAI_BLOB_SOURCE": "Queue"}, State.OK),
        ({"BATCHAI_SWEEP_SCHEDULE": "0 */1 * * * *", "BATCHAI_BLOB_SOURCE": "eventgrid"}, State.OK),
        ({"BATCHAI_SWEEP_SCHEDULE": "0 */1 * * * *", "BATCHAI_BLOB_SOURCE": "Mail"}, State.FAILED),
    ],
)
def test_the_function_apps_own_settings_are_looked_at_where_it_runs(
    env: dict[str, str], state: State
) -> None:
    assert [check.state for check in app(env)] == [state]


@pytest.mark.parametrize(
    ("settings", "account"),
    [
        (Settings(storage="DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=a2V5"), "acc"),
        (Settings(storage="UseDevelopmentStorage=true"), "devstoreaccount1"),
        (Settings(storage="BlobEndpoint=https://acc.blob.core.windows.net;SharedAccessSignature=s"), ""),
        (Settings(storage_account="acc"), "acc"),
    ],
)
def test_the_account_is_named(settings: Settings, account: str) -> None:
    assert account_of(settings) == account


def test_pins_are_read_from_the_metadata() -> None:
    requirements = ["pydantic==2.14.3", 'rich==15.0.0; extra == "runner"', 'click==8; extra == "cli"', "x>=1"]
    assert pinned(requirements) == {"pydantic": "2.14.3", "rich": "15.0.0"}


def test_a_missing_package_fails_and_another_version_does_not() -> None:
    assert packages({"a": ("1", "1")}).state is State.OK
    assert packages({"a": ("1", "2")}).state is State.NOT_CHECKED
    assert packages({"a": ("1", "2"), "b": ("1", "")}).state is State.FAILED


def test_the_principal_of_a_token_is_reported_and_never_the_token() -> None:
    # {"appid": "11", "oid": "22", "xms_mirid": ".../virtualMachines/gpu-0"}
    body = "eyJhcHBpZCI6IjExIiwib2lkIjoiMjIiLCJ4bXNfbWlyaWQiOiIvdmlydHVhbE1hY2hpbmVzL2dwdS0wIn0"
    assert name_in_token(f"head.{body}.signature") == "gpu-0 (object id 22)"
    assert name_in_token("not a token") == "an identity whose token names nobody"


def test_what_jobs_on_several_nodes_need_is_named_with_its_packages() -> None:
    everything: dict[str, str | None] = {
        name: f"/usr/bin/{name}" for name in ("sshd", "ssh", "ssh-keygen", "sshfs", "mpirun")
    }
    assert nodes_verdict(everything, None, "root").state is State.OK
    assert "no mpirun" in nodes_verdict(everything | {"mpirun": None}, None, "root").detail

    lacking = nodes_verdict(everything | {"ssh": None, "ssh-keygen": None, "sshfs": None}, None, "root")
    assert lacking.state is State.NOT_CHECKED
    assert lacking.remedy == "sudo apt-get install openssh-client sshfs"

    locked = nodes_verdict(everything, "the account root is locked", "root")
    assert (locked.state, locked.remedy) == (State.NOT_CHECKED, "sudo usermod -p '*' root")
