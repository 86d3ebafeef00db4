"""What sends the log by OTLP over HTTP, beside where it is written anyway."""

import logging
from collections.abc import Callable

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter

from shared.telemetry.log_records import is_sent, log_record
from shared.telemetry.otlp_process import end_soon, process


class OtlpLog(logging.Handler):
    """Sends records in batches from a thread of the SDK's; what cannot be sent is dropped."""

    def __init__(
        self,
        service: str,
        instance: str,
        redacted: Callable[[str], str],
        exporter: LogRecordExporter | None = None,
    ) -> None:
        """`exporter`: None: OTLP. `redacted` strikes secrets from message, traceback and properties."""
        super().__init__()
        self._redacted = redacted
        self._provider = LoggerProvider(process(service, instance), shutdown_on_exit=False)
        self._provider.add_log_record_processor(BatchLogRecordProcessor(exporter or OTLPLogExporter()))

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record."""
        if is_sent(record):
            made = log_record(record, self.format(record), self._redacted)
            self._provider.get_logger(record.name).emit(made)

    def close(self) -> None:
        """Send what is left, for a few seconds at most."""
        end_soon(self._provider.shutdown)
        super().close()
