"""Carrying logs never changes what becomes of a job, nor does it keep a runner that is wanted elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from runner.attempt.result import Result
from runner.isolation.node_config import NodeConfig
from runner.logs.shipper import LogShipper
from runner.processes import stop_signal
from runner.processes.stop_signal import StopReason
from shared.jobs.model import Reason
from shared.stores.volumes.file_shares import ShareAddress, ShareFolder
from tests.integration.runner.conftest import Shares
from tests.integration.runner.stage import Stage
from tests.support.waiting import eventually
from tests.support.wire import Wire
from tests.support.world import World

#: What Azure Files says while somebody has the file open over SMB; what it says of a share that is being
#: deleted; of a key that was changed; and what no service says.
_REFUSALS = [
    (409, "SharingViolation"),
    (409, "ShareBeingDeleted"),
    (403, "AuthenticationFailed"),
    (418, "Tea"),
]


@pytest.fixture
def stage(world: World, shares: Shares, config: Callable[..., NodeConfig]) -> Stage:
    return Stage(world, shares, config())


@pytest.fixture
def wire(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """Before the share of the logs; what does not arrive is waited for as long as a test has time."""
    monkeypatch.setattr(stop_signal, "_DRAIN_SECONDS", 1.5)
    port = urlsplit(stage.shares.endpoint).port or 0
    with Wire(port) as wire:
        volume = stage.shares.volume("logs")
        through = str(volume["azureFileUrl"]).replace(f":{port}/", f":{wire.port}/")
        stage.volumes = {"azureFileShares": [volume | {"azureFileUrl": through}]}
        yield wire


def of(name: str) -> Callable[[str, str], bool]:
    """Writes to a log file."""
    return lambda method, path: method == "PUT" and name in path


def completes(result: Result) -> dict[str, bool]:
    return {seal.name: seal.complete for seal in result.report.seals}


def succeeded(result: Result) -> bool:
    outcome = result.outcome
    return outcome is not None and (outcome.reason, outcome.exit_code) == (Reason.SUCCEEDED, 0)


@pytest.mark.parametrize(("status", "code"), _REFUSALS)
def test_a_log_that_is_refused_for_good_is_sealed_as_incomplete(
    stage: Stage, wire: Wire, status: int, code: str
) -> None:
    wire.refusals.append((of("/stdout.txt?comp=range"), status, code))
    result = stage.run(stage.claim("echo hello; echo oops >&2"))
    assert succeeded(result) and not result.node_fault
    assert completes(result) == {"execution.log": True, "stdout.txt": False, "stderr.txt": True}
    assert stage.log("stderr.txt") == "oops\n"


def test_a_log_that_somebody_has_open_for_a_while_is_whole_in_the_end(stage: Stage, wire: Wire) -> None:
    tries: list[str] = []

    def open_elsewhere(method: str, path: str) -> bool:
        if of("/stdout.txt?comp=range")(method, path):
            tries.append(path)
            return len(tries) < 3
        return False

    wire.refusals.append((open_elsewhere, 409, "SharingViolation"))
    result = stage.run(stage.claim("echo hello; sleep 2"))
    assert succeeded(result) and completes(result)["stdout.txt"]
    assert stage.log() == "hello\n"


def test_a_fault_of_ours_in_carrying_logs_is_no_fault_of_the_job(
    stage: Stage, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("out of threads")

    monkeypatch.setattr(ShareFolder, "append", fails)
    result = stage.run(stage.claim("echo hello"))
    assert succeeded(result)
    assert completes(result) == {"execution.log": False, "stdout.txt": False, "stderr.txt": True}


@pytest.mark.parametrize("reason", [StopReason.LOST, StopReason.DRAIN])
@pytest.mark.parametrize("how", ["hanging", "refusing"])
def test_who_is_wanted_elsewhere_does_not_wait_for_the_last_lines(
    stage: Stage, wire: Wire, monkeypatch: pytest.MonkeyPatch, reason: StopReason, how: str
) -> None:
    """The job has ended, its last lines do not arrive: then the lease is lost, or the runner is to leave."""
    monkeypatch.setattr(stop_signal, "_DRAIN_SECONDS", 600.0)
    monkeypatch.setattr(stop_signal, "_LAST_DRAIN_SECONDS", 1.0)
    go = stage.config.root.parent / "go"
    thread, results = stage.in_background(stage.claim(f"echo hello; until [ -e {go} ]; do sleep 0.05; done"))
    eventually(lambda: stage.log() == "hello\n")
    if how == "hanging":
        wire.dead.set()
    else:
        wire.refusing = True
    go.touch()
    spooled = stage.config.work / "spool" / f"{stage.world.job().uuid}-1" / "execution.log"
    eventually(lambda: "time line" in spooled.read_text())
    stage.stop.set(reason)
    thread.join(5)
    assert not thread.is_alive()
    assert len(results) == 1 and succeeded(results[0])
    # A call that hangs keeps its files open no longer than it hangs
    wire.dead.clear()
    eventually(lambda: not any("metrics.jsonl" in name for name in open_files()), 30)


def open_files() -> Iterator[str]:
    """The names of this process's open files."""
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            yield str(descriptor.readlink())


@pytest.mark.parametrize(("word", "status", "code"), [("range", *_REFUSALS[0]), ("directory", *_REFUSALS[1])])
def test_a_conflict_is_reported_as_what_it_is(
    shares: Shares, word: str, status: int, code: str, tmp_path: Path
) -> None:
    """Not as something that exists already."""
    server = shares.server
    port = urlsplit(server.url).port or 0
    shares.create("logs")
    with Wire(port) as wire:
        wire.refusals.append((lambda method, path: word in path, status, code))
        through = server.url.replace(str(port), str(wire.port))
        shipper = LogShipper(
            tmp_path, ShareFolder(ShareAddress(server.account, "logs", server.key, through), "a"), 1
        )
        shipper.add("stdout.txt").write_text("hello\n")
        shipper.start()
        eventually(lambda: f"409 {code}" in shipper.fault)
        assert shipper.finish(lambda begun: begun + 0.1)[0].size == 0
