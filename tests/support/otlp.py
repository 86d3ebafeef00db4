"""A receiver of OTLP over HTTP (POST /v1/traces, /v1/metrics and /v1/logs, protobuf): what a collector takes,
kept. For tests only."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter


@dataclass(frozen=True)
class ReceivedSpan:
    """A span as it arrived. Ids in hex; `parent` "" for a root."""

    service: str
    instance: str
    name: str
    trace: str
    id: str
    parent: str
    start: int  #: nanoseconds since 1970
    end: int
    attributes: dict[str, str]
    links: tuple[str, ...]
    fault: str


@dataclass
class Receiver:
    """What arrived, and where one sends."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)  #: of every request, uncompressed
    headers: list[dict[str, str]] = field(default_factory=list)
    spans: list[ReceivedSpan] = field(default_factory=list)
    records: list[tuple[str, str, str]] = field(default_factory=list)  #: service, trace and text
    metrics: set[tuple[str, str]] = field(default_factory=set)  #: service and metric

    def environment(self) -> dict[str, str]:
        """What a process is given that sends here, soon."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "200"} | {
            "OTEL_METRIC_EXPORT_INTERVAL": "1000"
        }

    def named(self, name: str) -> list[ReceivedSpan]:
        """The spans of a name, by their start."""
        return sorted((span for span in self.spans if span.name == name), key=lambda span: span.start)

    def tree(self) -> str:
        """The spans below each other, for people."""
        lines: list[str] = []
        ids = {span.id for span in self.spans}
        for root in sorted(self.spans, key=lambda span: span.start):
            if root.parent not in ids:
                self._below(root, 0, lines)
        return "\n".join(lines)

    def _below(self, span: ReceivedSpan, depth: int, lines: list[str]) -> None:
        shown = ("attempt.number", "node.id", "volume.folder", "attempt.reason", "job.state")
        words = [span.attributes[f"batchai.{name}"] for name in shown if f"batchai.{name}" in span.attributes]
        links = f" -> {', '.join(span.links)}" if span.links else ""
        fault = f" !{span.fault}" if span.fault else ""
        took = (span.end - span.start) / 1e6
        title = "  " * depth + span.name
        lines.append(
            f"{title:<34} {took:8.0f} ms  {span.instance:<10} {span.id} {' '.join(words)}{fault}{links}"
        )
        for child in sorted(self.spans, key=lambda one: (one.start, one.end)):
            if child.parent == span.id:
                self._below(child, depth + 1, lines)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A running receiver."""
    made = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(made: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                data = gzip.decompress(data)
            made.bodies.append(data)
            made.headers.append(dict(self.headers))
            if self.path == "/v1/metrics":
                made.metrics.update(metrics_of(data))
            elif self.path == "/v1/logs":
                made.records += records_of(data)
            elif self.path == "/v1/traces":
                made.spans += spans_of(data)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: `spans` shows what came."""

    return Handler


def spans_of(data: bytes) -> Iterator[ReceivedSpan]:
    """The spans of a request's body."""
    for resource in ExportTraceServiceRequest.FromString(data).resource_spans:
        words = {one.key: one.value.string_value for one in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield ReceivedSpan(
                    service=words["service.name"],
                    instance=words["service.instance.id"],
                    name=span.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    start=span.start_time_unix_nano,
                    end=span.end_time_unix_nano,
                    attributes={one.key: _text(one.value) for one in span.attributes},
                    links=tuple(link.span_id.hex() for link in span.links),
                    fault=span.status.message,
                )


def metrics_of(data: bytes) -> Iterator[tuple[str, str]]:
    """The metrics of a request's body, each with the service that sent it."""
    for resource in ExportMetricsServiceRequest.FromString(data).resource_metrics:
        words = {one.key: one.value.string_value for one in resource.resource.attributes}
        for scope in resource.scope_metrics:
            yield from ((words["service.name"], metric.name) for metric in scope.metrics)


def records_of(data: bytes) -> Iterator[tuple[str, str, str]]:
    """The log records of a request's body: the service that sent it, its trace, its text."""
    for resource in ExportLogsServiceRequest.FromString(data).resource_logs:
        words = {one.key: one.value.string_value for one in resource.resource.attributes}
        for scope in resource.scope_logs:
            for record in scope.log_records:
                yield words["service.name"], record.trace_id.hex(), record.body.string_value


def _text(value: object) -> str:
    kind = value.WhichOneof("value")  # type: ignore[attr-defined]
    return str(getattr(value, kind))


def kept_log_records() -> InMemoryLogRecordExporter:
    """Keeps log records instead of sending them."""
    return InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
