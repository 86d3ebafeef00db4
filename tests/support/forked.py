"""`pytest --forks N`: N forks of the process that has collected the tests run them, a part each at a time.

Workers of xdist collect anew, each of them; a fork has what its parent has. It sends reports, and the parent
logs them as if it had run the tests: whatever listens there (terminal, junit.xml, --lf, -x) notices nothing.
A fork takes its next part when it is done with the one before: no part waits behind another.
"""

import argparse
import atexit
import ctypes
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Any

import coverage
import pytest
from _pytest.runner import CallInfo, runtestprotocol
from xdist.remote import serialize_warning_message
from xdist.workermanage import unserialize_warning_message

from tests.support.parts import part_of

_BYTES = 4  #: of a part's number
_PR_SET_PDEATHSIG = 1


def add_option(parser: pytest.Parser) -> None:
    help = "run the tests in N forks; auto: one a CPU"
    parser.addoption("--forks", metavar="N", type=_number, default=1, help=help)


def _number(asked: str) -> int:
    """How many forks are asked for. Raises ArgumentTypeError."""
    if asked == "auto":
        return len(os.sched_getaffinity(0))
    if asked.isdecimal() and int(asked):
        return int(asked)
    raise argparse.ArgumentTypeError(f"'{asked}' is no number of forks: give 1 or more, or auto")


def run(session: pytest.Session) -> bool | None:
    """Run the tests of a session; None where that is for pytest's own loop."""
    config = session.config
    forks = config.getoption("forks")
    alone = config.option.collectonly or config.option.usepdb or session.testsfailed
    if forks < 2 or alone or config.getoption("numprocesses", None):
        return None
    parts = _parts(session.items)
    running = [_started(session, parts, queue) for queue in [_queue(len(parts))] for _ in range(forks)]
    try:
        _log(session, running)
    finally:
        for fork in running:
            fork.process.terminate()
            fork.process.join()
    return True


def _parts(items: Sequence[pytest.Item]) -> list[list[pytest.Item]]:
    """What one fork runs, its tests one after the other; the longest first."""
    found: dict[tuple[int, str], list[pytest.Item]] = {}
    for item in items:
        found.setdefault(part_of(item.nodeid), []).append(item)
    return [found[part] for part in sorted(found, key=lambda part: part[0])]


def _queue(length: int) -> int:
    """A pipe with all numbers below `length`: each fork reads the next."""
    reading, writing = os.pipe()
    with open(writing, "wb") as numbers:  # noqa: PTH123  # of a descriptor
        for number in range(length):
            numbers.write(number.to_bytes(_BYTES, "big"))
    return reading


# ---- the parent


@dataclass
class _Fork:
    process: ForkProcess
    messages: Connection
    over: bool = False  #: it has said so
    last: str = ""  #: the test that ended last


def _started(session: pytest.Session, parts: Sequence[Sequence[pytest.Item]], queue: int) -> _Fork:
    reading, writing = get_context("fork").Pipe(duplex=False)
    process = get_context("fork").Process(target=_work, args=(session, parts, queue, writing))
    process.start()
    writing.close()
    return _Fork(process, reading)


def _log(session: pytest.Session, running: Sequence[_Fork]) -> None:
    """Log what comes until all have ended. As pytest's own loop, raises what ends a session early."""
    left = {fork.messages: fork for fork in running}
    while left:
        for messages in wait(list(left)):
            assert isinstance(messages, Connection)
            fork = left[messages]
            try:
                hook, content = messages.recv()
            except EOFError:
                del left[messages]
                if not fork.over:
                    raise _ended(fork) from None
                continue
            fork.over = hook == "over"
            fork.last = content.get("nodeid", fork.last)
            _log_one(session, hook, content)


def _ended(fork: _Fork) -> BaseException:
    fork.process.join()
    code, last = fork.process.exitcode, fork.last or "its start"
    return pytest.exit.Exception(f"a fork ended with {code} after {last}", pytest.ExitCode.INTERNAL_ERROR)


def _log_one(session: pytest.Session, hook: str, content: dict[str, Any]) -> None:
    config = session.config
    if hook == "warning":
        content["warning_message"] = unserialize_warning_message(content["warning_message"])
        config.hook.pytest_warning_recorded.call_historic(kwargs=content)
    elif hook == "ran":
        place = {"nodeid": content["nodeid"], "location": content["location"]}
        config.hook.pytest_runtest_logstart(**place)
        for data in content["reports"]:
            report = config.hook.pytest_report_from_serializable(config=config, data=data)
            config.hook.pytest_runtest_logreport(report=report)
        config.hook.pytest_runtest_logfinish(**place)
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    if session.shouldstop:
        raise session.Interrupted(session.shouldstop)


# ---- a fork


def _work(
    session: pytest.Session, parts: Sequence[Sequence[pytest.Item]], queue: int, messages: Connection
) -> None:
    atexit._clear()
    # Fixtures end also where the parent stops early, or is killed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    plugins = session.config.pluginmanager
    # Files that it captures into have one place to read from, for all that have them open.
    capturing: Any = plugins.getplugin("capturemanager")
    capturing.stop_global_capturing()
    capturing.start_global_capturing()
    capturing.suspend_global_capture()
    sender = _Sender(session.config, messages)
    plugins.register(sender, "sender of reports")
    try:
        _run_parts(session, _taken(parts, queue))
    except KeyboardInterrupt:
        sender.messages.close()  # who reads has stopped
    finally:
        _end_session(session, capturing, sender)
        capturing.stop_global_capturing()
        atexit._run_exitfuncs()
        if measured := coverage.Coverage.current():
            measured.stop()
            measured.save()
    if not messages.closed:
        messages.send(("over", {}))


def _run_parts(session: pytest.Session, parts: Iterator[Sequence[pytest.Item]]) -> None:
    for part in parts:
        following: Any = [*part[1:], _Elsewhere(session)]
        for item, after in zip(part, following, strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)


def _end_session(session: pytest.Session, capturing: Any, sender: "_Sender") -> None:
    """End the fixtures of the session. A fault is one of the last test, as with pytest alone."""
    if not (last := sender.last):
        return
    with capturing.item_capture("teardown", last):
        call = CallInfo.from_call(lambda: session._setupstate.teardown_exact(None), "teardown")
    if call.excinfo:
        sender.held += [last.ihook.pytest_runtest_makereport(item=last, call=call)]
    sender.send_held()


def _taken(parts: Sequence[Sequence[pytest.Item]], queue: int) -> Iterator[Sequence[pytest.Item]]:
    while number := os.read(queue, _BYTES):
        yield parts[int.from_bytes(number, "big")]


@dataclass
class _Elsewhere:
    """What follows the last test of a part: nobody knows yet. Fixtures of the session stay, and no others."""

    session: pytest.Session

    def listchain(self) -> list[pytest.Session]:
        return [self.session]


@dataclass
class _Sender:
    """Of a fork: sends what pytest would log."""

    config: pytest.Config
    messages: Connection
    last: pytest.Item | None = None
    #: Its reports, until another begins or the session ends: that may go wrong.
    held: list[pytest.TestReport] = field(default_factory=list)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        self.send_held()
        self.last = item
        self.held = runtestprotocol(item, log=False, nextitem=nextitem)
        if not isinstance(nextitem, _Elsewhere):
            self.send_held()
        return True

    def send_held(self) -> None:
        """A last step that went well counts no more where another has followed it."""
        if self.last and self.held and not self.messages.closed:
            ended = [report for report in self.held[:-1] if report.when != "teardown" or report.failed]
            data = [
                self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
                for report in (*ended, self.held[-1])
            ]
            place = {"nodeid": self.last.nodeid, "location": self.last.location}
            self.messages.send(("ran", {**place, "reports": data}))
        self.held = []

    def pytest_warning_recorded(self, warning_message: Any, when: str, nodeid: str, location: Any) -> None:
        content = {"when": when, "nodeid": nodeid, "location": location}
        warned = serialize_warning_message(warning_message)
        self.messages.send(("warning", content | {"warning_message": warned}))
