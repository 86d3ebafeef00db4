"""The runner's image, built by its script on a bare Debian 12 with Python, runs one job with `--once`."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.jobs.model import State
from tests.support import bare_machine, docker_daemon
from tests.support.docker_daemon import DockerDaemon
from tests.support.needs import need
from tests.support.rest_api import PROJECT
from tests.support.world import World, document
from tests.support.world_runner import environment_of

IMAGE, BASE = "batchai-runner:test", "batchai-base:test"


def _missing() -> str | None:
    if lacking := docker_daemon.missing():
        return lacking
    absent = [tool for tool in ("debootstrap", "unshare") if not shutil.which(tool)]
    return f"not installed: {', '.join(absent)} (scripts/setup-machine)" if absent else None


def _base(folder: Path) -> Path:
    """The root of a Debian 12 with Python, which the caller removes."""
    machine = bare_machine.make(folder)
    for command in (["update"], ["install", "-y", "--no-install-recommends", "python3", "python3-venv"]):
        done = machine.run("apt-get", *command, env={"DEBIAN_FRONTEND": "noninteractive"})
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return machine.root


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerDaemon]:
    """A daemon that has the image."""
    need(_missing())
    folder = tmp_path_factory.mktemp("image")
    with docker_daemon.docker_daemon(large=True) as running:
        root = _base(folder)
        # Without devices, which the daemon makes, and what no image needs.
        left_out = [f"--exclude=./{name}/*" for name in ("dev", "proc", "sys", "var/cache/apt")]
        with subprocess.Popen(
            ["tar", "-C", str(root), *left_out, "-c", "."], stdout=subprocess.PIPE
        ) as packing:
            words = [*running.command.split(), "import", "-", BASE]
            subprocess.run(words, stdin=packing.stdout, check=True, capture_output=True, timeout=600)
        assert packing.returncode == 0
        subprocess.run(["rm", "-rf", "--one-file-system", str(root)], check=True)
        # Debian 12 has Python 3.11, whatever runs the tests.
        env = os.environ | {"DOCKER": running.command, "PYTHON_VERSION": "3.11"}
        script = [str(PROJECT / "scripts" / "runner-image"), IMAGE, BASE]
        built = subprocess.run(script, env=env, capture_output=True, text=True, timeout=900, check=False)
        assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
        yield running


@pytest.mark.timeout(1800)
def test_the_image_runs_one_job_unprivileged_with_its_share_and_leaves(
    daemon: DockerDaemon, world: World, tmp_path: Path
) -> None:
    # Given a job that reads and writes a share which is a volume of the container
    shares = tmp_path / "shares"
    (shares / "data").mkdir(parents=True)
    (shares / "data" / "in.txt").write_text("given\n")
    shares.chmod(0o755)
    (shares / "data").chmod(0o777)
    share = {
        "azureFileUrl": "https://account1.file.core.windows.net/data",
        "relativeMountPath": "data",
        "accountName": "account1",
        "credentials": {"accountKey": "a2V5"},
    }
    command = "cd $AZ_BATCHAI_JOB_MOUNT_ROOT/data && cat in.txt > out.txt && id -u >> out.txt"
    world.accept(data=document(command, mountVolumes={"azureFileShares": [share]}))
    # When the image is run as a Kubernetes Job runs it
    given = {name: value for name, value in environment_of(world).items() if name.startswith("BATCHAI")}
    for set_by_image in ("BATCHAI_SCHEDULED_EVENTS_URL", "BATCHAI_JOB_METADATA", "BATCHAI_JOB_USER"):
        given.pop(set_by_image)
    given |= {
        "BATCHAI_PREMOUNTED": json.dumps({"account1/data": "/shares/data"}),
        "BATCHAI_CLUSTER": str(world.cluster),
        "BATCHAI_NODE_ID": "pod-1",
    }
    words = ["run", "--rm", "--network", "host", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    words += ["--volume", f"{shares}/data:/shares/data"]
    words += [word for name, value in given.items() for word in ("--env", f"{name}={value}")]
    said = daemon.docker(*words, IMAGE, "--once", "--idle-exit", "60", seconds=300)
    # Then the job is done, as nobody in particular, and the container has ended with 0
    assert world.job().state is State.SUCCEEDED, said
    assert (shares / "data" / "out.txt").read_text() == "given\n10001\n"
    assert world.backend.clusters.alive_nodes(world.cluster) == []
    # And what the image sets is what it runs with
    shown = json.loads(daemon.docker("image", "inspect", IMAGE))[0]["Config"]
    assert (shown["User"], shown["Cmd"]) == ("10001:10001", ["--once"])
