"""What a client of the SDK would send, seen in place of sending it."""

from collections.abc import Callable
from typing import Any

from azure.core.pipeline.transport import RequestsTransport


class _Stopped(Exception):
    """The request was seen."""


class Looking(RequestsTransport):  # type: ignore[misc]
    """A transport that remembers a request, and the options it came with, instead of sending it."""

    request: Any
    options: dict[str, Any]

    def send(self, request: Any, **options: Any) -> Any:
        self.request, self.options = request, options
        raise _Stopped

    def sees(self, call: Callable[[], object]) -> "Looking":
        """Itself, after `call`, which must send through it. AssertionError where it sends nothing."""
        try:
            call()
        except _Stopped:
            return self
        raise AssertionError("nothing was sent")
