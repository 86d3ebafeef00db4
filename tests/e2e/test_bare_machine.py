"""scripts/install-runner on a bare Debian 12, and its unit, which takes jobs of a running stack."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from local.layout import StackState
from runner.agent.shutdown import FINISHED
from tests.support import bare_machine, runners, vendors
from tests.support.bare_machine import BareMachine
from tests.support.imds import NAME
from tests.support.stack_client import StackClient, job
from tests.support.vendors import Served
from tests.support.waiting import eventually

PROJECT = Path(__file__).parents[2]
SUPPORT = PROJECT / "tests" / "support"
ENV_FILE, UNIT = "/etc/batchai/runner.env", "/etc/systemd/system/batchai-runner.service"
CLIENT = "99999999-9999-9999-9999-999999999999"
NOTHING = "install-runner: nothing to do: everything is as it should be\n"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def wheel(built: tuple[Path, Path]) -> Path:
    return built[1]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """Hosts of Microsoft, NVIDIA and a storage account: a certificate only, until a test fills them."""
    return vendors.certified(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, served: Served) -> Iterator[BareMachine]:
    """A bare machine, which the tests of this module install on in turn."""
    tools = ("debootstrap", "apt-ftparchive", "gpg", "openssl", "unshare")
    missing = [tool for tool in tools if not shutil.which(tool)]
    if os.geteuid() or missing:
        why = f"needs root and {', '.join(missing) or 'nothing else'}: scripts/setup-machine"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    made = bare_machine.make(tmp_path_factory.mktemp("bare"))
    with (made.root / "etc/ssl/certs/ca-certificates.crt").open("a") as bundle:
        bundle.write(served.certificate.read_text())
    made.put(PROJECT / "scripts" / "install-runner")
    made.put(PROJECT / "constraints.txt")
    yield made
    subprocess.run(["rm", "-rf", "--one-file-system", str(made.root)], check=True)  # a gigabyte


def install(machine: BareMachine, wheel: str, *more: str, served: Path | str | None = None) -> str:
    """What install-runner says; it succeeds. `served`: in a network that holds only that, or "nothing"."""
    words = ["/root/install-runner", "--wheel", wheel, "--constraints", "/root/constraints.txt"]
    words += ["--env-file", ENV_FILE, *more]
    # Compiled modules are written by whoever runs the code first: that is no change of the installation.
    env = {"PIP_NO_COMPILE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    if served is None:
        done = machine.run(*words, env=env)
    else:
        front = (str(SUPPORT / "closed_network.sh"), sys.executable, str(served))
        done = machine.run(*words, env=env | {"PIP_NO_INDEX": "1"}, front=front)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def verified(machine: BareMachine, unit: str) -> None:
    """systemd has nothing to say about a unit; it ends with 0 for keys it does not know, too."""
    done = machine.run("systemd-analyze", "verify", "--man=no", unit)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_dry_run_changes_nothing(machine: BareMachine, wheel: Path) -> None:
    path = machine.put(wheel)
    before = machine.state()
    said = install(machine, path, "--dry-run")
    assert "would: installing" in said and f"would: installing {wheel.name} in /opt/batchai" in said
    assert said.endswith("dry run: nothing was changed\n")
    assert machine.state() == before


def test_a_bare_machine_becomes_a_node(machine: BareMachine, wheel: Path) -> None:
    said = install(machine, machine.put(wheel), "--without", "blobfuse2", "--without", "nvidia")
    for line in ("docker.io", "the user batchai", f"{wheel.name} in /opt/batchai", "batchai-runner.service"):
        assert line in said
    assert f"made {ENV_FILE}: write the settings there" in said
    assert (machine.root / ENV_FILE[1:]).stat().st_mode & 0o777 == 0o600
    assert machine.run("batchai", "--version").stdout.startswith("batchai, version ")
    for program in ("docker", "mount.cifs", "mount.nfs", "fusermount3", "nft", "setpriv", "sshfs"):
        assert machine.run("sh", "-c", f"command -v {program}").returncode == 0, program
    link = machine.root / "etc/systemd/system/multi-user.target.wants/batchai-runner.service"
    assert str(link.readlink()) == UNIT
    verified(machine, UNIT)
    # It is examined: a key that systemd does not know is reported.
    wrong = machine.root / "etc/systemd/system/wrong.service"
    wrong.write_text(machine.read(UNIT).replace("Delegate=yes", "Delegation=yes"))
    done = machine.run("systemd-analyze", "verify", "--man=no", "/etc/systemd/system/wrong.service")
    assert "Delegation" in done.stderr
    wrong.unlink()


def test_the_second_run_changes_nothing(machine: BareMachine, wheel: Path) -> None:
    before = machine.state()
    said = install(machine, f"/root/{wheel.name}", "--without", "blobfuse2", "--without", "nvidia")
    assert said.endswith(NOTHING)
    after = machine.state()
    assert {path: look for path, look in after.items() if before.get(path) != look} == {}
    assert before.keys() == after.keys()


def test_vendors_that_cannot_be_reached_are_left_out_with_a_word(machine: BareMachine, wheel: Path) -> None:
    has_a_card(machine)
    before = machine.state()
    said = install(machine, f"/root/{wheel.name}", served="nothing")
    assert "blobfuse2 left out: https://packages.microsoft.com is not reachable" in said
    assert "toolkit left out: https://nvidia.github.io/libnvidia-container is not reachable" in said
    assert said.endswith(NOTHING)
    assert machine.state() == before


def test_vendors_packages_and_the_wheel_of_a_container_are_installed(
    machine: BareMachine, wheel: Path, served: Served
) -> None:
    has_a_card(machine)
    vendors.fill(served)
    # The same code under a name of its own, as a newer build has one.
    url = served.publish(wheel, wheel.name.replace("-py3", "-1-py3"))
    (machine.root / ENV_FILE[1:]).write_text(f"BATCHAI_STORAGE__clientId={CLIENT}\n")
    said = install(machine, url, served=served.folder)
    assert "installing blobfuse2 from https://packages.microsoft.com" in said
    assert machine.run("blobfuse2", "--version").stdout == "blobfuse2 version 2.5.6\n"
    assert "installing NVIDIA's container toolkit" in said
    assert '"nvidia"' in machine.read("/etc/docker/daemon.json")
    assert f"reading {wheel.name.replace('-py3', '-1-py3')} with the machine's identity" in said
    assert "-1-py3-none-any.whl in /opt/batchai" in said
    assert served.tokens and all(f"client_id={CLIENT}" in line for line in served.tokens)
    before = machine.state()
    assert install(machine, url, served=served.folder).endswith(NOTHING)
    assert machine.state() == before


def test_a_wheel_that_cannot_be_read_is_reported(machine: BareMachine, served: Served) -> None:
    url = f"https://{vendors.ACCOUNT}/packages/batchai_serverless-9-py3-none-any.whl"
    words = ["/root/install-runner", "--wheel", url, "--env-file", ENV_FILE]
    front = (str(SUPPORT / "closed_network.sh"), sys.executable, str(served.folder))
    done = machine.run(*words, front=front)
    assert done.returncode == 1
    assert f"{url} cannot be read (404)" in done.stderr and "404: is it published?" in done.stderr


def test_groups_of_gpus_have_a_unit_each(machine: BareMachine, wheel: Path, served: Served) -> None:
    words = (f"/root/{wheel.name}", "--gpus", "0,1", "--gpus", "2")
    said = install(machine, *words, served=served.folder)
    assert "disabling batchai-runner.service" in said
    assert enabled(machine) == {"batchai-runner@0.service", "batchai-runner@1.service"}
    for number, gpus in enumerate(("0,1", "2")):
        verified(machine, f"/etc/systemd/system/batchai-runner@{number}.service")
        assert machine.read(f"/etc/batchai/group-{number}.env").splitlines() == [
            f"GPUS={gpus}",
            f"NODE={NAME}-{number}",
            f"ROOT=/mnt/batch/tasks/shared/LS_root-{number}",
        ]
    assert install(machine, *words, served=served.folder).endswith(NOTHING)
    install(machine, f"/root/{wheel.name}", served=served.folder)
    assert enabled(machine) == {"batchai-runner.service"}


def enabled(machine: BareMachine) -> set[str]:
    wants = machine.root / "etc/systemd/system/multi-user.target.wants"
    return {link.name for link in wants.glob("batchai-runner*")}


def has_a_card(machine: BareMachine) -> None:
    """A card of NVIDIA's on its PCI bus."""
    device = machine.root / "sys/bus/pci/devices/0000:01:00.0"
    device.mkdir(parents=True, exist_ok=True)
    (device / "vendor").write_text("0x10de\n")


# --- The unit, as systemd would run it


def directives(machine: BareMachine) -> dict[str, str]:
    """The unit's lines."""
    lines = machine.read(UNIT).splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]\w+=", line))


def environment(text: str) -> dict[str, str]:
    """An EnvironmentFile, as systemd reads it: comments, and quotes around values."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: "".join(shlex.split(value)) for name, value in (line.split("=", 1) for line in lines)}


class Service:
    """The unit's process."""

    def __init__(self, machine: BareMachine, process: subprocess.Popen[bytes], log: Path) -> None:
        self.machine, self.process, self.log = machine, process, log
        self.unit = directives(machine)

    def main_pid(self) -> int:
        """Of the runner, as this machine counts: the child of process 1 in there."""
        (init,) = psutil.Process(self.process.pid).children()
        (runner,) = init.children()
        return runner.pid

    def reload(self) -> None:
        """What `systemctl reload` does."""
        pid = self.main_pid()
        inside = re.search(r"^NSpid:.*\s(\d+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        assert inside
        words = [word.replace("$MAINPID", inside[1]) for word in shlex.split(self.unit["ExecReload"])]
        enter = ["nsenter", "--target", str(pid), "--mount", "--pid", f"--root=/proc/{pid}/root"]
        subprocess.run([*enter, *words], check=True)


@contextmanager
def started(machine: BareMachine, shares: Path, log: Path) -> Iterator[Service]:
    """The unit, started as systemd does it: its words, settings, directory, and nothing else."""
    unit = directives(machine)
    assert "User" not in unit, "it is root"
    env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    env |= environment(machine.read(unit["EnvironmentFile"]))
    words = machine.words(["env", "-C", unit["WorkingDirectory"], *shlex.split(unit["ExecStart"])])
    with log.open("wb") as output:
        process = subprocess.Popen(words, env=env | {"BIND": str(shares)}, stdout=output, stderr=output)
    try:
        eventually(lambda: b"node " in log.read_bytes() or process.poll() is not None, 60)
        assert process.poll() is None, log.read_text()
        yield Service(machine, process, log)
    finally:
        process.send_signal(signal.SIGKILL)  # --kill-child: the runner, and all in there, with it
        process.wait()


def settings(state: StackState, cluster: str) -> Mapping[str, str]:
    """What stands in the file of settings of a machine in this stack."""
    env = runners.settings_of(state) | runners.premounted(state)
    return {
        **env,
        "BATCHAI_CLUSTER": f"default/{cluster}",
        "BATCHAI_NODE_ID": f"{cluster}-0",
        "BATCHAI_JOB_PATH": "",
    }


def quoted(value: str) -> str:
    return value if re.fullmatch(r"[\w.:/+=;-]*", value) else "'" + value + "'"


def test_the_unit_takes_jobs_and_finishes_on_reload(
    machine: BareMachine, stack: StackState, client: StackClient, tmp_path: Path
) -> None:
    client.drop_cluster("bare")
    lines = [f"{name}={quoted(value)}\n" for name, value in settings(stack, "bare").items()]
    (machine.root / ENV_FILE[1:]).write_text("# Of a test\n" + "".join(lines))
    # A module of this name where it is started is not ours.
    wrong = machine.root / directives(machine)["WorkingDirectory"].lstrip("/") / "shared"
    wrong.mkdir()
    (wrong / "__init__.py").write_text("raise ImportError('the wrong one')\n")
    shares = runners.directory_of(stack).shares
    log = tmp_path / "log"
    with started(machine, shares, log) as service:
        drop(client, "first", "cat /etc/debian_version; id -un")
        client.await_state("default/bare/first", "succeeded", seconds=60)
        drop(client, "second", "sleep 4; echo ended")
        client.await_state("default/bare/second", "running", "queued", seconds=30)
        eventually(lambda: client.status("jobs", "default/bare/second")["state"] == "running", 30)  # type: ignore[index]
        service.reload()
        eventually(lambda: "leaving" in log.read_text() or "finish" in log.read_text(), 20)
        drop(client, "third", "echo never")
        assert service.process.wait(60) == FINISHED, log.read_text()
    assert str(FINISHED) in service.unit["RestartPreventExitStatus"].split()
    client.await_state("default/bare/second", "succeeded")
    eventually(lambda: client.status("jobs", "default/bare/third"), 20)
    client.await_state("default/bare/third", "queued")


def drop(client: StackClient, name: str, command: str) -> None:
    client.drop("jobs", f"default/bare/{name}/job.json", job(command, cluster={"id": "bare"}))
