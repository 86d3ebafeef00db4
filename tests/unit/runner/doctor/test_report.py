"""How the doctor runs its checks, what it takes from a local stack, and what it prints."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main
from local import environment
from local.azurite import Endpoints
from local.layout import DataDirectory
from runner.config import config_from
from runner.doctor.check import Check, State, failed, not_checked, ok
from runner.doctor.check_groups import Group, run_all
from runner.doctor.report import as_json, exit_code, print_table
from runner.doctor.settings_source import settings_source, stack_settings
from runner.secrets.settings import secrets_in
from shared.settings_reader import settings_from

KEY = "c2VjcmV0LWtleQ=="
AZURITE = (
    f"AccountName=a;AccountKey={KEY};BlobEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:2/a;"
)
FILES = f"AccountName=a;AccountKey={KEY};FileEndpoint=http://127.0.0.1:3/a;"


def test_what_raises_becomes_a_failed_check_without_its_secrets() -> None:
    def broken() -> Sequence[Check]:
        raise ValueError(f"cannot read {AZURITE} nor {KEY}")

    report = run_all([Group("a", 5, lambda: [ok("a", "fine")]), Group("b", 5, broken, "mend b")], (KEY,))
    assert [(check.name, check.state, check.remedy) for check in report] == [
        ("a", State.OK, ""),
        ("b", State.FAILED, "mend b"),
    ]
    assert report[1].detail.startswith("ValueError: cannot read AccountName=a;")
    assert KEY not in report[1].detail


def test_what_hangs_is_given_up() -> None:
    released = threading.Event()

    def hang() -> Sequence[Check]:
        released.wait(30)
        return ()

    report = run_all([Group("slow", 0.05, hang), Group("quick", 5, lambda: [ok("quick", "fine")])], ())
    released.set()
    assert [check.state for check in report] == [State.FAILED, State.OK]
    assert report[0].detail == "no answer within 0.05 s"


def test_the_doctor_describes_the_runner_that_the_stack_starts(tmp_path: Path) -> None:
    directory, key = DataDirectory(tmp_path), "a" * 43 + "="
    (tmp_path / "sealing.key").write_text(key)
    endpoints = Endpoints(1, 2, 4)
    message = environment.runner_settings(environment.shared_settings(directory, endpoints, 3), directory)
    state = {"runner": environment.without_sealing_key(message)}
    assert key not in json.dumps(state)
    env = stack_settings(state, key, tmp_path)
    assert env.items() >= message.items()
    settings = settings_from(env)
    assert settings.endpoints[endpoints.account].file == f"http://127.0.0.1:3/{endpoints.account}"
    assert (settings.data_account, settings.data_key) == (endpoints.account, endpoints.key)
    config = config_from(env, "", "", "", "")
    assert (config.job_user, config.metadata_open) == ("own", True)
    assert {endpoints.key, key} <= set(secrets_in(env))


@pytest.mark.parametrize(
    "name", ["BATCHAI_STORAGE", "BATCHAI_STORAGE__blobServiceUri", "BATCHAI_SEALING_KEYS_SECRET"]
)
def test_the_environment_comes_before_the_stack(name: str, tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("{}")
    env = {name: AZURITE, "BATCHAI_LOCAL": str(tmp_path)}
    assert settings_source(env).source == "the environment"


def test_a_stack_that_has_ended_is_not_used(tmp_path: Path) -> None:
    state = {"pid": 1, "started": 0.0, "storage": AZURITE, "files": FILES}
    (tmp_path / "stack.json").write_text(json.dumps(state))
    found = settings_source({"BATCHAI_LOCAL": str(tmp_path)})
    assert "BATCHAI_STORAGE" not in found.env
    assert "not running" in found.source


def test_a_damaged_stack_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("[")
    assert "no local stack" in settings_source({"BATCHAI_LOCAL": str(tmp_path)}).source


REPORT = [
    ok("one", "fine"),
    failed("two", "broken " * 30, "mend --with " + "a-very-long-option " * 10),
    failed("three", "also", "mend --with " + "a-very-long-option " * 10),
    not_checked("four", "not here"),
]


def test_the_table_folds_details_and_never_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    print_table(REPORT)
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if "mend" not in line) <= 100
    assert "    " + REPORT[1].remedy.strip() in [line.rstrip() for line in lines]
    assert "  two, three" in lines
    assert lines[-1] == "1 ok, 2 failed, 1 not checked"


def test_without_the_runner_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "pynvml" else object())
    ended = CliRunner().invoke(main, ["doctor"])
    assert ended.exit_code == 1
    assert "no module pynvml" in ended.output
    assert "pip install '.[runner]'" in ended.output


def test_json_and_exit_code() -> None:
    shown = json.loads(as_json(REPORT))
    assert shown["failed"] == 2
    assert shown["checks"][0] == {"name": "one", "state": "ok", "detail": "fine", "remedy": ""}
    assert exit_code(REPORT) == 1
    assert exit_code([ok("a", ""), not_checked("b", "")]) == 0
