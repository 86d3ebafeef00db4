"""batchai lint: forms, kinds and exit codes."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.lint import command
from tests.support.documents import CLUSTER, JOB, changed

SECRET = "c2VjcmV0LXNlY3JldA=="


def lint(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(command, arguments, input=stdin)


@pytest.fixture
def drop(tmp_path: Path) -> Any:
    def write(name: str, properties: dict[str, Any]) -> str:
        path = tmp_path / name
        path.write_text(json.dumps({"properties": properties}, indent=1), "utf-8")
        return str(path)

    return write


def test_good_files_are_accepted(drop: Any) -> None:
    result = lint(drop("job.json", JOB), drop("cluster.json", CLUSTER))

    assert result.exit_code == 0
    assert result.stdout == "2 files: nothing to complain of\n"


def test_every_problem_of_every_file_has_its_line(drop: Any) -> None:
    first = drop("a.json", changed(JOB, nodeCount=0, nodeCuont=1))
    second = drop("b.json", changed(CLUSTER, vmPriority="cheap"))
    result = lint(first, second)

    assert result.exit_code == 1
    assert f"{first}:6:16: error $.properties.nodeCount" in result.stdout
    assert "Did you mean nodeCount?" in result.stdout
    assert f"{second}:" in result.stdout
    assert result.stdout.endswith("2 files: 2 errors, 1 warning\n")


def test_warnings_count_only_when_strict(drop: Any) -> None:
    file = drop("job.json", changed(JOB, zzz=1))

    assert lint(file).exit_code == 0
    assert lint("--strict", file).exit_code == 1


def test_the_account_of_the_stack_that_runs_here_needs_no_credentials(
    drop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = {"azureFileUrl": "https://stackaccount.file.core.windows.net/logs", "relativeMountPath": "logs"}
    file = drop("job.json", changed(JOB, mountVolumes={"azureFileShares": [share]}))
    monkeypatch.setenv("BATCHAI_LOCAL", str(tmp_path))
    assert "credentials are missing; it can be mounted only" in lint(file).stdout
    state = {
        "pid": os.getpid(),
        "http": "http://127.0.0.1:7071",
        "files": "AccountName=stackaccount;AccountKey=AAAA",
    }
    (tmp_path / "stack.json").write_text(json.dumps(state))
    assert "1 file: 1 note" in lint(file).stdout
    # An account that is named is believed
    assert "it can be mounted only" in lint("--storage-account-name", "other", file).stdout


def test_json(drop: Any) -> None:
    file = drop("job.json", changed(JOB, nodeCount=0, toolType="custom"))
    values = json.loads(lint("-o", "json", file).stdout)

    assert values["files"][0]["accepted"] is False
    assert values["files"][0]["kind"] == "job"
    assert values["files"][0]["problems"][0] == {
        "severity": "error",
        "path": "$.properties.nodeCount",
        "line": 6,
        "column": 16,
        "message": "nodeCount must be 1 or more.",
        "hint": "Nodes to run on; the job starts when all are free.",
    }
    assert (values["errors"], values["warnings"], values["notes"]) == (1, 0, 1)
    assert json.loads(lint("-o", "json", "--quiet-notes", file).stdout)["notes"] == 0


def test_standard_input() -> None:
    result = lint("-", stdin='{"properties": {"nodeCount": 0}}')

    assert result.exit_code == 1
    assert "<stdin>:1:30: error $.properties.nodeCount" in result.stdout


def test_the_kind_is_known_by_content_then_by_name_then_by_hand(drop: Any, tmp_path: Path) -> None:
    assert lint(drop("odd.json", CLUSTER)).exit_code == 0
    assert lint(drop("my-cluster.json", {"comment": "nothing"})).exit_code == 0
    assert lint(drop("job.json", {"comment": "nothing"})).exit_code == 1
    assert "describes a cluster, not a job" in lint("--job", drop("c.json", CLUSTER)).stdout
    assert "describes a job, not a cluster" in lint("--cluster", drop("j.json", JOB)).stdout


def test_a_file_that_cannot_be_read_is_exit_code_2(drop: Any, tmp_path: Path) -> None:
    result = lint(drop("job.json", changed(JOB, nodeCount=0)), str(tmp_path / "none.json"), str(tmp_path))

    assert result.exit_code == 2
    assert "none.json: cannot be read: No such file or directory" in result.stderr
    assert "nodeCount must be 1 or more" in result.stdout
    assert lint().exit_code == 2
    assert lint("--nonsense", "x").exit_code == 2


def test_placeholders_are_no_problem_and_secrets_are_not_shown(drop: Any) -> None:
    share = {
        "azureFileUrl": "https://<AZURE_BATCHAI_STORAGE_ACCOUNT>.file.core.windows.net/logs",
        "relativeMountPath": "logs",
        "credentials": {"accountKey": "<AZURE_BATCHAI_STORAGE_KEY>"},
    }
    secrets = [{"name": "A", "value": SECRET}, {"value": SECRET}]
    file = drop("job.json", changed(JOB, mountVolumes={"azureFileShares": [share]}, secrets=secrets))

    for form in ("table", "json"):
        shown = lint("-o", form, file).output
        assert "name is missing" in shown
        assert "AZURE_BATCHAI" not in shown
        assert SECRET not in shown


def test_nothing_from_a_document_is_markup(drop: Any) -> None:
    result = lint(drop("[bold]job.json", changed(JOB, **{"[red]x[/red]": 1})))

    assert "[bold]job.json" in result.stdout
    assert "[red]x[/red]" in result.stdout


def test_help_has_an_example() -> None:
    assert "Example: batchai lint job.json" in lint("--help").stdout
