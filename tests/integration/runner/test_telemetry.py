"""One trace for each job, metrics and the log, as a receiver of OTLP gets it from real processes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from shared.jobs.model import State
from shared.telemetry import switch
from tests.support.otlp import Receiver, receiver
from tests.support.rest_api import PROJECT
from tests.support.waiting import eventually
from tests.support.world import World, document
from tests.support.world_runner import start_runner

_SHORT = {"BATCHAI_LEASE_SECONDS": "5", "BATCHAI_RENEW_SECONDS": "1", "BATCHAI_GANG_SILENCE_SECONDS": "2"}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver that this process, which stands for the function app, sends to as well."""
    with receiver() as made:
        for name, value in made.environment().items():
            monkeypatch.setenv(name, value)
        with switch.telemetry(os.environ, "batchai-function-app", "app-0"):
            yield made


def _share(root: Path) -> dict[str, str]:
    (root / "share").mkdir()
    return {"BATCHAI_PREMOUNTED": json.dumps({"acc/data": str(root / "share")})}


def _volume(folder: str) -> dict[str, object]:
    where = {"azureFileUrl": "https://acc.file.core.windows.net/data", "relativeMountPath": folder}
    return where | {"accountName": "acc", "credentials": {"accountKey": "a2V5LWtleS1rZXkh"}}


def test_a_job_of_two_nodes_whose_first_leader_is_killed_is_one_trace(
    world: World, tmp_path: Path, collector: Receiver
) -> None:
    flag = tmp_path / "flag"
    data = document(
        f"if [ -e {flag} ]; then exit 0; fi; touch {flag}; sleep 60",
        nodeCount=2,
        jobPreparation={"commandLine": "true"},
        mountVolumes={"azureFileShares": [_volume("data")]},
        secrets=[{"name": "TOKEN", "value": "hunter2-secret"}],
    )
    settings = _SHORT | collector.environment() | _share(tmp_path)
    settings["OTEL_EXPORTER_OTLP_HEADERS"] = "api-key=key-of-the-receiver"
    with ExitStack() as stack:
        runners = {}
        for node in ("node-0", "node-1"):
            runners[node] = start_runner(world, tmp_path / node, node, more=settings)
            stack.callback(runners[node].stop)
        job = world.accept(data=data)
        eventually(flag.exists, 40)
        leader = world.job().owner or ""
        os.killpg(runners[leader].process.pid, signal.SIGKILL)
        stack.callback(start_runner(world, tmp_path / "node-2", "node-2", more=settings).stop)
        eventually(lambda: world.job().state is State.SUCCEEDED, 60)
        root = eventually(lambda: collector.named("batchai.job"), 10)[0]
        eventually(lambda: len(collector.named("batchai.node")) >= 4, 10)
    print(collector.tree())
    assert {span.trace for span in collector.spans} == {job.uuid.replace("-", "")}
    known = {span.id for span in collector.spans}
    assert all(span.parent in known for span in collector.spans if span is not root)
    assert (root.parent, root.fault, root.attributes["batchai.job.state"]) == ("", "", "succeeded")
    assert root.service == "batchai-runner"
    # On a slow machine the nodes that are left may come together, and part, once more.
    first, *between, last = attempts = collector.named("batchai.attempt")
    assert {span.attributes["batchai.attempt.reason"] for span in between} <= {"Dissolved"}
    assert [span.links for span in attempts] == [(), *((one.id,) for one in attempts[:-1])]
    assert (first.attributes["batchai.attempt.reason"], first.fault) == ("RunnerLost", "RunnerLost")
    assert first.attributes["batchai.node.id"] == leader
    assert (last.attributes["batchai.attempt.reason"], last.fault) == ("Succeeded", "")
    parts = [span for span in collector.named("batchai.node") if span.parent == last.id]
    nodes = {span.attributes["batchai.node.id"]: span for span in parts}
    own = nodes.pop(last.attributes["batchai.node.id"])
    (other,) = nodes.values()
    assert (own.links, other.links) == ((), (own.id,))
    for name in ("mount", "preparation", "processes", "unmount", "upload"):
        stages = [span for span in collector.named(f"batchai.{name}") if span.parent in (own.id, other.id)]
        assert len(stages) == 2, name
    (accept,) = collector.named("batchai.accept")
    assert accept.service == "batchai-function-app"
    assert len(collector.named("batchai.wait")) == len(collector.named("batchai.claim")) == len(attempts)
    of_runners = {name for service, name in collector.metrics if service == "batchai-runner"}
    assert {"batchai.attempts", "batchai.job.wait.duration", "batchai.storage.requests"} <= of_runners
    assert ("batchai-function-app", "batchai.storage.requests") in collector.metrics
    claims = [text for _, trace, text in collector.records if trace == root.trace and "claimed" in text]
    assert claims and all(str(job.id) in text for text in claims)
    sent = b"".join(collector.bodies)
    for secret in (b"hunter2-secret", b"a2V5LWtleS1rZXkh", b"key-of-the-receiver", b"touch"):
        assert secret not in sent
    assert any(one.get("api-key") == "key-of-the-receiver" for one in collector.headers)


def test_off_loads_nothing_of_opentelemetry_and_starts_no_thread() -> None:
    """Function app and runner, as far as they are loaded before the first job."""
    check = (
        "import sys, threading\n"
        "import runner.__main__, api.wired, shared.backend\n"
        "from shared.telemetry import switch\n"
        "switch.start({}, 'batchai-runner', 'gpu-0')()\n"
        "found = [m for m in sys.modules if m.split('.')[0] in ('opentelemetry', 'google')]\n"
        "print(found, threading.active_count())"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[] 1"
