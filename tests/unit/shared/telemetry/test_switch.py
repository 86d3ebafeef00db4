"""When telemetry is on, by OpenTelemetry's variables, and what is said of settings that make no sense."""

import logging
import os
import sys

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from shared.errors import SettingsError
from shared.telemetry import metrics, otlp_logs, otlp_metrics, switch, tracing
from shared.telemetry.otlp_logs import OtlpLog
from shared.telemetry.otlp_metrics import OtlpMetrics
from shared.telemetry.switch import AZURE, INSIGHTS, LOGS, METRICS, OTLP, TRACES, exporters_from
from tests.support.otlp import kept_log_records

COMMON, OWN = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
ON = {COMMON: "http://127.0.0.1:9"}
NONE = {f"OTEL_{signal}_EXPORTER": "none" for signal in (TRACES, METRICS, LOGS)}


@pytest.mark.parametrize(
    ("env", "signals"),
    [
        (ON, {TRACES, METRICS, LOGS}),
        ({OWN: "http://127.0.0.1:9/v1/traces"}, {TRACES}),
        ({"OTEL_TRACES_EXPORTER": "OTLP"}, {TRACES}),
        ({**ON, "OTEL_TRACES_EXPORTER": "none"}, {METRICS, LOGS}),
        (
            {**ON, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_SDK_DISABLED": "false"},
            {TRACES, METRICS, LOGS},
        ),
    ],
)
def test_an_address_or_a_named_exporter_is_on(env: dict[str, str], signals: set[str]) -> None:
    assert exporters_from(env) == dict.fromkeys(signals, OTLP)


@pytest.mark.parametrize(
    "env",
    [
        {},
        {COMMON: ""},
        {**ON, **NONE, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {**ON, "OTEL_SDK_DISABLED": "True"},
    ],
)
def test_nothing_or_none_is_off(env: dict[str, str]) -> None:
    assert not exporters_from(env)


def test_all_faults_are_said_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        exporters_from({"OTEL_TRACES_EXPORTER": "zipkin"})
    assert refused.value.faults == (
        "OTEL_TRACES_EXPORTER is 'zipkin'; expected otlp, azure_monitor_opentelemetry_exporter or none",
    )
    grpc = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"}
    with pytest.raises(SettingsError) as refused:
        exporters_from({**ON, **grpc})
    assert refused.value.faults == (
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is 'http/json'; expected http/protobuf, or leave it out",
        "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'; expected http/protobuf, or leave it out",
    )


def test_without_the_libraries_there_is_a_warning_and_no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "shared.telemetry.otlp", raising=False)
    warned: list[str] = []
    with switch.telemetry(ON, "batchai-runner", "gpu-0", warn=warned.append):
        assert not tracing.is_on()
    assert len(warned) == 1 and "install what requirements.txt names first" in warned[0]


def test_it_is_on_inside_the_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COMMON, ON[COMMON])
    monkeypatch.setattr(
        otlp_metrics,
        "OtlpMetrics",
        lambda name, node, to: OtlpMetrics(name, node, reader=InMemoryMetricReader()),
    )
    records = kept_log_records()
    monkeypatch.setattr(otlp_logs, "OtlpLog", lambda *who: OtlpLog(who[0], who[1], who[2], records))
    before = logging.getLogger().handlers[:]
    with switch.telemetry(os.environ, "batchai-runner", "gpu-0"):
        assert [type(one) for one in logging.getLogger().handlers if one not in before] == [OtlpLog]
        assert tracing.is_on() and metrics.is_on()
    assert not tracing.is_on() and not metrics.is_on()
    assert logging.getLogger().handlers == before


TO_AZURE = {"OTEL_TRACES_EXPORTER": AZURE, INSIGHTS: "InstrumentationKey=x"}


def test_each_signal_has_its_own_exporter() -> None:
    env = {**ON, **TO_AZURE, "OTEL_METRICS_EXPORTER": "none"}
    assert exporters_from(env) == {TRACES: AZURE, LOGS: OTLP}


def test_application_insights_needs_its_connection_string() -> None:
    with pytest.raises(SettingsError, match=f"{AZURE}', which needs {INSIGHTS}: set it"):
        exporters_from({"OTEL_TRACES_EXPORTER": AZURE, INSIGHTS: " "})


def test_a_process_that_knows_no_azure_warns() -> None:
    warned: list[str] = []
    with switch.telemetry(TO_AZURE, "batchai-runner", "gpu-0", warn=warned.append):
        assert not tracing.is_on()
    assert len(warned) == 1 and AZURE in warned[0]


def test_a_connection_string_alone_asks_for_nothing() -> None:
    assert exporters_from({INSIGHTS: "InstrumentationKey=x"}) == {}


def test_logs_to_application_insights_are_sent_by_others() -> None:
    before = logging.getLogger().handlers[:]
    asked: list[object] = []
    env = {"OTEL_LOGS_EXPORTER": AZURE, INSIGHTS: "InstrumentationKey=x"}
    with switch.telemetry(env, "batchai-runner", "gpu-0", azure=asked.append):  # type: ignore[arg-type]
        assert logging.getLogger().handlers == before
    assert asked == []
