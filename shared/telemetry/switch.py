"""Whether telemetry is on, by OpenTelemetry's own variables; what starts and ends it for a process."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from shared.errors import SettingsError
from shared.telemetry import metrics, tracing

TRACES, METRICS, LOGS = "TRACES", "METRICS", "LOGS"
_SIGNALS = (TRACES, METRICS, LOGS)
_OTLP, _NONE = "otlp", "none"
_PROTOCOL = "http/protobuf"
_WANTED = "pip install 'batchai-serverless[telemetry]'"


def signals_from(env: Mapping[str, str]) -> frozenset[str]:
    """The signals that are sent by OTLP: those with an address (OTEL_EXPORTER_OTLP_ENDPOINT, or the signal's
    own), unless OTEL_<SIGNAL>_EXPORTER is `none` or OTEL_SDK_DISABLED is `true`. Unlike the SDK alone nothing
    is sent to this machine where no address is given, unless an exporter is named.

    Raises SettingsError for an exporter or a protocol that there is not.
    """
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return frozenset()
    faults = [fault for signal in _SIGNALS for fault in _faults(env, signal)]
    if faults:
        raise SettingsError(tuple(dict.fromkeys(faults)))
    return frozenset(signal for signal in _SIGNALS if _exporter(env, signal) == _OTLP)


def _exporter(env: Mapping[str, str], signal: str) -> str:
    named = env.get(f"OTEL_{signal}_EXPORTER", "").strip().lower()
    own, common = f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
    return named or (_OTLP if env.get(own) or env.get(common) else _NONE)


def _faults(env: Mapping[str, str], signal: str) -> Iterator[str]:
    exporter = _exporter(env, signal)
    if exporter not in (_OTLP, _NONE):
        yield f"OTEL_{signal}_EXPORTER is '{exporter}'; expected {_OTLP} or {_NONE}"
    for name in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if exporter == _OTLP and env.get(name, "") not in ("", _PROTOCOL):
            yield f"{name} is '{env[name]}'; expected {_PROTOCOL}, or leave it out"


def start(
    env: Mapping[str, str],
    service: str,
    instance: str,
    redacted: Callable[[str], str] = str,
    warn: Callable[[str], None] = lambda text: None,
) -> Callable[[], None]:
    """Telemetry of this process as `env` asks for it; what ends it. Without the libraries there is a warning
    and no telemetry: a process that does its work is better than none. `redacted` strikes secrets from every
    text.

    Raises SettingsError.
    """
    signals = signals_from(env)
    if not signals:
        return lambda: None
    try:
        # Imported late: a quarter of a second and a thread, which whoever has no telemetry does not pay.
        from shared.telemetry.otlp import Otlp
        from shared.telemetry.otlp_logs import OtlpLog
        from shared.telemetry.otlp_metrics import OtlpMetrics

        spans = Otlp(service, instance, redacted) if TRACES in signals else None
        values = OtlpMetrics(service, instance) if METRICS in signals else None
        records = OtlpLog(service, instance, redacted) if LOGS in signals else None
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
) -> Iterator[None]:
    """`start`, ended with the block."""
    end = start(env, service, instance, redacted, warn)
    try:
        yield
    finally:
        end()
