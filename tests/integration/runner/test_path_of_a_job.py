"""How long the way of a job of one node is, from the agent's look at its queues to the report of its end.

How it is counted: a profile function watches the agent's thread. The path begins with the call of `next_job`
that claims the job and ends with the next look at a queue. Frames are those on the stack when the job's
first process is about to be started: `Agent._work`, which holds the loop, to `job_process.start`, inclusive.
Types are the classes of `runner` and `shared` one of whose methods, properties or generated `__init__` is
entered on the path, by the class of its `self` or `cls`. The first job of a process meets most: two more than
later ones, which find answers that were kept.
"""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path as FilePath
from types import FrameType
from typing import Any

import pytest

from runner.agent.job_session import NodeServices, Session
from runner.agent.loop import Agent
from runner.isolation.node_config import NodeConfig
from runner.processes import job_process
from shared.jobs.model import State
from shared.managers.claims import Claim, Claims, Help
from tests.support.agents import running
from tests.support.waiting import eventually
from tests.support.world import World, document

_GANG = (
    "runner.agent.gang_session",
    "runner.gang",
    "runner.ssh",
    "shared.jobs.gang",
    "shared.managers.gang_manager",
    "shared.stores.gang_table",
)
_LOADED = "import sys; from runner.agent import loop; print(*sys.modules)"


PROJECT = FilePath(__file__).parents[3]


class Path:
    """What a job's path has met. `watch` is a profile function for the agent's thread."""

    def __init__(self) -> None:
        self.modules: set[str] = set()
        self.types: set[str] = set()
        self.stack: list[str] = []  #: at the start of the first process, the loop first
        self.is_over = False

    def watch(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or threading.current_thread().name != "agent" or self.is_over:
            return
        code = frame.f_code
        if code is Claims.next_job.__code__:
            if self.stack:
                self.is_over = True
                return
            self.modules, self.types = set(), set()
        module = str(frame.f_globals.get("__name__", ""))
        if not module.startswith(("runner.", "shared.")):
            return
        self.modules.add(module)
        for name in ("self", "cls"):
            if (owner := frame.f_locals.get(name)) is not None:
                kind = owner if isinstance(owner, type) else type(owner)
                if kind.__module__.startswith(("runner.", "shared.")):
                    self.types.add(f"{kind.__module__}.{kind.__qualname__}")
        if code is job_process.start.__code__ and not self.stack:
            self.stack = _stack(frame)


def _stack(frame: FrameType | None) -> list[str]:
    """The frames from the agent's loop to this one."""
    found: list[str] = []
    while frame is not None:
        found.insert(0, frame.f_code.co_qualname)
        if frame.f_code is Agent._work.__code__:
            return found
        frame = frame.f_back
    raise AssertionError(f"not below the agent's loop: {found}")


def _no_gang(services: NodeServices, found: Claim | Help) -> Session:
    raise AssertionError("a job of one node was taken for one of several")


@pytest.fixture
def path(world: World, config: Callable[..., NodeConfig]) -> Path:
    """The path of a job that does nothing, from queue to end."""
    found = Path()
    world.accept(data=document("true"))
    threading.setprofile(found.watch)
    try:
        agent = Agent(world.backend, config(), _no_gang)
        with running(agent):
            threading.setprofile(None)
            eventually(lambda: not world.job().state.live, 20)
            eventually(lambda: found.is_over, 20)
    finally:
        threading.setprofile(None)
    assert world.job().state is State.SUCCEEDED
    return found


def test_the_first_process_is_at_most_nine_frames_below_the_loop(path: Path) -> None:
    assert len(path.stack) <= 9, "\n".join(path.stack)


def test_a_job_of_one_node_meets_nothing_of_gangs(path: Path) -> None:
    met = path.modules | {name.rpartition(".")[0] for name in path.types}
    assert not {name for name in met if name.startswith(_GANG)}


def test_an_agent_loads_nothing_of_gangs_but_what_the_backend_has() -> None:
    """Whoever makes it hands in what makes sessions of several nodes."""
    words = [sys.executable, "-c", _LOADED]
    loaded = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split()
    assert "runner.attempt.job_runner" in loaded
    assert not [name for name in loaded if name.startswith(_GANG[:3])]


def test_a_job_meets_at_most_ninety_types(path: Path) -> None:
    assert len(path.types) <= 90, "\n".join(sorted(path.types))
