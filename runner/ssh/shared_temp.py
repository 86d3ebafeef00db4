"""The leader's AZ_BATCHAI_SHARED_JOB_TEMP on the other nodes of a job, through sshfs."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.isolation.job_user import JobUser, own
from runner.machine import mountinfo, tree_removal
from runner.machine.commands import find_program, run
from runner.mounts.drivers import fuse_process
from runner.mounts.drivers.fuse_process import FuseProcess
from runner.mounts.unmounting import unmount
from runner.secrets.settings import without_settings
from runner.ssh.access import Peer, SshError
from runner.ssh.client import config, known_hosts
from runner.ssh.keys import NodeKeys, make_folder, write

#: A leader that cannot be reached for longer than this ends the mount; the attempt's lease is longer.
_ALIVE_SECONDS, _ALIVE_TIMES = 10, 3
_PAUSE_SECONDS = 0.1
_UNMOUNT_SECONDS = 3.0  # for each step


@dataclass(frozen=True)
class SharedTemp:
    """Whose folder is to appear where."""

    leader: Peer
    target: Path  #: exists and is empty
    user: JobUser  #: who the files belong to, as seen here
    folder: Path  #: made for the mount's key and log; private to the runner
    timeout_seconds: float  #: for the mount to appear
    in_container: bool = False  #: then others than `user` may come too


def fault(user: JobUser, in_container: bool = False) -> str | None:
    """Why this machine cannot mount it for this user, or None."""
    if find_program("sshfs") is None:
        return "sshfs is not installed (apt-get install sshfs)"
    if _needs_others(user, in_container) and not fuse_process.may_allow_others():
        return "other users than the runner's may not be let into FUSE mounts (user_allow_other in fuse.conf)"
    return fuse_process.fuse_fault()


def _needs_others(user: JobUser, in_container: bool) -> bool:
    return in_container or not user.is_own


@contextmanager
def mounted(
    shared: SharedTemp,
    keys: NodeKeys,
    say: Callable[[str], None],
    end_users: Callable[[], None],
    undo_failed: Callable[[str], None],
) -> Iterator[None]:
    """The leader's folder is at `shared.target` inside the block.

    `end_users` ends every process that may use it, before it is unmounted; `undo_failed` is called with what
    is left then. Raises SshError when it cannot be mounted.
    """
    if wrong := fault(shared.user, shared.in_container):
        raise SshError(f"the job's shared folder cannot be mounted: {wrong}")
    try:
        _write(shared, keys)
        process = _mount(shared)
    except OSError as error:
        raise SshError(f"the job's shared folder cannot be mounted: {error}") from error
    try:
        say(f"{shared.target} is the shared folder of {shared.leader.node_id}")
        yield
    finally:
        _undo(process, say, end_users, undo_failed)
        tree_removal.discard(shared.folder)


def _write(shared: SharedTemp, keys: NodeKeys) -> None:
    runner = own()
    make_folder(shared.folder, runner)
    write(shared.folder / "key", keys.node.private, runner)
    write(shared.folder / "known_hosts", known_hosts((shared.leader,)), runner)
    write(shared.folder / "config", config((shared.leader,), shared.folder), runner)


def _mount(shared: SharedTemp) -> FuseProcess:
    """Again and again until the time is up: the leader's sshd may not be there yet. Raises SshError."""
    deadline = time.monotonic() + shared.timeout_seconds
    while True:
        # What is left of our environment holds the mark by which the job's process tracker knows that this is
        # none of its processes.
        environment = without_settings(os.environ)
        process = fuse_process.start(_command(shared), environment, shared.target, shared.folder / "log", ())
        wrong = _wait_until_it_serves(process, max(0.1, deadline - time.monotonic()))
        if wrong is None:
            return process
        fuse_process.wait_until_gone(process, 0.0)
        unmount(shared.target, lambda words: None, _UNMOUNT_SECONDS)
        if time.monotonic() > deadline:
            raise SshError(f"the shared folder of node {shared.leader.node_id} cannot be mounted: {wrong}")
        time.sleep(_PAUSE_SECONDS)


def _wait_until_it_serves(process: FuseProcess, seconds: float) -> str | None:
    """None once the leader's folder answers, otherwise what went wrong. sshfs mounts before it connects, and
    takes the mount away again when nobody answers."""
    wrong = fuse_process.wait_until_mounted(process, seconds)
    if wrong:
        return wrong
    asked = run(["ls", "--", str(process.target)], timeout_seconds=seconds)
    if asked.ok and process.ended(0.05) is None and mountinfo.mounted_at(process.target) is not None:
        return None
    return f"{asked.output} {process.words()}".strip() or "the leader does not answer"


def _command(shared: SharedTemp) -> Sequence[str]:
    options = [
        *(["allow_other"] if _needs_others(shared.user, shared.in_container) else []),
        f"uid={shared.user.uid},gid={shared.user.gid}",
        # Files that another node has just written must be seen: it is what people use the folder for.
        "dir_cache=no,attr_timeout=0,entry_timeout=0",
        f"ServerAliveInterval={_ALIVE_SECONDS},ServerAliveCountMax={_ALIVE_TIMES}",
    ]
    program = find_program("sshfs") or "sshfs"
    source = f"{shared.leader.node_id}:{shared.leader.access.shared_temp}"
    words = [program, "-f", "-F", str(shared.folder / "config"), source, str(shared.target)]
    return [*words, *(word for option in options for word in ("-o", option))]


def _undo(
    process: FuseProcess,
    say: Callable[[str], None],
    end_users: Callable[[], None],
    undo_failed: Callable[[str], None],
) -> None:
    end_users()
    if mountinfo.mounted_at(process.target) is not None and process.ended() is None:
        undone = unmount(process.target, say, _UNMOUNT_SECONDS)
        if undone.gone:
            fuse_process.wait_until_gone(process, _UNMOUNT_SECONDS)
    if process.ended() is None:
        # Whoever waits for a leader that does not answer is let go by the end of sshfs, and by nothing else.
        fuse_process.wait_until_gone(process, 0.0)
        end_users()
    undone = unmount(process.target, say, _UNMOUNT_SECONDS)
    if not undone.gone:
        undo_failed(f"the job's shared folder is still mounted at {process.target}: {undone}")
