"""One node's side of the ssh between the nodes of a job, from its offer to its end."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from runner.isolation.job_user import JobUser
from runner.machine import network, tree_removal
from runner.machine.network import HeldPorts
from runner.processes.process_tracker import ProcessTracker
from runner.processes.step_host import StepHost
from runner.ssh import client, keys, server, shared_temp
from runner.ssh.access import Access, Peer, SshError
from runner.ssh.client import Client
from runner.ssh.keys import NodeKeys
from runner.ssh.server import Server
from runner.ssh.shared_temp import SharedTemp
from shared.environment.layout import NodeLayout


@dataclass(frozen=True)
class Offer:
    """What this node brings to a job of several: fresh keys, a port for sshd, ports for the job's servers."""

    user: JobUser  #: who logs in here: the job's user; root where the job runs in a container
    layout: NodeLayout
    keys: NodeKeys
    ssh_port: HeldPorts
    job_ports: HeldPorts

    @property
    def access(self) -> Access:
        """What the other nodes are given."""
        return Access(
            user=self.user.name,
            port=self.ssh_port.numbers[0],
            host_key=self.keys.host.public,
            job_key=self.keys.job.public,
            node_key=self.keys.node.public,
            shared_temp=self.layout.shared_job_temp,
        )


@contextmanager
def offered(user: JobUser, layout: NodeLayout, job_ports: int) -> Iterator[Offer]:
    """An offer whose ports are held until they are used. Raises LaunchError where there are none."""
    with network.held(1, server.SSH_PORTS) as ssh_port, network.held(job_ports) as for_job:
        yield Offer(user, layout, keys.fresh(), ssh_port, for_job)


@dataclass(frozen=True)
class Place:
    """Where one node's part of the job runs."""

    step_host: StepHost  #: where sshd is started: on the node itself, as the offer's user
    tracker: ProcessTracker
    base: Mapping[str, str]  #: variables of the machine or image, see StepHost
    job_user: JobUser  #: who the job's files belong to here
    private: Path  #: a folder of the runner's own, for keys
    enter: Sequence[str] = field(default=())  #: into the job's container, see Server
    timeout_seconds: float = 30.0


@contextmanager
def connected(
    offer: Offer,
    peers: Sequence[Peer],
    this: int,
    place: Place,
    environment: Mapping[str, str],
    say: Callable[[str], None],
    undo_failed: Callable[[str], None],
) -> Iterator[dict[str, str]]:
    """Inside the block every node that has entered it can be reached by `ssh`, and the leader's shared folder
    is here. Yields the job's variables: `environment`, and what makes ssh find the others.

    `peers` are all nodes of the job in their order, this one too. Raises SshError.
    """
    theirs = Client(Path(offer.layout.job_temp) / client.FOLDER, place.job_user, bool(place.enter))
    scratch = f"/tmp/batchai-{uuid.uuid4().hex[:8]}"
    # Into a container root logs in: then what sshd reads must be out of the job's reach.
    home = place.private if place.enter else theirs.folder
    serves = Server(
        home / "sshd", offer.user, peers[this].address, offer.ssh_port, place.enter, theirs.session
    )
    changed = theirs.environment(place.base, environment)
    try:
        theirs.write(offer.keys, peers)
        theirs.write_session({**place.base, **changed, place.tracker.mark[0]: place.tracker.mark[1]}, scratch)
        place.private.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SshError(f"the job's folder for ssh cannot be made: {error}") from error
    try:
        # The folder first: what sshd starts sees the mounts that were there when sshd was started.
        with (
            _shared(offer, peers, this, place, say, undo_failed),
            server.serving(serves, offer.keys, peers, place.step_host, say),
        ):
            yield changed
    finally:
        tree_removal.discard(theirs.folder)
        tree_removal.discard(Path(scratch))
        tree_removal.discard(place.private)


@contextmanager
def _shared(
    offer: Offer,
    peers: Sequence[Peer],
    this: int,
    place: Place,
    say: Callable[[str], None],
    undo_failed: Callable[[str], None],
) -> Iterator[None]:
    if this == 0:
        yield
        return
    shared = SharedTemp(
        leader=peers[0],
        target=Path(offer.layout.shared_job_temp),
        user=place.job_user,
        folder=place.private / "shared",
        timeout_seconds=place.timeout_seconds,
        in_container=bool(place.enter),
    )
    with shared_temp.mounted(shared, offer.keys, say, lambda: _end_all(place.tracker), undo_failed):
        yield


def _end_all(tracker: ProcessTracker) -> None:
    tracker.kill()
