"""Which checks are made, in which order, with which limits."""

from collections.abc import Mapping
from functools import partial

from runner.config import RunnerConfig
from runner.doctor import (
    checks_clock,
    checks_containers,
    checks_gpu,
    checks_jobs,
    checks_machine,
    checks_mounts,
    checks_nodes,
    checks_port,
    checks_settings,
    checks_storage,
)
from runner.doctor.check import Check, not_checked
from runner.doctor.check_groups import Group, run_all
from runner.doctor.checks_settings import Given
from runner.doctor.settings_source import settings_source
from runner.machine.nvml import inventory
from runner.secrets.settings import secrets_in
from shared.settings import Settings

#: Seconds. The SDK tries three times; a sound service answers all of a group's calls within one.
_STORAGE, _LOCAL = 25.0, 10.0
_UNKNOWN = "the settings could not be read"


def examine(env: Mapping[str, str], given: Given) -> list[Check]:
    """Every check. Raises nothing; takes 25 seconds at most."""
    around = settings_source(env)
    read = checks_settings.read(around.env, around.source, given)
    groups = [
        *_storage(read.settings),
        *_mounts(read.settings, read.config),
        *_machine(read.config),
    ]
    return run_all([Group("settings", _LOCAL, lambda: read.checks), *groups], secrets_in(around.env))


def _storage(settings: Settings | None) -> list[Group]:
    if settings is None:
        names = "storage access", *(f"{service} rights" for service in checks_storage.RIGHTS), "clock"
        return [_unknown(name) for name in (*names, "file share rights")]
    reach = checks_storage.reach_remedy(checks_storage.account_of(settings))
    return [
        Group("storage access", _STORAGE, lambda: checks_storage.access(settings), reach),
        *(
            Group(f"{service} rights", _STORAGE, partial(checks_storage.right, service, settings), reach)
            for service in checks_storage.RIGHTS
        ),
        Group("file share rights", _STORAGE, lambda: checks_storage.file_right(settings), reach),
        Group("clock", _LOCAL, lambda: checks_clock.offset(settings)),
    ]


def _mounts(settings: Settings | None, config: RunnerConfig | None) -> list[Group]:
    tools = [Group(name, _LOCAL, partial(checks_mounts.tool, name)) for name in checks_mounts.TOOLS]
    tools.append(Group("/dev/fuse", _LOCAL, checks_mounts.fuse_device))
    if settings is None or config is None:
        return [*tools, _unknown("mounts"), _unknown("port 445")]
    return [
        *tools,
        Group("mounts", _LOCAL, lambda: checks_mounts.kinds(settings, config)),
        Group("port 445", _LOCAL, lambda: checks_port.smb(settings, config)),
    ]


def _machine(config: RunnerConfig | None) -> list[Group]:
    root = (
        Group("node root", _LOCAL, lambda: checks_machine.disk(config)) if config else _unknown("node root")
    )
    message = config.gpus if config else None
    docker = config.docker if config else "docker"
    return [
        Group("gpus", _LOCAL, lambda: checks_gpu.gpus(message)),
        Group("python", _LOCAL, checks_machine.python),
        root,
        Group("programs", _LOCAL, checks_machine.programs),
        Group("cgroup v2", _LOCAL, checks_machine.cgroup),
        Group("jobs", _LOCAL, lambda: checks_jobs.jobs(config)) if config else _unknown("jobs"),
        Group("jobs on several nodes", _LOCAL, checks_nodes.several),
        Group("docker", _LOCAL, lambda: checks_containers.containers(docker)),
        Group("GPUs in containers", _LOCAL, lambda: checks_containers.gpus(len(inventory()))),
    ]


def _unknown(name: str) -> Group:
    return Group(name, _LOCAL, lambda: [not_checked(name, _UNKNOWN)])
