"""What runs containers on this machine, and whether it can give them GPUs."""

import re

from runner.containers.docker import Answer, Docker
from runner.doctor.check import Check, failed, not_checked, ok
from runner.machine.commands import find_program, run

_NAME, _GPU_NAME = "docker", "GPUs in containers"
_SECONDS = 5.0  #: two of which are within a check's limit
_INSTALL = "sudo apt-get install docker.io  # only for jobs with containerSettings"
_TOOLKIT = "sudo apt-get install nvidia-container-toolkit && sudo nvidia-ctk runtime configure"
#: CVE-2025-23266: before it a container could run code as root on its machine.
_LEAST_TOOLKIT = (1, 17, 8)


def containers(command: str) -> list[Check]:
    """`command`: BATCHAI_DOCKER."""
    docker = Docker(command)
    if docker.program is None:
        message = f"no '{command}' here: jobs with containerSettings fail on this node"
        return [not_checked(_NAME, message, _INSTALL)]
    return [verdict(docker.ask("--version", seconds=_SECONDS), docker.ask("ps", "--quiet", seconds=_SECONDS))]


def verdict(version: Answer, listed: Answer) -> Check:
    """What the program says of itself, and whether it reaches its daemon. No failure where it does not: most
    jobs need none."""
    words = version.out.strip() or version.words
    if listed.ok:
        return ok(_NAME, words)
    mend = "sudo systemctl start docker  # or BATCHAI_DOCKER, DOCKER_HOST, membership of the group docker"
    message = f"{words}; no answer: {listed.words}; jobs with containerSettings fail on this node"
    return not_checked(_NAME, message, mend)


def gpus(count: int) -> list[Check]:
    """`count`: GPUs of this machine."""
    if not count:
        return []
    program = find_program("nvidia-ctk")
    if program is None:
        return [not_checked(_GPU_NAME, "no NVIDIA Container Toolkit: containers get no GPUs", _TOOLKIT)]
    return [toolkit_verdict(run([program, "--version"], timeout_seconds=_SECONDS).output)]


def toolkit_verdict(said: str) -> Check:
    """`said`: what `nvidia-ctk --version` prints."""
    line = next(iter(said.splitlines()), "?")
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", line)
    if found and tuple(map(int, found.groups())) < _LEAST_TOOLKIT:
        return failed(_GPU_NAME, f"{line}: a container can leave it (CVE-2025-23266)", _TOOLKIT)
    return ok(_GPU_NAME, line)
