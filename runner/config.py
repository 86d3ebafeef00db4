"""What one runner is given, read once from its environment and its command line."""

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, ValuesView
from dataclasses import dataclass, field, replace
from pathlib import Path

from runner.limits import NO_LIMITS, Limits, limits_from
from runner.machine.gpu_share import choice_from
from runner.machine.instance import machine_name
from runner.machine.scheduled_events import events_url
from shared.environment.layout import DEFAULT_NODE_ROOT
from shared.errors import SettingsError
from shared.names.ids import NAME_PATTERN, ClusterId, cluster_from_text
from shared.settings import DEFAULT_SCOPE

#: The service's rule for names of shares; it also keeps ".." out of local paths.
_SHARE_NAME = re.compile(r"^[a-z0-9](?:-?[a-z0-9]){2,62}\Z")
#: Also a word of host files and of ssh's configuration.
_ADDRESS = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,252}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")


class Premounted(Mapping[str, Path]):
    """ "<account>/<share>" -> directory on this machine. The key "<account>/*" stands for a directory that
    holds one directory per share, as that of the Azure Files emulator does."""

    def __init__(self, directories: Mapping[str, Path]) -> None:
        self._directories = dict(directories)

    def __getitem__(self, key: str) -> Path:
        account, _, share = key.partition("/")
        if share != "*" and key in self._directories:
            return self._directories[key]
        if _SHARE_NAME.match(share):
            return self._directories[f"{account}/*"] / share
        raise KeyError(key)

    def values(self) -> ValuesView[Path]:
        """The directories as they were given; the patterns' too, which no key leads to."""
        return self._directories.values()

    def __iter__(self) -> Iterator[str]:
        return iter(self._directories)

    def __len__(self) -> int:
        return len(self._directories)


@dataclass(frozen=True)
class RunnerConfig:
    """A runner is one Batch AI node. Seconds where a name says so."""

    cluster: ClusterId
    node_id: str
    root: Path  #: its own folder; several runners on one machine need several
    gpus: tuple[str, ...] | None = None  #: indexes or UUIDs; None: all of the machine's
    address: str = "127.0.0.1"  #: how other nodes of a job reach this one: IPv4, IPv6 or a name
    python: str = ""  #: interpreter for toolkits whose document names none; "": python, else python3
    path: str = ""  #: folders put before PATH for jobs
    grace_seconds: float = 10.0  #: between SIGTERM and SIGKILL
    drain_seconds: float = 3.0  #: the same when the runner stops or its machine is to be taken away
    active_poll_seconds: float = 0.6  #: at most; less while jobs come (agent/poll_pace.py)
    idle_poll_seconds: float = 3.0
    #: polling is brisk for this long after the last job
    active_seconds: float = 300.0
    node_report_seconds: float = 12.0
    scheduled_events_url: str = ""  #: "": nobody announces the end of this machine
    machine: str = ""  #: its name in those announcements; "": asked of the same service
    premounted: Mapping[str, Path] = field(default_factory=dict)  #: "<account>/<share>" -> directory
    drivers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  #: kind of volume -> drivers to try
    smb_hosts: Mapping[str, str] = field(
        default_factory=dict
    )  #: account -> where its shares are served by SMB
    allowed_mount_commands: tuple[str, ...] = ()
    mount_timeout_seconds: float = 40.0  #: for a mount, and for each step of an unmount
    upload_timeout_seconds: float = 3600.0  #: for uploads that are still moving when a job has ended
    vault_hosts: tuple[str, ...] = ()  #: Key Vaults that are asked beside those of Azure's own domains
    docker: str = "docker"  #: the command, or podman's; further words may follow
    container_network: str = "host"
    container_options: tuple[str, ...] = ()  #: further words of `docker run`
    image_pull_seconds: float = 3600.0
    job_user: str = "own"  #: a name, "own": the runner's, "": one per runner, where the runner is root
    limits: Limits = NO_LIMITS  #: of a job
    metadata_open: bool = True  #: whether jobs may reach what gives them the machine's identity

    @property
    def work(self) -> Path:
        """Private folder of the runner: caches, credentials, spooled logs."""
        return self.root / "runner"


def config_from(
    env: Mapping[str, str], cluster: str, node_id: str, root: str, gpus: str, address: str = ""
) -> RunnerConfig:
    """The config from command line values ("" = not given) and environment. Raises SettingsError."""
    faults: list[str] = []
    scope = replace(
        DEFAULT_SCOPE, resource_group=env.get("BATCHAI_RESOURCE_GROUP", "") or DEFAULT_SCOPE.resource_group
    )
    try:
        named = cluster_from_text(
            cluster or env.get("BATCHAI_CLUSTER", "default"),
            env.get("BATCHAI_DEFAULT_WORKSPACE", "") or "default",
            scope,
        )
    except ValueError as error:
        named = ClusterId("default", "default")
        faults.append(f"--cluster: {error}; expected <workspace>/<cluster> or <cluster>")
    node = node_id or env.get("BATCHAI_NODE_ID", "") or machine_name().replace(".", "-")
    if not NAME_PATTERN.match(node):
        faults.append(f"--node-id: '{node}' is not a name")
    try:
        choice = choice_from(gpus or env.get("BATCHAI_GPUS", ""))
    except ValueError as error:
        choice = None
        faults.append(f"--gpus: {error}")
    if address and not _ADDRESS.fullmatch(address):
        faults.append(f"--address: '{address}' is not an address; expected IPv4, IPv6 or a host name")
    premounted = _json_map(env, "BATCHAI_PREMOUNTED", faults)
    drivers = _json_map(env, "BATCHAI_DRIVERS", faults)
    config = RunnerConfig(
        cluster=named,
        node_id=node,
        root=Path(root or env.get("BATCHAI_NODE_ROOT", "") or DEFAULT_NODE_ROOT).absolute(),
        gpus=choice,
        address=address or "127.0.0.1",
        python=env.get("BATCHAI_JOB_PYTHON", ""),
        path=env.get("BATCHAI_JOB_PATH", ""),
        grace_seconds=_seconds(env, "BATCHAI_GRACE_SECONDS", 10.0, faults),
        drain_seconds=_seconds(env, "BATCHAI_DRAIN_SECONDS", 3.0, faults),
        active_poll_seconds=_seconds(env, "BATCHAI_ACTIVE_POLL_SECONDS", 0.6, faults),
        idle_poll_seconds=_seconds(env, "BATCHAI_IDLE_POLL_SECONDS", 3.0, faults),
        node_report_seconds=_seconds(env, "BATCHAI_NODE_REPORT_SECONDS", 12.0, faults),
        mount_timeout_seconds=_seconds(env, "BATCHAI_MOUNT_TIMEOUT_SECONDS", 40.0, faults),
        upload_timeout_seconds=_seconds(env, "BATCHAI_UPLOAD_TIMEOUT_SECONDS", 3600.0, faults),
        docker=env.get("BATCHAI_DOCKER", "") or "docker",
        container_network=env.get("BATCHAI_CONTAINER_NETWORK", "") or "host",
        container_options=_words(env, "BATCHAI_CONTAINER_OPTIONS", faults),
        image_pull_seconds=_seconds(env, "BATCHAI_IMAGE_PULL_SECONDS", 3600.0, faults),
        job_user=env.get("BATCHAI_JOB_USER", ""),
        limits=limits_from(env, faults),
        metadata_open=_metadata_open(env, faults),
        scheduled_events_url=events_url(env),
        machine=env.get("BATCHAI_VM_NAME", ""),
        smb_hosts=_json_map(env, "BATCHAI_SMB_HOSTS", faults),
        premounted=Premounted({key: Path(value) for key, value in premounted.items()}),
        drivers={kind: tuple(shlex.split(names)) for kind, names in drivers.items()},
        vault_hosts=_hosts(env, "BATCHAI_VAULTS", faults),
        allowed_mount_commands=tuple(
            part.strip() for part in env.get("BATCHAI_ALLOWED_MOUNT_COMMANDS", "").split(";") if part.strip()
        ),
    )
    if faults:
        raise SettingsError(tuple(faults))
    return config


def _seconds(env: Mapping[str, str], name: str, default: float, faults: list[str]) -> float:
    text = env.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if not 0 < value < 86400:
        faults.append(f"{name} is '{text}'; it must be a number of seconds")
        return default
    return value


def _hosts(env: Mapping[str, str], name: str, faults: list[str]) -> tuple[str, ...]:
    hosts = tuple(env.get(name, "").replace(",", " ").split())
    faults += [
        f"{name}: '{host}' is not a host; expected names such as vault.example or vault.example:8443"
        for host in hosts
        if not _HOST.fullmatch(host)
    ]
    return hosts


def _words(env: Mapping[str, str], name: str, faults: list[str]) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(env.get(name, "")))
    except ValueError as error:
        faults.append(f"{name} cannot be split into words: {error}")
        return ()


def _metadata_open(env: Mapping[str, str], faults: list[str]) -> bool:
    value = env.get("BATCHAI_JOB_METADATA", "") or "closed"
    if value not in ("open", "closed"):
        faults.append(f"BATCHAI_JOB_METADATA is '{value}'; it must be open or closed")
    return value == "open"


def _json_map(env: Mapping[str, str], name: str, faults: list[str]) -> dict[str, str]:
    try:
        loaded = json.loads(env.get(name, "") or "{}")
        return {str(key): str(value) for key, value in loaded.items()}
    except (ValueError, AttributeError):
        faults.append(f'{name} must be JSON like {{"key": "value"}}')
        return {}


#: Variables of the machine that a job may see; everything else (the runner's settings above all) stays out.
_PASSED_ON = ("PATH", "HOME", "LANG", "TZ", "USER", "LOGNAME", "SHELL", "LD_LIBRARY_PATH")
_PASSED_ON_PREFIXES = ("LC_", "CUDA", "NVIDIA", "NCCL", "OMPI_MCA_")


def job_base_environment(config: RunnerConfig, env: Mapping[str, str]) -> dict[str, str]:
    """What every process of a job inherits from the machine."""
    base = {k: v for k, v in env.items() if k in _PASSED_ON or k.startswith(_PASSED_ON_PREFIXES)}
    base["PATH"] = os.pathsep.join(p for p in (config.path, base.get("PATH", os.defpath)) if p)
    # Output is written to a file; without this a Python script's lines would stay in its buffer for minutes.
    base["PYTHONUNBUFFERED"] = "1"
    return base
