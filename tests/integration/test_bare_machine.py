"""scripts/install-runner makes a node of a Debian 12 with nothing on it; a second run has nothing to do."""

import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.bare_machine import BareMachine, bare_machine, missing
from tests.support.distribution import PROJECT, build

#: Docker and blobfuse2 are a matter of minutes; they are Debian's and Microsoft's.
WORDS = ("--env-file", "/etc/batchai/runner.env", "--without", "docker", "--without", "blobfuse2")
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareMachine]:
    if why := missing():
        pytest.skip(why)
    wheels = tmp_path_factory.mktemp("wheels")
    _, wheel = build(tmp_path_factory)
    shutil.copy(wheel, wheels)
    pins = PROJECT / "constraints.txt"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", "--dest", str(wheels)]
    subprocess.run([*pip, "-c", str(pins), f"{wheel}[runner,cli]"], check=True)
    shutil.copy(pins, wheels)
    shown = {"/wheels": wheels, "/scripts": PROJECT / "scripts"}
    with bare_machine(tmp_path_factory.mktemp("machine"), shown) as made:
        yield made


def words(machine: BareMachine, *more: str) -> list[str]:
    wheel = next((machine.root / "wheels").glob("batchai_serverless-*.whl")).name
    where = ["--wheel", f"/wheels/{wheel}", "--constraints", "/wheels/constraints.txt"]
    return ["/scripts/install-runner", *where, *WORDS, *more]


@pytest.mark.timeout(900)  # the first run of all fetches Debian's packages
def test_it_becomes_a_node_and_stays_one(machine: BareMachine) -> None:
    before = machine.files()
    dry = machine.run(*words(machine, "--dry-run"), env=OFFLINE)
    assert (dry.returncode, machine.files()) == (0, before), dry.stderr
    assert "would: installing" in dry.stdout
    assert dry.stdout.endswith("install-runner: dry run: nothing was changed\n")

    first = machine.run(*words(machine), env=OFFLINE)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "install-runner: done." in first.stdout
    after = machine.files()

    second = machine.run(*words(machine), env=OFFLINE)
    assert (second.returncode, second.stdout) == (
        0,
        "install-runner: nothing to do: everything is as it should be\n",
    ), second.stderr
    changed = {name for name, what in machine.files().items() if after.get(name) != what}
    assert changed == set()

    python = "/opt/batchai/bin/python"
    assert "--cluster CLUSTER" in machine.run(python, "-P", "-m", "runner", "--help").stdout
    assert "mends" in machine.run(python, "-P", "-m", "runner.doctor", "--help").stdout
    assert "Usage: batchai" in machine.run("/opt/batchai/bin/batchai", "--help").stdout
    assert "batchai:x:" in (machine.root / "etc/passwd").read_text()
    assert (machine.root / "etc/batchai/runner.env").stat().st_mode & 0o777 == 0o600
    assert (machine.root / "etc/systemd/system/multi-user.target.wants/batchai-runner.service").is_symlink()
    unit = "/etc/systemd/system/batchai-runner.service"
    judged = machine.run("systemd-analyze", "verify", "--man=no", unit)
    assert (judged.returncode, judged.stderr) == (0, "")

    grouped = machine.run(*words(machine, "--gpus", "0,1", "--gpus", "2,3"), env=OFFLINE)
    assert grouped.returncode == 0, grouped.stderr
    assert "GPUS=2,3\n" in (machine.root / "etc/batchai/group-1.env").read_text()
    unit = unit.replace(".service", "@.service")
    judged = machine.run("systemd-analyze", "verify", "--man=no", unit.replace("@.", "@0."))
    assert (judged.returncode, judged.stderr) == (0, "")
    again = machine.run(*words(machine, "--gpus", "0,1", "--gpus", "2,3"), env=OFFLINE)
    assert again.stdout == "install-runner: nothing to do: everything is as it should be\n"
