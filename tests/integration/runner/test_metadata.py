"""The way to the machine's identity, tried from a machine of three namespaces: a container behind a bridge,
the machine itself, and Azure with its two addresses."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runner.isolation import job_folders, metadata_firewall, setup
from runner.isolation.metadata_firewall import INSTANCE, WIRE_SERVER, MetadataError
from runner.isolation.node_config import NodeConfig
from runner.isolation.setup import isolated
from runner.machine import cgroups
from runner.processes.process_tracker import ProcessTracker
from runner.processes.step_host import NodeStepHost
from shared.environment.layout import NodeLayout
from shared.names.ids import ClusterId, JobId
from tests.support import closed_machine, networks
from tests.support.networks import ip

ASK = (
    "import sys, urllib.request as u\n"
    "o = u.build_opener(u.ProxyHandler({}))\n"
    "print(o.open(f'http://{sys.argv[1]}:{sys.argv[2]}/', timeout=3).read().decode())"
)


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"identity")

    def log_message(self, *args: object) -> None:
        """Nothing."""


class Net:
    """The names of the three namespaces."""

    def __init__(self, container: str, machine: str, azure: str) -> None:
        self.container, self.machine, self.azure = container, machine, azure


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    closed_machine.need("nft", "ip", "setpriv", "unshare", "useradd")
    with ExitStack() as stack:
        names = Net(*(stack.enter_context(networks.namespace()) for _ in range(3)))
        networks.cable(names.container, "172.17.0.2/24", names.machine, "172.17.0.1/24")
        networks.cable(names.machine, "10.1.0.4/24", names.azure, "10.1.0.1/24")
        ip("-n", names.container, "route", "add", "default", "via", "172.17.0.1")
        ip("-n", names.machine, "route", "add", "default", "via", "10.1.0.1")
        ip("-n", names.azure, "route", "add", "default", "via", "10.1.0.4")
        for address in (INSTANCE, WIRE_SERVER):
            ip("-n", names.azure, "address", "add", f"{address}/32", "dev", "lo")
        networks.inside(
            names.machine, lambda: subprocess.run(["sysctl", "-qw", "net.ipv4.ip_forward=1"], check=True)
        )
        servers = networks.inside(
            names.azure, lambda: [ThreadingHTTPServer(("0.0.0.0", port), Answering) for port in (80, 53)]
        )
        for server in servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        yield names
        for server in servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def root() -> Iterator[Path]:
    with closed_machine.open_folder() as path:
        yield path


@pytest.fixture
def config(root: Path) -> NodeConfig:
    return NodeConfig(ClusterId("ws", "default"), "node-0", root / "root", metadata_open=False)


def asks(name: str, address: str, port: int = 80) -> bool:
    """Whether a plain process (root's, as the runner is) in a namespace gets an answer."""
    command = [sys.executable, "-c", ASK, address, str(port)]
    return networks.inside(name, lambda: subprocess.run(command, capture_output=True).returncode == 0)


def job_asks(net: Net, config: NodeConfig, address: str, port: int = 80) -> str:
    """What a job on the machine sees: "identity", or its complaint."""
    layout = NodeLayout(str(config.root), JobId("ws", "exp", "job"))
    job_folders.make(layout, config.isolation)
    tracker = ProcessTracker(config.isolation)
    out, err = config.root / "out", config.root / "err"
    out.write_text("")
    err.write_text("")
    said: list[str] = []
    step_host = NodeStepHost(config, layout, tracker, said.append)

    def work() -> None:
        step_host.open()
        script = Path(layout.working_directory) / "ask.py"
        script.write_text(ASK)
        command = f"/usr/bin/python3 ask.py {address} {port}"
        child = step_host.start("", command, {}, out, err)
        child.popen.wait(20)

    try:
        networks.inside(net.machine, work)
    finally:
        tracker.kill()
        tracker.close()
    return (out.read_text() + err.read_text()).strip() + "".join(said)


def test_the_stand_in_answers_everybody_while_no_firewall_is_set_up(net: Net) -> None:
    for name in (net.machine, net.container):
        assert asks(name, INSTANCE) and asks(name, WIRE_SERVER) and asks(name, WIRE_SERVER, 53)


def entered(net: Net, config: NodeConfig, test: Callable[[NodeConfig], None]) -> None:
    """Run a test while a runner with this config is up on the machine."""
    context = isolated(config)
    closed = networks.inside(net.machine, context.__enter__)
    try:
        test(closed)
    finally:
        networks.inside(net.machine, lambda: context.__exit__(None, None, None))


def test_jobs_and_containers_are_refused_and_the_runner_is_not(net: Net, config: NodeConfig) -> None:
    def test(closed: NodeConfig) -> None:
        assert closed.isolation.firewall is not None and not closed.isolation.fault
        for address in (INSTANCE, WIRE_SERVER):
            message = job_asks(net, closed, address)
            assert "urlopen error" in message and "identity" not in message
            assert not asks(net.container, address)
            assert asks(net.machine, address)
        # The machine's DNS is served at this address too.
        assert job_asks(net, closed, WIRE_SERVER, 53) == "identity"
        assert asks(net.container, WIRE_SERVER, 53)

    entered(net, replace(config, job_user=""), test)
    assert asks(net.container, INSTANCE), "the firewall is removed with the runner"


def test_jobs_that_need_the_identity_reach_it(net: Net, config: NodeConfig) -> None:
    def test(closed: NodeConfig) -> None:
        assert job_asks(net, closed, INSTANCE) == "identity"
        assert asks(net.container, INSTANCE)

    entered(net, replace(config, job_user="", metadata_open=True), test)


def test_jobs_of_the_runners_own_user_are_known_by_their_cgroup(net: Net, config: NodeConfig) -> None:
    if cgroups.home_of("") is None:
        closed_machine.lacking("no cgroup v2 that we may write to")

    def test(closed: NodeConfig) -> None:
        assert "identity" not in job_asks(net, closed, INSTANCE)
        assert "identity" not in job_asks(net, closed, INSTANCE), "the next job, in a cgroup of its own"
        assert asks(net.machine, INSTANCE)

    entered(net, replace(config, job_user="own"), test)


def test_a_killed_runner_leaves_a_table_that_the_next_one_replaces(net: Net, config: NodeConfig) -> None:
    left = metadata_firewall.closed("job-test", None)
    networks.inside(net.machine, left.__enter__)
    with ExitStack() as stack:
        again = metadata_firewall.closed("job-test", None)
        networks.inside(net.machine, again.__enter__)
        stack.callback(networks.inside, net.machine, lambda: again.__exit__(None, None, None))
        assert not asks(net.container, INSTANCE)
    assert asks(net.container, INSTANCE)


def test_a_table_that_is_gone_is_not_missed(net: Net) -> None:
    firewall = metadata_firewall.closed("job-gone", None)
    networks.inside(net.machine, firewall.__enter__)
    networks.inside(net.machine, lambda: subprocess.run(["nft", "flush", "ruleset"], check=True))
    networks.inside(net.machine, lambda: firewall.__exit__(None, None, None))


@pytest.mark.parametrize("azure", [True, False])
def test_without_nft_only_a_machine_of_azures_takes_no_job(
    config: NodeConfig, monkeypatch: pytest.MonkeyPatch, azure: bool
) -> None:
    closed_machine.need()
    monkeypatch.setattr(metadata_firewall, "find_program", lambda name: None)
    monkeypatch.setattr(setup, "is_azure_machine", lambda: azure)
    with isolated(replace(config, job_user="own")) as found:
        assert found.isolation.firewall is None
        assert ("BATCHAI_JOB_METADATA=open" in found.isolation.fault) == azure


def test_the_metadata_firewall_holds_for_groups_that_nft_can_name() -> None:
    with pytest.raises(MetadataError, match="not below"):
        metadata_firewall.MetadataFirewall("batchai-x").close_to(Path("/elsewhere/cgroup"))
