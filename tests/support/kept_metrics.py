"""A sink of metrics that keeps their values."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from shared.telemetry import metrics
from shared.telemetry.names import Attribute, Metric


@dataclass
class KeptMetrics:
    """A MetricSink."""

    values: list[tuple[Metric, float, dict[Attribute, str]]] = field(default_factory=list)

    def add(self, metric: Metric, value: float, about: Mapping[Attribute, str]) -> None:
        self.values.append((metric, value, dict(about)))

    def of(self, metric: Metric) -> list[float]:
        """Its values in order."""
        return [value for known, value, _ in self.values if known is metric]

    def by(self, metric: Metric, attribute: Attribute) -> dict[str, float]:
        """The latest of its values for each word of an attribute."""
        return {about[attribute]: value for known, value, about in self.values if known is metric}


@contextmanager
def kept_metrics() -> Iterator[KeptMetrics]:
    """The sink of this process inside the block."""
    made = KeptMetrics()
    metrics.use(made)
    try:
        yield made
    finally:
        metrics.use(None)
