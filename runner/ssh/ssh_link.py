"""The gang's hook (see gang_types): its nodes reach each other by ssh and share the leader's folder."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from runner.attempt.peers import Scene
from runner.containers.container_host import ContainerStepHost
from runner.containers.docker import Docker
from runner.gang.link import Offer
from runner.isolation.isolation import NOT_ISOLATED
from runner.isolation.job_user import JobUser, own
from runner.isolation.node_config import NodeConfig
from runner.processes.step_host import NodeStepHost
from runner.ssh import connection, server, shared_temp
from runner.ssh.access import Peer, SshError, access_from_json
from runner.ssh.connection import Place, connected, offered
from runner.ssh.show_in_container import show_inside
from shared.documents.spec import JobSpec
from shared.environment.layout import NodeLayout
from shared.jobs.gang import Member
from shared.launch.planning import port_count
from shared.names.ids import JobId


class SshLink:
    """One node's ssh for one gang. See gang_types.Link."""

    def __init__(self, config: NodeConfig, job: JobId, spec: JobSpec) -> None:
        self._config = config
        self._layout = NodeLayout(str(config.root), job)
        self._ports = port_count(spec)
        self._in_container = spec.container_settings is not None
        self._offer: connection.Offer | None = None

    @property
    def _user(self) -> JobUser:
        """Who logs in here. A container's files belong to root, who also may enter it."""
        return own() if self._in_container else self._config.isolation.user

    @contextmanager
    def offer(self) -> Iterator[Offer]:
        """Fresh keys and free ports; nothing runs yet."""
        if wrong := server.fault(self._user) or shared_temp.fault(self._user, self._in_container):
            raise SshError(f"this node cannot be one of several: {wrong}")
        with offered(self._user, self._layout, self._ports) as made:
            self._offer = made
            yield Offer(made.access.to_json(), made.job_ports.numbers)

    @contextmanager
    def connected(self, scene: Scene, members: Sequence[Member]) -> Iterator[Mapping[str, str]]:
        """sshd answers, and the leader's shared folder is here, on the node and in the job's container."""
        offer, step_host = self._offer, scene.step_host
        if offer is None:
            raise SshError("this node has offered nothing")
        index, peers = scene.placement.index, peers_of(members)
        place = self._place(scene)
        with connected(
            offer, peers, index, place, scene.environment, scene.say, scene.undo_failed
        ) as environment:
            if index and isinstance(step_host, ContainerStepHost):
                show_inside(step_host.first_pid, Path(self._layout.shared_job_temp))
            yield environment

    def launching(self) -> None:
        """The job's own servers may have the ports that were held for them."""
        if self._offer:
            self._offer.job_ports.release()

    def _place(self, scene: Scene) -> Place:
        """Where sshd runs: where the job's processes do, or beside their container."""
        private = self._config.work / "ssh" / f"{scene.placement.uuid}-{scene.placement.attempt}"
        step_host, base = scene.step_host, scene.step_host.base
        if not isinstance(step_host, ContainerStepHost):
            return Place(step_host, scene.tracker, base, self._user, private)
        enter = entering(Docker(self._config.docker), step_host.name)
        beside = replace(self._config, isolation=NOT_ISOLATED)
        node = NodeStepHost(beside, self._layout, scene.tracker, scene.say)
        return Place(node, scene.tracker, base, self._user, private, enter)


def peers_of(members: Sequence[Member]) -> tuple[Peer, ...]:
    """The gang's nodes as ssh knows them. Raises SshError for one that has sent nothing of use."""
    return tuple(Peer(m.node_id, m.address, access_from_json(m.access)) for m in members)


def entering(docker: Docker, container: str) -> tuple[str, ...]:
    """The words before a command that is to run in the container; sshd gives a login no environment."""
    message = docker.client_environment()
    words = [
        f"{name}={value}" for name, value in message.items() if name.startswith(("DOCKER_", "CONTAINER_"))
    ]
    return ("env", *words, *docker.words("exec", "--interactive", container))
