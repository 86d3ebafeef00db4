"""The words of `docker run` for a job's container: what it may do and what it gets. See docs/adr/0071."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runner.isolation.bounds import cpu_shares

#: Of docker's default set all but MKNOD and NET_RAW: installing packages, changing users, an sshd of its
#: own. The network is mostly the node's, so raw packets would be too.
CAPABILITIES = (
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
)
#: It waits to be killed, and as the container's first process takes the dead off the process table. The image
#: needs nothing but a POSIX shell and `sleep`.
FIRST_PROCESS = "while :; do sleep 86400 & wait $!; done"


@dataclass(frozen=True)
class Options:
    """What differs between containers."""

    name: str
    labels: Mapping[str, str]
    marks: Mapping[str, str]  #: variables by which the first process is known
    binds: Sequence[str]  #: words, see binds.py
    network: str = "host"
    shm_size: str = ""
    gpus: Sequence[str] = ()  #: ids or indices of the devices
    memory_bytes: int = 0  #: 0: no limit
    processes: int = 0  #: threads count too; 0: no limit
    more: Sequence[str] = ()  #: the operator's own words


def run_words(options: Options, image: str) -> list[str]:
    """After `docker`. The image is not pulled, no output is kept, and the container is removed at its end."""
    words = ["run", "--detach", "--rm", "--pull", "never", "--name", options.name, "--log-driver", "none"]
    words += ["--user", "0:0", "--workdir", "/", "--network", options.network]
    words += ["--security-opt", "no-new-privileges", "--cap-drop", "ALL"]
    words += [word for name in CAPABILITIES for word in ("--cap-add", name)]
    words += ["--pids-limit", str(options.processes or -1), "--cpu-shares", str(cpu_shares())]
    if options.memory_bytes:
        # The same number twice: no swap, or a job that wants too much would slow down the whole node first.
        words += ["--memory", f"{options.memory_bytes}b", "--memory-swap", f"{options.memory_bytes}b"]
    if options.shm_size:
        words += ["--shm-size", options.shm_size.replace(" ", "")]
    words += [word for name, value in options.labels.items() for word in ("--label", f"{name}={value}")]
    words += [word for name, value in options.marks.items() for word in ("--env", f"{name}={value}")]
    words += [*_gpu_words(options.gpus), *options.binds, *options.more]
    return [*words, "--entrypoint", "/bin/sh", image, "-c", FIRST_PROCESS]


def _gpu_words(gpus: Sequence[str]) -> list[str]:
    if not gpus:
        # Images of NVIDIA ask for every GPU by this variable, and get them where its runtime is the default.
        return ["--env", "NVIDIA_VISIBLE_DEVICES=void"]
    # Quoted: docker reads a line of CSV, and the ids are one field of it.
    return ["--gpus", f'"device={",".join(gpus)}"']
