"""What spans and metrics of a process have in common: who it is, and how it ends. Knows OpenTelemetry's
SDK."""

import threading
from collections.abc import Callable

from opentelemetry.sdk.resources import OTELResourceDetector, Resource

from shared.package import package_version

SCOPE = "batchai"
#: Seconds. What is not sent by then when the process leaves is lost.
_CLOSE_SECONDS = 5.0


def process(service: str, instance: str, namespaced: bool = True) -> Resource:
    """This process, unless OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say otherwise. Not `namespaced`:
    for Application Insights, where the role of the log is the service's name alone."""
    named = {"service.name": service, "service.instance.id": instance}
    if namespaced:
        named["service.namespace"] = "batchai"
    own = Resource({**named, "service.version": package_version()})
    return Resource.create().merge(own).merge(OTELResourceDetector().detect())


def end_soon(shutdown: Callable[[], object]) -> None:
    """Run `shutdown`, which sends what is left, for a few seconds at most."""
    ending = threading.Thread(target=shutdown, name="telemetry-end", daemon=True)
    ending.start()
    ending.join(_CLOSE_SECONDS)
