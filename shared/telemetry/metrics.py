"""Values of metrics. Without a sink, as always unless the environment asks for metrics, each costs a
comparison."""

from collections.abc import Mapping
from typing import Protocol

from shared.telemetry.names import Attribute, Metric


class MetricSink(Protocol):
    """Takes values. Never raises, never waits."""

    def add(self, metric: Metric, value: float, about: Mapping[Attribute, str]) -> None:
        """A value: see Kind."""


_sink: MetricSink | None = None


def use(sink: MetricSink | None) -> None:
    """Where values go from now on; None: nowhere."""
    global _sink
    _sink = sink


def is_on() -> bool:
    """Whether somebody takes values."""
    return _sink is not None


def add(metric: Metric, value: float, about: Mapping[Attribute, str]) -> None:
    """Give a value away. `about`: what telemetry.md says of the metric, few values each."""
    if _sink is not None:
        _sink.add(metric, value, about)
