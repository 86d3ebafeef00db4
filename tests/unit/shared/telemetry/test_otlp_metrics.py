"""Each metric as OpenTelemetry's SDK makes it: kind, unit, attributes."""

from opentelemetry.sdk.metrics.export import Gauge, Histogram, InMemoryMetricReader, Sum

from shared.telemetry.names import Attribute, Kind, Metric
from shared.telemetry.otlp_metrics import OtlpMetrics

SHAPES = {Kind.COUNTER: Sum, Kind.GAUGE: Gauge, Kind.HISTOGRAM: Histogram}


def test_every_metric_arrives_as_what_it_is() -> None:
    reader = InMemoryMetricReader()
    sink = OtlpMetrics("batchai-runner", "gpu-0", reader=reader)
    for metric in Metric:
        sink.add(metric, 2.0, {Attribute.CLUSTER: "w/c"})
        sink.add(metric, 3.0, {Attribute.CLUSTER: "w/c"})
    data = reader.get_metrics_data()
    assert data is not None
    (resource,) = data.resource_metrics
    assert resource.resource.attributes["service.name"] == "batchai-runner"
    found = {one.name: one for one in resource.scope_metrics[0].metrics}
    assert found.keys() == {metric.title for metric in Metric}
    for metric in Metric:
        one = found[metric.title]
        assert (type(one.data), one.unit) == (SHAPES[metric.kind], metric.unit)
        (point,) = one.data.data_points
        assert point.attributes == {"batchai.cluster": "w/c"}
        if metric.kind is not Kind.HISTOGRAM:
            assert getattr(point, "value", None) == (5.0 if metric.kind is Kind.COUNTER else 3.0)
    sink.close()
