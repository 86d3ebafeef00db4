"""The same engines in containers with the node's network: the image brings its own mpirun and ssh.

The image is this machine's own programs: /usr is bound into every container, read-only, and the rest of the
image is small. Containers see their job's folders and the image, nothing else of the node.
"""

import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.chaos.arena import Arena, no_process_of
from tests.e2e.engines.conftest import ENGINES, FOUR_RANKS, PROJECT, TORCH, Field, made
from tests.support import docker_daemon
from tests.support.docker_daemon import DockerDaemon
from tests.support.needs import need
from tests.support.waiting import eventually

IMAGE = "batchai-engines/usr:1"
#: What programs below /usr look for in /etc.
_ETC = (
    "alternatives",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "openmpi",
    "ssh/ssh_config",
    "nsswitch.conf",
)
_PASSWD = "root:x:0:0:root:/root:/bin/bash\n"


@pytest.fixture(scope="module")
def daemon() -> Iterator[DockerDaemon]:
    need(docker_daemon.missing())
    with docker_daemon.docker_daemon() as running:
        yield running


@pytest.fixture
def field(tmp_path: Path, daemon: DockerDaemon, allreduce: Path) -> Iterator[Field]:
    """Two nodes; logs lie in the job's own folder, the only one of the node that a container can write to."""
    make_image(daemon, tmp_path, allreduce)
    # The interpreters of .venvs are links to the one they were made with.
    made_with = (Path(sys.base_prefix), PROJECT / ".venvs")
    seen = {"/usr", str(PROJECT), *(str(path.resolve()) for path in made_with)}
    words = [f"--mount type=bind,source={path},target={path},readonly" for path in sorted(seen)]
    settings = {"BATCHAI_DOCKER": daemon.command, "BATCHAI_CONTAINER_OPTIONS": " ".join(words)}
    with Arena(tmp_path, runners=0, lease_seconds=20, shares_network=True) as arena:
        for number in range(2):
            arena.start(number, settings)
        yield Field(
            arena, tmp_path / "logs", {"containerSettings": {"imageSourceRegistry": {"image": IMAGE}}}
        )
    eventually(lambda: no_process_of(tmp_path) == [], 5)
    eventually(lambda: not daemon.containers(), 20)


def make_image(daemon: DockerDaemon, folder: Path, program: Path) -> None:
    archive, passwd = folder / "image.tar", folder / "passwd"
    passwd.write_text(_PASSWD)
    with tarfile.open(archive, "w") as tar:
        for name in ("bin", "sbin", "lib", "lib64"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(link)
        for name in ("usr", "tmp", "root", "opt", "var"):
            place = tarfile.TarInfo(name)
            place.type, place.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(place)
        tar.add(passwd, "etc/passwd")
        tar.add(program, "opt/allreduce")
        for name in _ETC:
            if Path("/etc", name).exists():
                tar.add(Path("/etc", name), f"etc/{name}")
    daemon.docker("import", "--change", "ENV IMAGE=usr", str(archive), IMAGE)


def test_mpirun_of_the_image_reaches_the_other_container(field: Field) -> None:
    command = "/opt/allreduce && [ $IMAGE = usr ] && [ ! -e /boot ]"
    job = field.run(customMpiSettings={"commandLine": command, "processCount": 4})
    assert field.ranks(job) == FOUR_RANKS


def test_ssh_leads_into_the_container_and_the_folder_is_shared(field: Field) -> None:
    shared = "$AZ_BATCHAI_SHARED_JOB_TEMP"
    ask = "echo \\$AZ_BATCH_NODE_ID \\$IMAGE \\$TOKEN; pwd; touch /only-here"
    line = (
        f"for node in $(echo $AZ_BATCH_HOST_LIST | tr , ' '); do ssh $node \"{ask}\"; done; cat {shared}/*; "
        "echo copied > a && scp -q a $(echo $AZ_BATCH_HOST_LIST | cut -d, -f2):b && "
        "ssh $(echo $AZ_BATCH_HOST_LIST | cut -d, -f2) cat b"
    )
    job = field.run(
        jobPreparation={"commandLine": f"echo prepared $AZ_BATCH_NODE_ID > {shared}/$AZ_BATCH_NODE_ID"},
        customToolkitSettings={"commandLine": line},
        secrets=[{"name": "TOKEN", "value": "s3cr3t-of-the-job"}],
    )
    leader, helper = job.events[1].detail.split()
    said = field.logs()["stdout.txt"].splitlines()
    assert said[0] == f"{leader} usr s3cr3t-of-the-job" and said[1].endswith("/wd")
    assert said[2] == f"{helper} usr s3cr3t-of-the-job" and said[3].endswith("/wd")
    assert sorted(said[4:6]) == ["prepared node-0", "prepared node-1"]
    assert said[6:] == ["copied"]
    assert not Path("/only-here").exists()


def test_a_parameter_server(field: Field) -> None:
    settings = {"pythonScriptFilePath": str(ENGINES / "parameter_server.py"), "workerCount": 2}
    field.run(tensorFlowSettings=settings | {"pythonInterpreterPath": "python3"})
    assert re.findall(r"the sum is (\d)", field.said(r"^stdout-wk-")) == ["3", "3"]


def test_a_step_of_distributed_data_parallel(field: Field) -> None:
    need(made(TORCH))
    settings = {"pythonScriptFilePath": str(ENGINES / "ddp_step.py"), "communicationBackend": "gloo"}
    field.run(180, pyTorchSettings=settings | {"pythonInterpreterPath": f"{TORCH} -W ignore"})
    assert field.said(r"^stdout-\d").count("of 2: loss 62.5000 weights [0.975, 1.95]") == 2
