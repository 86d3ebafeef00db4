"""What sends metrics, by OTLP over HTTP or as another exporter does, every OTEL_METRIC_EXPORT_INTERVAL (a
minute by default)."""

from collections.abc import Callable, Mapping

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricReader,
    PeriodicExportingMetricReader,
)

from shared.package import package_version
from shared.telemetry.names import Attribute, Kind, Metric
from shared.telemetry.otlp_process import SCOPE, end_soon, process


class OtlpMetrics:
    """A MetricSink. Values are added up here and sent from a thread of the SDK's."""

    def __init__(
        self,
        service: str,
        instance: str,
        exporter: MetricExporter | None = None,
        reader: MetricReader | None = None,
    ) -> None:
        """`exporter`: None: OTLP. `reader`: what asks for the values, None: the SDK's, which exports them."""
        self._provider = MeterProvider(
            [reader or PeriodicExportingMetricReader(exporter or OTLPMetricExporter())],
            resource=process(service, instance, namespaced=exporter is None),
            shutdown_on_exit=False,
        )
        meter = self._provider.get_meter(SCOPE, package_version())
        self._take: dict[Metric, Callable[[float, Mapping[str, str]], None]] = {}
        for metric in Metric:
            if metric.kind is Kind.COUNTER:
                self._take[metric] = meter.create_counter(metric.title, metric.unit).add
            elif metric.kind is Kind.GAUGE:
                self._take[metric] = meter.create_gauge(metric.title, metric.unit).set
            else:
                self._take[metric] = meter.create_histogram(metric.title, metric.unit).record

    def add(self, metric: Metric, value: float, about: Mapping[Attribute, str]) -> None:
        """See MetricSink."""
        self._take[metric](value, {str(name): text for name, text in about.items()})

    def close(self) -> None:
        """Send what is left, for a few seconds at most."""
        end_soon(self._provider.shutdown)
