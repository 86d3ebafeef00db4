"""The SDK's pipelines without the parts that do nothing for us.

Of the dozen policies that each call passes on its way out and back, six log what nobody reads, trace for a
tool that is not there, or follow redirections, which storage does not answer with. A call through the others
costs a quarter less processor time.
"""

import copy
import functools
import uuid
from collections.abc import Iterable
from typing import Any

from azure.core.pipeline import Pipeline, PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy

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
#: What plain requests have no use for besides: what they hold is as it is sent, their answers are read by who
#: sends them, there is one host, and nobody hears of progress.
_FOR_OPERATIONS = frozenset(
    {
        "ContentDecodePolicy",
        "CustomHookPolicy",
        "QueueMessagePolicy",
        "RangeHeaderPolicy",
        "StorageHosts",
        "StorageResponseHook",
    }
)
#: What operations of the SDK say to policies that are not there; the transport would not know it.
_UNHEARD = ("logging_body", "logging_enable", "permit_redirects", "raw_request_hook", "validate_content")


def _heed(named_by_option: bool, request: PipelineRequest[Any]) -> None:
    """Take out what nobody hears, and name the request: the SDK's own name comes from the C library, which
    looks for a service at a socket first."""
    options = request.context.options
    for name in _UNHEARD:
        if options.pop(name, None):
            raise ValueError(f"{name} is not known to this client's pipeline")
    name = str(uuid.uuid4())
    if named_by_option:
        options.setdefault("client_request_id", name)
    else:
        request.http_request.headers.setdefault("x-ms-client-request-id", name)


def lean(policies: Iterable[Any], *, named_by_option: bool = False) -> list[Any]:
    """The policies of a client that are needed, in their order. `named_by_option`: its operations take
    `client_request_id`, as those of Azure Storage do; tables find the name in its header."""
    first: Any = SansIOHTTPPolicy()
    first.on_request = functools.partial(_heed, named_by_option)
    return [first, *(policy for policy in policies if type(policy).__name__ not in _WITHOUT)]


def plain(transport: Any, policies: Iterable[Any]) -> Pipeline[Any, Any]:
    """A pipeline for plain requests, which no operation of the SDK makes: `policies` without those that only
    operations need. They are copied, for each knows the next one in its pipeline."""
    few = (policy for policy in policies if type(policy).__name__ not in _FOR_OPERATIONS)
    return Pipeline(transport, policies=[copy.copy(policy) for policy in few])
