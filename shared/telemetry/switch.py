"""Whether telemetry is on, by OpenTelemetry's own variables; what starts and ends it for a process."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from shared.errors import SettingsError
from shared.telemetry import metrics, tracing

TRACES, METRICS, LOGS = "TRACES", "METRICS", "LOGS"
_SIGNALS = (TRACES, METRICS, LOGS)
#: Exporters, by the names under which OpenTelemetry's SDK knows them.
OTLP, AZURE, _NONE = "otlp", "azure_monitor_opentelemetry_exporter", "none"
#: Where AZURE sends to (shared/stores/application_insights.py).
INSIGHTS = "APPLICATIONINSIGHTS_CONNECTION_STRING"
_PROTOCOL = "http/protobuf"
_WANTED = "install what requirements.txt names"


class AzureExporters(Protocol):
    """What sends to Application Insights."""

    def spans(self) -> Any:
        """A SpanExporter."""

    def metrics(self) -> Any:
        """A MetricExporter."""


def no_azure(env: Mapping[str, str]) -> AzureExporters:
    """For a process that has none. Raises ImportError."""
    raise ImportError(f"this process knows no {AZURE}")


def exporters_from(env: Mapping[str, str]) -> dict[str, str]:
    """The signals that are sent, each with its exporter, OTLP or AZURE: the one that OTEL_<SIGNAL>_EXPORTER
    names; OTLP where there is an address (OTEL_EXPORTER_OTLP_ENDPOINT, or the signal's own). Not sent is what
    is to go to `none`, and anything where OTEL_SDK_DISABLED is `true`. Unlike the SDK alone nothing is sent
    to this machine where no address is given, unless an exporter is named.

    Raises SettingsError for an exporter or a protocol that there is not.
    """
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return {}
    faults = [fault for signal in _SIGNALS for fault in _faults(env, signal)]
    if faults:
        raise SettingsError(tuple(dict.fromkeys(faults)))
    named = {signal: _exporter(env, signal) for signal in _SIGNALS}
    return {signal: exporter for signal, exporter in named.items() if exporter != _NONE}


def _exporter(env: Mapping[str, str], signal: str) -> str:
    named = env.get(f"OTEL_{signal}_EXPORTER", "").strip().lower()
    own, common = f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
    return named or (OTLP if env.get(own) or env.get(common) else _NONE)


def _faults(env: Mapping[str, str], signal: str) -> Iterator[str]:
    exporter = _exporter(env, signal)
    if exporter not in (OTLP, AZURE, _NONE):
        yield f"OTEL_{signal}_EXPORTER is '{exporter}'; expected {OTLP}, {AZURE} or {_NONE}"
    if exporter == AZURE and not env.get(INSIGHTS, "").strip():
        yield f"OTEL_{signal}_EXPORTER is '{AZURE}', which needs {INSIGHTS}: set it, or name another"
    for name in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if exporter == OTLP and env.get(name, "") not in ("", _PROTOCOL):
            yield f"{name} is '{env[name]}'; expected {_PROTOCOL}, or leave it out"


def start(
    env: Mapping[str, str],
    service: str,
    instance: str,
    redacted: Callable[[str], str] = str,
    warn: Callable[[str], None] = lambda text: None,
    azure: Callable[[Mapping[str, str]], AzureExporters] = no_azure,
) -> Callable[[], None]:
    """Telemetry of this process as `env` asks for it; what ends it. Without the libraries there is a warning
    and no telemetry: a process that does its work is better than none. `redacted` strikes secrets from every
    text. `azure` makes what sends to Application Insights, asked once and only where it is wanted; logs are
    sent there by others (the runner's handler, the Functions host), whether they are asked for here or not.

    Raises SettingsError.
    """
    exporters = exporters_from(env)
    if not exporters or set(exporters.items()) == {(LOGS, AZURE)}:
        return lambda: None
    try:
        # Imported late: a quarter of a second and a thread, which whoever has no telemetry does not pay.
        from shared.telemetry.otlp import Otlp
        from shared.telemetry.otlp_logs import OtlpLog
        from shared.telemetry.otlp_metrics import OtlpMetrics

        made = azure(env) if AZURE in exporters.values() else None
        spans = values = records = None
        if TRACES in exporters:
            to = made.spans() if made and exporters[TRACES] == AZURE else None
            spans = Otlp(service, instance, redacted, to)
        if METRICS in exporters:
            values = OtlpMetrics(
                service, instance, made.metrics() if made and exporters[METRICS] == AZURE else None
            )
        if exporters.get(LOGS) == OTLP:
            records = OtlpLog(service, instance, redacted)
    except ImportError as error:
        warn(f"no telemetry is sent: {error}; {_WANTED} first")
        return lambda: None
    tracing.use(spans)
    metrics.use(values)
    if records:
        logging.getLogger().addHandler(records)

    def end() -> None:
        tracing.use(None)
        metrics.use(None)
        if records:
            logging.getLogger().removeHandler(records)
        for sent in (spans, values, records):
            if sent:
                sent.close()

    return end


@contextmanager
def telemetry(
    env: Mapping[str, str],
    service: str,
    instance: str,
    redacted: Callable[[str], str] = str,
    warn: Callable[[str], None] = lambda text: None,
    azure: Callable[[Mapping[str, str]], AzureExporters] = no_azure,
) -> Iterator[None]:
    """`start`, ended with the block."""
    end = start(env, service, instance, redacted, warn, azure)
    try:
        yield
    finally:
        end()
