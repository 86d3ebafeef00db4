"""An Agent in a thread, as its own process would run it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from runner.agent import Agent


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
