"""What is sent to Application Insights, where the deployment has one: the runner's log, beside where it is
written anyway; traces and metrics, where they are asked for (shared/telemetry/switch.py)."""

import logging
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.errors import SettingsError
from shared.stores.identity import identity
from shared.telemetry.switch import INSIGHTS

_CONNECTION, _AUTHENTICATION = INSIGHTS, "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"
_KEY = re.compile(r"(?i)(?:^|;)\s*InstrumentationKey=[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\s*(?:;|$)")
#: Over plain HTTP to this machine only: a collector.
_ENDPOINT = re.compile(r"(?i)https://[^\s;]+|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?/?")
#: Seconds. What is not sent by then when the process leaves is in the journal only.
_CLOSE_SECONDS = 5.0
_SEND_SECONDS = 5.0


@dataclass(frozen=True)
class Insights:
    """Where the log is sent, and who sends it."""

    connection_string: str = field(repr=False)
    by_identity: bool = False  #: a token of the machine's identity is sent with it
    client_id: str = ""  #: of a user-assigned identity; "": the process's own


def insights_from(env: Mapping[str, str]) -> Insights | None:
    """What the two variables say that Azure's own agents read; None where there is no connection string.

    Raises SettingsError, which never repeats the string: where local authentication is on, it holds a key.
    """
    text = env.get(_CONNECTION, "").strip()
    who = _parts(env.get(_AUTHENTICATION, ""))
    if not text:
        return None
    endpoint = _parts(text).get("ingestionendpoint", "https://")
    if not _KEY.search(text) or not (endpoint == "https://" or _ENDPOINT.fullmatch(endpoint)):
        form = "InstrumentationKey=<uuid>;IngestionEndpoint=https://..."
        raise SettingsError(
            (f"{_CONNECTION} is not a connection string of Application Insights; expected {form} "
             "(az monitor app-insights component show --query connectionString), or leave it out",)
        )  # fmt: skip
    return Insights(text, who.get("authorization", "").upper() == "AAD", who.get("clientid", ""))


def _parts(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";") if part)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


class InsightsHandler(logging.Handler):
    """Sends records in batches from a thread of its own; a record costs its caller no request. What cannot be
    sent is dropped: the journal has it. Whoever adds it to a logger adds the filter that strikes secrets."""

    def __init__(self, insights: Insights, instance: str) -> None:
        """`instance`: the node. Raises ImportError where the libraries are not installed."""
        super().__init__()
        _keep_to_what_is_asked()
        # Imported late: half a second, which whoever has no Application Insights does not pay.
        from azure.monitor.opentelemetry.exporter import AzureMonitorLogExporter
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
        from opentelemetry.sdk.resources import Resource

        exporter = AzureMonitorLogExporter(**_options(insights))
        named = Resource({"service.name": "batchai-runner", "service.instance.id": instance})
        self._provider = LoggerProvider(named, shutdown_on_exit=False)
        self._provider.add_log_record_processor(BatchLogRecordProcessor(exporter))

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record, with what it is about as properties."""
        from shared.telemetry.log_records import is_sent, log_record

        if is_sent(record):
            self._provider.get_logger(record.name).emit(log_record(record, self.format(record)))

    def close(self) -> None:
        """Send what is left, for a few seconds at most."""
        ending = threading.Thread(target=self._provider.shutdown, name="insights-end", daemon=True)
        ending.start()
        ending.join(_CLOSE_SECONDS)
        super().close()


class InsightsExporters:
    """What sends traces and metrics; made for whoever asks for them. Raises ImportError where the libraries
    are not installed."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """Raises SettingsError for a connection string that is none."""
        insights = insights_from(env)
        if insights is None:
            raise SettingsError((f"{_CONNECTION} is not set",))
        _keep_to_what_is_asked()
        self._options = _options(insights)

    def spans(self) -> Any:
        """A SpanExporter of OpenTelemetry's SDK."""
        from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter

        return AzureMonitorTraceExporter(**self._options)

    def metrics(self) -> Any:
        """A MetricExporter of OpenTelemetry's SDK."""
        from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter

        return AzureMonitorMetricExporter(**self._options)


def _options(insights: Insights) -> dict[str, Any]:
    """How an exporter of Azure Monitor sends."""
    options: dict[str, Any] = {"credential": identity(insights.client_id)} if insights.by_identity else {}
    return options | {
        "connection_string": insights.connection_string,
        "disable_offline_storage": True,  # nothing of it is left on the disk
        "timeout": _SEND_SECONDS,
        "retry_total": 1,
    }


def _keep_to_what_is_asked() -> None:
    """The library's telemetry about itself stays off: it is sent elsewhere, and nobody here asked for it. So
    does a metric that says who sends, which each item says anyway. Both are given by the environment only."""
    itself = ("STATSBEAT_DISABLED_ALL", "CONTROLPLANE_DISABLED", "SDKSTATS_DISABLED")
    for name in (*itself, "OPENTELEMETRY_RESOURCE_METRIC_DISABLED"):
        os.environ[f"APPLICATIONINSIGHTS_{name}"] = "true"
