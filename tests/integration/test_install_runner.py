"""scripts/install-runner as far as it can be held to without a machine: its words, its unit, its shell."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.needs import need

PROJECT = Path(__file__).parents[2]
SCRIPT = PROJECT / "scripts" / "install-runner"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(SCRIPT), *words], capture_output=True, text=True, check=False)


def unit() -> str:
    """The unit as the script writes it for one runner."""
    found = re.search(r"cat <<UNIT\n(.*?)\nUNIT\n", SCRIPT.read_text(), re.DOTALL)
    assert found
    words = {"$1": "Batch AI runner", "$2": "", "$env_file": "/etc/batchai/runner.env"}
    words["$prefix"] = "/opt/batchai"
    text = found[1].replace(r"\$", "@")
    for word, value in words.items():
        text = text.replace(word, value)
    return text.replace("@", "$")


@pytest.mark.parametrize(
    ("words", "code", "reported"),
    [
        (["--env-file", "/e"], 2, "--wheel is missing"),
        (["--wheel", str(SCRIPT)], 2, "--env-file is missing"),
        (["--wheel", "/no/such.whl", "--env-file", "/e"], 2, "there is no file /no/such.whl"),
        (["--wheel", str(SCRIPT), "--env-file", "relative"], 2, "not an absolute path"),
        (["--wheel", str(SCRIPT), "--env-file", "/e f"], 2, "not an absolute path"),
        (["--wheel", str(SCRIPT), "--env-file", "/e", "--gpus", "0;1"], 2, "not a list like 0,1"),
        (["--gpus"], 2, "--gpus needs a value"),
        (["--color"], 2, "unknown word '--color'"),
    ],
)
def test_wrong_words_are_named_with_what_would_be_right(words: list[str], code: int, reported: str) -> None:
    done = run(*words)
    assert done.returncode == code
    assert reported in done.stderr
    assert "install-runner: next: " in done.stderr


def test_help_has_an_example_and_the_exit_codes() -> None:
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "example:" in done.stdout
    assert "exit codes:" in done.stdout


def test_the_unit_finishes_on_reload_and_is_not_started_again_after_it() -> None:
    lines = unit().splitlines()
    for line in (
        "ExecStart=/opt/batchai/bin/python -P -m runner",
        "EnvironmentFile=/etc/batchai/runner.env",
        "ExecReload=/bin/kill -USR1 $MAINPID",
        "Delegate=yes",
        "KillMode=mixed",
        "Restart=always",
        "RestartPreventExitStatus=2 4",
    ):
        assert line in lines


def test_systemd_has_nothing_to_say_about_the_unit(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        need("no systemd-analyze")
    # Its program need not be there: only the words are judged.
    text = unit().replace("/opt/batchai/bin/python", "/bin/true")
    file = tmp_path / "batchai-runner.service"
    file.write_text(text)
    words = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(file)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    # It ends with 0 for keys it does not know: what it prints is what counts.
    file.write_text(text.replace("Delegate=yes", "Delegation=yes"))
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "Delegation" in done.stderr
