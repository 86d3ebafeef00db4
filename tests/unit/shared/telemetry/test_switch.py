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
from shared.telemetry.switch import LOGS, METRICS, TRACES, signals_from
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
    assert signals_from(env) == signals


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
    assert not signals_from(env)


def test_all_faults_are_said_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        signals_from({"OTEL_TRACES_EXPORTER": "zipkin"})
    assert refused.value.faults == ("OTEL_TRACES_EXPORTER is 'zipkin'; expected otlp or none",)
    grpc = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"}
    with pytest.raises(SettingsError) as refused:
        signals_from({**ON, **grpc})
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
    assert len(warned) == 1 and "pip install 'batchai-serverless[telemetry]'" in warned[0]


def test_it_is_on_inside_the_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COMMON, ON[COMMON])
    monkeypatch.setattr(
        otlp_metrics, "OtlpMetrics", lambda name, node: OtlpMetrics(name, node, InMemoryMetricReader())
    )
    records = kept_log_records()
    monkeypatch.setattr(otlp_logs, "OtlpLog", lambda *who: OtlpLog(who[0], who[1], who[2], records))
    before = logging.getLogger().handlers[:]
    with switch.telemetry(os.environ, "batchai-runner", "gpu-0"):
        assert [type(one) for one in logging.getLogger().handlers if one not in before] == [OtlpLog]
        assert tracing.is_on() and metrics.is_on()
    assert not tracing.is_on() and not metrics.is_on()
    assert logging.getLogger().handlers == before
