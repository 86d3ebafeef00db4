"""What a runner does about isolation when it starts: takes a slot, finds its jobs' user, says what it
found."""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path

import psutil

from runner.config import RunnerConfig
from runner.isolation import ipc, metadata_firewall, slots, unix_accounts
from runner.isolation.isolation import Isolation
from runner.isolation.job_user import JobUser, own
from runner.isolation.metadata_firewall import MetadataError, MetadataFirewall
from runner.isolation.node_config import NodeConfig
from runner.isolation.slots import NoSlotError
from runner.isolation.unix_accounts import AccountError
from runner.machine import cgroups
from runner.machine.commands import find_program, run
from runner.machine.scheduled_events import is_azure_machine
from shared.errors import SettingsError

log = logging.getLogger(__name__)

#: The value of BATCHAI_JOB_USER that leaves jobs to the runner's own user, whoever that is.
OWN = "own"
_SECONDS = 30.0
#: What a private temp folder covers.
SHARED_PLACES = ("/tmp", "/var/tmp", "/dev/shm")


@contextmanager
def isolated(config: RunnerConfig) -> Iterator[NodeConfig]:
    """The settings with what can be had of isolation on this machine; the slot is held until left.

    Raises SettingsError where what was asked for cannot be had.
    """
    with ExitStack() as stack:
        try:
            _close_own_folder(config)
            user, slot = _user(config, stack)
            _refuse_unreachable(user, config)
        except (AccountError, NoSlotError, OSError) as error:
            raise SettingsError((f"jobs cannot run here: {error}",)) from error
        if user.exclusive:
            _end_processes_of(user)
        if not user.is_own:
            _make_gpu_devices()
        cgroups.delegate()
        label = f"job-{slot}" if slot is not None else f"own-{_digest(config.root)}"
        firewall, fault = _firewall(config, user, label, stack)
        temp, space = _private_temp(config), _private_ipc()
        isolation = Isolation(user, slot, label, config.limits, temp, space, firewall, fault)
        log.info("jobs run as %s", describe(isolation), extra={"action": "isolation"})
        yield NodeConfig.of(config, isolation)


def _close_own_folder(config: RunnerConfig) -> None:
    config.work.mkdir(parents=True, exist_ok=True)
    config.work.chmod(0o700)


def _user(config: RunnerConfig, stack: ExitStack) -> tuple[JobUser, int | None]:
    if config.job_user == OWN:
        return own(), None
    if config.job_user:
        return unix_accounts.of_name(config.job_user), None
    if os.geteuid() != 0:
        log.info("the runner is not root: jobs run as its own user", extra={"action": "isolation"})
        return own(), None
    slot = stack.enter_context(slots.taken(config.root))
    return unix_accounts.of_slot(slot), slot


def _refuse_unreachable(user: JobUser, config: RunnerConfig) -> None:
    places = [config.root, *(Path(p) for p in config.path.split(os.pathsep) if p)]
    if config.python.startswith("/"):
        places.append(Path(config.python))
    for place in places:
        if closed := unix_accounts.closed_to(user, place):
            raise AccountError(
                f"{place} is out of reach of their user {user.name}: {closed} is closed to it. "
                f"Open it (chmod o+x {closed}), choose another place, or set BATCHAI_JOB_USER={OWN}"
            )


def _digest(root: Path) -> str:
    return sha256(os.fsencode(root)).hexdigest()[:8]


def _firewall(
    config: RunnerConfig, user: JobUser, label: str, stack: ExitStack
) -> tuple[MetadataFirewall | None, str]:
    """The closed firewall, or why this machine must take no job: only Azure's have an identity to lose."""
    if config.metadata_open:
        return None, ""
    try:
        return stack.enter_context(metadata_firewall.closed(label, None if user.is_own else user.uid)), ""
    except MetadataError as error:
        log.warning("%s", error, extra={"action": "metadata"})
        return None, str(error) if is_azure_machine() else ""


def _private_temp(config: RunnerConfig) -> bool:
    fault = shared_temp_fault(config)
    if fault:
        log.info("jobs share the machine's /tmp: %s", fault, extra={"action": "isolation"})
    return not fault


def _private_ipc() -> bool:
    fault = shared_ipc_fault()
    if fault:
        log.info("jobs share the machine's System V memory: %s", fault, extra={"action": "isolation"})
    return not fault


def shared_ipc_fault() -> str:
    """Why jobs cannot have System V memory, queues and semaphores of their own, or ""."""
    try:
        os.close(ipc.make_space())
    except OSError as error:
        return f"an IPC namespace cannot be made: {error.strerror}"
    return ""


def shared_temp_fault(config: RunnerConfig) -> str:
    """Why jobs cannot have temp folders of their own in the place of the machine's, or ""."""
    if os.geteuid() != 0:
        return "the runner is not root"
    if find_program("unshare") is None:
        return "unshare is missing (util-linux)"
    needed = needed_by_jobs(config)
    hidden = (path for path in needed if any(path.is_relative_to(place) for place in SHARED_PLACES))
    return next((f"{path}, which they need, lies there" for path in hidden), "")


def needed_by_jobs(config: RunnerConfig) -> list[Path]:
    """Folders of the machine that jobs must find."""
    path = (Path(p) for p in config.path.split(os.pathsep) if p)
    return [config.root, *config.premounted.values(), *path]


def _make_gpu_devices() -> None:
    """CUDA makes /dev/nvidia-uvm when it is first used, by a set-user-id program, which has no power in a
    job."""
    if program := find_program("nvidia-modprobe"):
        made = run([program, "-c", "0", "-u"], timeout_seconds=_SECONDS)
        if not made.ok:
            log.warning("GPU devices: %s", made, extra={"action": "isolation"})


def _end_processes_of(user: JobUser) -> None:
    """What a runner that was killed has left in this slot."""
    for process in psutil.process_iter():
        try:
            if process.uids().real == user.uid:
                process.kill()
        except psutil.Error:
            continue


def describe(isolation: Isolation) -> str:
    """In words, for the log and the doctor."""
    user = isolation.user
    words = [f"{user.name} (uid {user.uid})"]
    words.append("temp folders of their own" if isolation.private_temp else "the machine's /tmp")
    words.append("System V memory " + ("of their own" if isolation.private_ipc else "of the machine"))
    words.append(
        "the metadata endpoint " + ("is closed to them" if isolation.firewall else "is open to them")
    )
    return ", ".join(words)
