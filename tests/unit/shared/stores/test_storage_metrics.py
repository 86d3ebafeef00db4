"""Requests to storage as metrics: each one, and those that a service refused because of its limits."""

from types import SimpleNamespace
from typing import Any

import pytest

from shared.stores.connection import CallCounter, counting_transport
from shared.stores.transport import StorageTransport
from shared.telemetry.names import Attribute, Metric
from tests.support.kept_metrics import kept_metrics


@pytest.mark.parametrize(("status", "throttled"), [(200, []), (404, []), (429, [1]), (503, [1])])
def test_a_request_counts_and_a_busy_service_too(
    monkeypatch: pytest.MonkeyPatch, status: int, throttled: list[int]
) -> None:
    def answer(self: StorageTransport, request: Any, **options: Any) -> Any:
        return SimpleNamespace(status_code=status)

    monkeypatch.setattr(StorageTransport, "send", answer)
    counter = CallCounter()
    with kept_metrics() as kept:
        counting_transport(counter, "queue").send(SimpleNamespace(method="GET"))
    assert counter.snapshot() == {"GET queue": 1}
    assert kept.of(Metric.REQUESTS) == [1]
    assert kept.of(Metric.THROTTLED) == throttled
    assert kept.by(Metric.REQUESTS, Attribute.SERVICE) == {"queue": 1}
