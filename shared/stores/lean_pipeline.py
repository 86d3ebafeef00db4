"""The SDK's service clients without the parts of their pipelines that do nothing for us.

Of the dozen policies that each call passes on its way out and back, six log what nobody reads, trace for a
tool that is not there, or follow redirections, which storage does not answer with. A call through the others
costs a quarter less processor time.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from azure.core.pipeline import Pipeline, PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

#: By the names of their classes, some of which the SDKs do not export. Proxies are the transport's
#: (transport.py); checksums of content nobody asks for; a call is traced and logged by who makes it.
_WITHOUT = frozenset(
    {
        "DistributedTracingPolicy",
        "HttpLoggingPolicy",
        "NetworkTraceLoggingPolicy",
        "ProxyPolicy",
        "RedirectPolicy",
        "StorageContentValidation",
        "StorageLoggingPolicy",
        "StorageRequestHook",
        "StorageSensitiveHeaderCleanupPolicy",
    }
)
#: What operations of the SDK say to policies that are not there; the transport would not know it.
_UNHEARD = ("logging_body", "logging_enable", "permit_redirects", "validate_content")


class _Options(SansIOHTTPPolicy[Any, Any]):
    """Takes out what nobody hears, and names the request: the SDK's own name comes from the C library, which
    looks for a service at a socket first."""

    def __init__(self, named_by_option: bool) -> None:
        super().__init__()
        self._named_by_option = named_by_option

    def on_request(self, request: PipelineRequest[Any]) -> None:
        options = request.context.options
        for name in _UNHEARD:
            if options.pop(name, None):
                raise ValueError(f"{name} is not known to this client's pipeline")
        name = str(uuid.uuid4())
        if self._named_by_option:
            options.setdefault("client_request_id", name)
        else:
            request.http_request.headers.setdefault("x-ms-client-request-id", name)


def lean(policies: Iterable[Any], *, named_by_option: bool = False) -> list[Any]:
    """The policies of a client that are needed, in their order. `named_by_option`: its operations take
    `client_request_id`, as those of Azure Storage do; tables find the name in its header."""
    return [
        _Options(named_by_option),
        *(policy for policy in policies if type(policy).__name__ not in _WITHOUT),
    ]


class _LeanClient:
    """Of a service client of Azure Storage: its own pipeline, which the clients that it makes share."""

    def _create_pipeline(self, *args: Any, **options: Any) -> tuple[Any, Pipeline[Any, Any]]:
        made: Any = super()
        configuration, pipeline = made._create_pipeline(*args, **options)
        # The pipeline has wrapped some of them.
        plain = (getattr(policy, "_policy", policy) for policy in pipeline._impl_policies)
        return configuration, Pipeline(pipeline._transport, policies=lean(plain, named_by_option=True))


class Queues(_LeanClient, QueueServiceClient):
    """The queue service's client."""


class Blobs(_LeanClient, BlobServiceClient):
    """The blob service's client."""
