"""How jobs are kept apart from this machine: their user, temp folders, limits, the metadata endpoint."""

import os
import uuid
from pathlib import Path

from runner.config import RunnerConfig
from runner.doctor.check import Check, failed, not_checked, ok
from runner.isolation import cgroup_limits, metadata_firewall, setup, unix_accounts
from runner.isolation.job_user import own
from runner.isolation.metadata_firewall import MetadataError
from runner.isolation.unix_accounts import AccountError
from runner.limits import Limits, size
from runner.machine import cgroups
from runner.machine.commands import find_program
from runner.machine.scheduled_events import is_azure_machine

_ROOT = "run the runner as root"
_SERVICE = "run the runner as a root service of systemd, Delegate=yes"


def jobs(config: RunnerConfig) -> list[Check]:
    """What a runner with this config would do, tried without taking a slot or making a user."""
    return [_user(config), _temp(config), _ipc(), *_limits(config.limits), _metadata(config)]


def _user(config: RunnerConfig) -> Check:
    name = "job user"
    if config.job_user == setup.OWN:
        return ok(name, f"the runner's own, {own().name}, as BATCHAI_JOB_USER says")
    if config.job_user:
        try:
            user = unix_accounts.of_name(config.job_user)
        except AccountError as error:
            return failed(
                name, str(error), f"sudo useradd --system {config.job_user}  # or change the setting"
            )
        return ok(name, f"{user.name} (uid {user.uid}), as BATCHAI_JOB_USER says")
    if os.geteuid() != 0:
        return not_checked(name, f"the runner's own, {own().name}: it is not root", _ROOT)
    missing = [program for program in ("useradd", "setpriv") if find_program(program) is None]
    if missing:
        return failed(name, f"missing: {', '.join(missing)}", "sudo apt-get install passwd util-linux")
    return ok(name, "one for each runner of this machine, batchai-job-0 and on")


def _temp(config: RunnerConfig) -> Check:
    name = "job temp folders"
    if fault := setup.shared_temp_fault(config):
        return not_checked(name, f"jobs use the machine's /tmp: {fault}")
    return ok(name, f"each job has its own {', '.join(place for place in setup.SHARED_PLACES if _is(place))}")


def _ipc() -> Check:
    name = "job IPC"
    if fault := setup.shared_ipc_fault():
        return not_checked(name, f"jobs use the machine's System V memory: {fault}", _ROOT)
    return ok(name, "each job has System V memory and queues of its own")


def _is(place: str) -> bool:
    return Path(place).is_dir()


def _limits(limits: Limits) -> list[Check]:
    """By making the groups of a job."""
    name = f"doctor-{uuid.uuid4().hex[:8]}"
    group = cgroups.make(name)
    made = cgroup_limits.set_up(name, limits, group)
    held = {controller for controller in ("cpu", "memory", "pids") if made.holds(controller)}
    made.remove()
    if group:
        group.remove()
    return [
        _processors("cpu" in held),
        _memory_limit(limits.memory, "memory" in held),
        _process_limit(limits.processes, "pids" in held),
    ]


def _processors(held: bool) -> Check:
    name = "job processors"
    if held:
        return ok(name, "as many as there are, but after the runner, however many processes want them")
    words = "by priority only: thousands of busy processes could slow the runner down"
    return not_checked(name, f"{words}; there is no cgroup controller of processors for us", _SERVICE)


def _memory_limit(limit: int | None, held: bool) -> Check:
    name = "job memory"
    if limit is None:
        return ok(name, "no limit, as BATCHAI_JOB_MEMORY says")
    if held:
        return ok(name, f"{size(limit)} at most")
    words = "no limit: there is no cgroup controller of memory for us; the kernel takes jobs first"
    return not_checked(name, words, _SERVICE)


def _process_limit(limit: int | None, held: bool) -> Check:
    name = "job processes"
    if limit is None:
        return ok(name, "no limit, as BATCHAI_JOB_PROCESSES says")
    if held:
        return ok(name, f"{limit} at most, threads included")
    if os.geteuid() == 0:
        return ok(name, f"{limit} at most of the jobs' user, threads included")
    words = "no limit: there is no cgroup controller of processes for us"
    return not_checked(name, words, _SERVICE)


def _metadata(config: RunnerConfig) -> Check:
    """By closing the firewall for a moment, in a table of another name."""
    name = "metadata endpoint"
    if config.metadata_open:
        return ok(name, "open to jobs, as BATCHAI_JOB_METADATA says")
    try:
        with metadata_firewall.closed(f"doctor-{uuid.uuid4().hex[:8]}", None):
            return ok(name, "closed to jobs")
    except MetadataError as error:
        remedy = "sudo apt-get install nftables  # and run the runner as root; or BATCHAI_JOB_METADATA=open"
        if is_azure_machine():
            return failed(name, f"{error}; this machine takes no job", remedy)
        return not_checked(name, str(error), remedy)
