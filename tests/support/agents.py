"""The runner in the process of a test: an Agent in a thread, and one attempt of one job."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from runner.agent.gang_session import gang_session
from runner.agent.loop import Agent
from runner.attempt.host import AttemptHost
from runner.attempt.job_runner import JobRunner
from runner.isolation.node_config import NodeConfig
from runner.processes.process_tracker import ProcessTracker
from runner.processes.stop_signal import StopSignal
from runner.ssh.ssh_link import SshLink
from shared.backend import Backend
from shared.environment.variables import Node
from shared.managers.claims import Claim
from shared.stores.connection import CallCounter
from tests.support.world import World


def agent(backend: Backend, config: NodeConfig) -> Agent:
    """A runner as `python -m runner` makes it, without GPUs."""
    return Agent(backend, config, gang_session(SshLink))


@contextmanager
def running(agent: Agent, seconds: float = 30.0) -> Iterator[None]:
    """The agent works inside the block; it is drained at the end, and what it raised is raised here."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            agent.run()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work, name="agent")
    thread.start()
    try:
        yield
    finally:
        agent.stop()
        thread.join(seconds)
    assert not thread.is_alive(), f"the agent did not stop within {seconds} s"
    if raised:
        raise raised[0]


def job_runner(
    world: World, config: NodeConfig, claim: Claim, stop: StopSignal, counter: CallCounter | None = None
) -> JobRunner:
    """The runner of one claimed job, on a cluster without volumes of its own."""
    return JobRunner(
        host=AttemptHost(config, world.settings, world.backend.workspaces.file_server, counter=counter),
        claim=claim,
        node=Node(config.node_id, "127.0.0.1", 0),
        stop=stop,
        tracker=ProcessTracker(config.isolation),
    )
