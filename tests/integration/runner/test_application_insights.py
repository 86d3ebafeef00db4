"""The runner's log in Application Insights: what arrives, without secrets, by the machine's identity."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local import environment
from local.stack import APP
from runner.secrets import log_filter
from runner.secrets.redaction import KnownSecrets
from shared.stores import identity
from shared.stores.application_insights import (
    Insights,
    InsightsExporters,
    InsightsHandler,
    insights_from,
)
from shared.telemetry import metrics, switch, tracing
from shared.telemetry.names import Attribute, Metric, SpanName
from shared.telemetry.tracing import Span
from tests.support.insights import KEY, Ingestion, ingestion
from tests.support.waiting import eventually
from tests.support.world import World

CLIENT = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def arrived(tmp_path: Path) -> Iterator[Ingestion]:
    with ingestion(tmp_path) as made:
        yield made


@pytest.fixture
def insights(arrived: Ingestion, monkeypatch: pytest.MonkeyPatch) -> Iterator[Insights]:
    settings = arrived.environment(CLIENT)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    itself = ("STATSBEAT_DISABLED_ALL", "CONTROLPLANE_DISABLED", "SDKSTATS_DISABLED")
    for name in (*itself, "OPENTELEMETRY_RESOURCE_METRIC_DISABLED"):
        monkeypatch.delenv(f"APPLICATIONINSIGHTS_{name}", raising=False)
    identity.forget_identities()
    found = insights_from(settings)
    assert found is not None
    yield found
    identity.forget_identities()


def test_records_arrive_with_what_they_are_about_and_without_secrets(
    arrived: Ingestion, insights: Insights
) -> None:
    known = KnownSecrets()
    known.know("settings", ("hunter2-secret",))
    log = logging.getLogger("runner.agent")
    about = {"job": "w/e/j", "action": "claim", "path": "/mnt/hunter2-secret/x"}
    with log_filter.sent_to(InsightsHandler(insights, "vm-3"), known):
        log.warning("claimed with %s", "hunter2-secret", extra=about)
        try:
            raise ValueError("hunter2-secret is wrong")
        except ValueError:
            log.exception("it broke")
        logging.getLogger("azure.core").warning("what sending has to say")
    log.warning("after the end")
    first, second = arrived.items
    data = first["data"]["baseData"]
    assert data["message"] == "claimed with *** (job w/e/j, path /mnt/***/x)"
    assert data["properties"] == {
        "job": "w/e/j",
        "action": "claim",
        "path": "/mnt/***/x",
        "logger_name": "runner.agent",
    }
    assert (data["severityLevel"], second["data"]["baseData"]["severityLevel"]) in (
        (2, 3),
        ("Warning", "Error"),
    )
    message = second["data"]["baseData"]["message"]
    assert message.startswith("it broke\nTraceback") and message.endswith("ValueError: *** is wrong")
    tags = first["tags"]
    assert (tags["ai.cloud.role"], tags["ai.cloud.roleInstance"]) == ("batchai-runner", "vm-3")
    assert first["iKey"] == KEY
    assert arrived.clients == {CLIENT}
    assert {path.partition("?")[0] for path in arrived.paths} == {"/msi/token", "/v2.1/track"}


def test_nothing_but_the_log_is_sent(insights: Insights) -> None:
    """The library's reports about itself, to addresses of its own, would come from threads of their own."""
    before = set(threading.enumerate())
    handler = InsightsHandler(insights, "vm-3")
    more = set(threading.enumerate()) - before
    handler.close()
    assert len(more) == 1, more


def test_an_endpoint_that_is_away_keeps_nobody_for_long(
    insights: Insights, arrived: Ingestion, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Insights(f"InstrumentationKey={KEY};IngestionEndpoint=http://127.0.0.1:9/")
    begun = time.monotonic()
    with log_filter.sent_to(InsightsHandler(away, "vm-3"), KnownSecrets()):
        logging.getLogger("runner").warning("heard by nobody")
        assert time.monotonic() - begun < 3, "whoever logs waits for no request"
    assert time.monotonic() - begun < 10
    assert arrived.items == []


def test_a_runner_sends_what_it_logs(arrived: Ingestion, world: World, tmp_path: Path) -> None:
    env = environment.machine() | arrived.environment(CLIENT)
    env |= {
        "BATCHAI_STORAGE": world.settings.storage,
        "BATCHAI_SEALING_KEYS": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
        "BATCHAI_JOB_USER": "own",
        "BATCHAI_JOB_METADATA": "open",
    }
    words = [sys.executable, "-P", "-m", "runner", "--cluster", str(world.cluster), "--node-id", "vm-7"]
    log = tmp_path / "log"
    with log.open("w") as output:
        child = subprocess.Popen([*words, "--root", str(tmp_path / "n")], env=env, cwd=APP, stderr=output)
    try:
        eventually(lambda: "node vm-7" in log.read_text() or child.poll() is not None, 30)
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0, log.read_text()
    finally:
        child.kill()
        child.wait()
    assert f"node vm-7 of cluster {world.cluster}, root {tmp_path / 'n'}" in arrived.messages
    assert "asked to stop" in arrived.messages, "what is logged last is sent before the end"
    # stderr, which is sent to the journal, has it all as well.
    assert all(message in log.read_text() for message in arrived.messages)


def test_spans_and_metrics_arrive_where_they_are_asked_for(
    arrived: Ingestion, insights: Insights, caplog: pytest.LogCaptureFixture
) -> None:
    asked = {f"OTEL_{signal}_EXPORTER": switch.AZURE for signal in (switch.TRACES, switch.METRICS)}
    env = dict(os.environ) | asked
    trace = uuid.uuid4()
    begun = datetime.now(UTC)
    about: dict[str, tracing.Value] = {Attribute.JOB: "w/e/hunter2-secret"}
    before = set(threading.enumerate())
    strike = KnownSecrets()
    strike.know("settings", ("hunter2-secret",))
    with switch.telemetry(env, "batchai-runner", "vm-3", strike.text, azure=InsightsExporters):
        tracing.take(Span(SpanName.JOB, trace.int, 7, None, begun, begun, about))
        metrics.add(Metric.REQUESTS, 2, {Attribute.METHOD: "GET"})
        assert len(set(threading.enumerate()) - before) == 2, "one for each signal"
    kinds = {item["data"]["baseType"]: item for item in arrived.items}
    assert set(kinds) == {"RemoteDependencyData", "MetricData"}
    span = kinds["RemoteDependencyData"]
    assert span["tags"]["ai.operation.id"] == trace.hex
    assert span["data"]["baseData"]["name"] == "batchai.job"
    assert span["data"]["baseData"]["properties"] == {"batchai.job.id": "w/e/***"}
    [value] = kinds["MetricData"]["data"]["baseData"]["metrics"]
    assert value["name"] == Metric.REQUESTS.title and value["value"] == 2
    assert {item["tags"]["ai.cloud.role"] for item in arrived.items} == {"batchai-runner"}
    assert arrived.clients == {CLIENT}
    assert {path.partition("?")[0] for path in arrived.paths} == {"/msi/token", "/v2.1/track"}
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_with_the_connection_string_alone_no_trace_is_sent(arrived: Ingestion, insights: Insights) -> None:
    with switch.telemetry(os.environ, "batchai-runner", "vm-3", azure=InsightsExporters):
        assert not tracing.is_on() and not metrics.is_on()


def test_without_it_nothing_is_loaded() -> None:
    code = "import sys, runner.__main__; print([n for n in sys.modules if 'opentelemetry' in n])"
    env = {"PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-c", code], cwd=APP, env=env, capture_output=True, text=True)
    assert done.stdout == "[]\n"
