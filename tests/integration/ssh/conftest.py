"""Nodes of one job on this machine, each with an address of the loopback network and a root of its own."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from runner.isolation import job_folders
from runner.isolation.job_user import own
from runner.isolation.node_config import NodeConfig
from runner.isolation.setup import isolated
from runner.processes import job_process
from runner.processes.job_process import JobProcess
from runner.processes.process_tracker import ProcessTracker
from runner.processes.step_host import NodeStepHost
from runner.ssh import server, shared_temp
from runner.ssh.access import Peer, access_from_json
from runner.ssh.connection import Offer, Place, connected, offered
from shared.documents.spec import JobSpec
from shared.environment.layout import NodeLayout
from shared.environment.variables import Node, Placement, job_environment
from shared.names.ids import ClusterId
from tests.support import closed_machine
from tests.support.placements import JOB, SCOPE, job
from tests.support.waiting import eventually

SECRET = "s3cr3t-of-the-job"


@dataclass
class LinkedNode:
    """One node while the job is linked."""

    placement: Placement
    step_host: NodeStepHost
    tracker: ProcessTracker
    offer: Offer
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    started: list[JobProcess] = field(default_factory=list)

    @property
    def layout(self) -> NodeLayout:
        return self.placement.layout

    def start(self, command: str) -> JobProcess:
        out, err = self.folder / "out", self.folder / "err"
        out.write_bytes(b"")
        err.write_bytes(b"")
        self.started.append(self.step_host.start("", command, self.environment, out, err))
        return self.started[-1]

    def run(self, command: str, code: int = 0) -> str:
        """What the command of the job prints on this node."""
        running = self.start(command)
        eventually(lambda: running.exit_code is not None, 60)
        out, err = ((self.folder / name).read_text() for name in ("out", "err"))
        assert running.exit_code == code, out + err
        return out + err if code else out


def _fault() -> str | None:
    return server.fault(own()) or shared_temp.fault(own())


@dataclass
class Pair:
    """Makes the nodes; see `linked`."""

    tmp_path: Path
    closed: bool = False  #: each node's jobs have a user of their own
    addresses: tuple[str, ...] = ("127.0.0.2", "127.0.0.3")

    def _placement(self, index: int, offers: list[Offer]) -> Placement:
        nodes = tuple(
            Node(f"node-{i}", address, 0, offers[i].job_ports.numbers)
            for i, address in enumerate(self.addresses)
        )
        return Placement(
            SCOPE, JOB, ClusterId("ws", "gpus"), "the-uuid", 1, offers[index].layout, nodes, index
        )

    @contextmanager
    def _config(self, index: int) -> Iterator[NodeConfig]:
        root = self.tmp_path / f"root-{index}"
        config = NodeConfig(ClusterId("ws", "gpus"), f"node-{index}", root)
        if not self.closed:
            yield config
            return
        with isolated(replace(config, job_user="")) as closed:
            yield closed

    @contextmanager
    def linked(self, spec: JobSpec | None = None, leader_late: bool = False) -> Iterator[list[LinkedNode]]:
        """The nodes, each connected to the others; released in reverse order.

        `leader_late`: the other node has asked the leader for its folder before its sshd is there.
        """
        spec = spec or job(len(self.addresses), secrets=[{"name": "TOKEN", "value": SECRET}])
        with ExitStack() as stack:
            offers: list[Offer] = []
            configs: list[NodeConfig] = []
            for index in range(len(self.addresses)):
                config = stack.enter_context(self._config(index))
                layout = NodeLayout(str(config.root), JOB)
                job_folders.make(layout, config.isolation)
                configs.append(config)
                offers.append(stack.enter_context(offered(config.isolation.user, layout, 2)))
            peers = tuple(
                Peer(f"node-{i}", address, access_from_json(offers[i].access.to_json()))
                for i, address in enumerate(self.addresses)
            )

            def enter(index: int) -> LinkedNode:
                where, offer, config = self._placement(index, offers), offers[index], configs[index]
                return self._enter(stack, spec, where, offer, peers, config)

            if not leader_late:
                yield [enter(index) for index in range(len(self.addresses))]
                return
            with ThreadPoolExecutor() as pool:
                helper = pool.submit(enter, 1)
                log = self.tmp_path / "node-1" / "private" / "shared" / "log"
                eventually(lambda: log.exists() and b"reset" in log.read_bytes(), 20)
                leader = enter(0)
                yield [leader, helper.result(30)]

    def _enter(
        self,
        stack: ExitStack,
        spec: JobSpec,
        placement: Placement,
        offer: Offer,
        peers: tuple[Peer, ...],
        config: NodeConfig,
    ) -> LinkedNode:
        tracker = ProcessTracker()
        folder = self.tmp_path / f"node-{placement.index}"
        folder.mkdir()
        said: list[str] = []
        faults: list[str] = []
        started: list[JobProcess] = []
        step_host = NodeStepHost(config, placement.layout, tracker, said.append)
        place = Place(step_host, tracker, step_host.base, config.isolation.user, folder / "private")
        stack.callback(tracker.close)
        stack.callback(job_process.kill_left, started)
        stack.callback(tracker.kill)
        variables = job_environment(spec, placement, base=step_host.base)
        environment = stack.enter_context(
            connected(offer, peers, placement.index, place, variables, said.append, faults.append)
        )
        return LinkedNode(placement, step_host, tracker, offer, folder, environment, said, faults, started)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In the place of pytest's, which other users cannot reach."""
    with closed_machine.open_folder() if os.geteuid() == 0 else TemporaryDirectory() as path:
        yield Path(path)


@pytest.fixture(params=["own", "closed"])
def pair(tmp_path: Path, request: pytest.FixtureRequest) -> Pair:
    """Nodes whose jobs run as the runner's user, and nodes with a user each for theirs."""
    fault = _fault()
    if fault and os.environ.get("CI"):
        pytest.fail(f"CI must have this: {fault}")
    if fault:
        pytest.skip(fault)
    closed = request.param == "closed"
    if closed:
        closed_machine.need("useradd", "setpriv", "unshare", "prlimit")
    return Pair(tmp_path, closed)


@pytest.fixture
def allreduce(tmp_path: Path) -> Path:
    """A compiled program that adds up rank + 1 over all ranks by MPI_Allreduce."""
    program = tmp_path / "allreduce"
    source = Path(__file__).parents[2] / "engines" / "allreduce.c"
    subprocess.run(["mpicc", "-o", str(program), str(source)], check=True)
    return program
