"""azure-functions' converters: the only module that builds a trigger's value or reads a function's answer.

They are reached through `get_binding_registry()`, the public entry point of Microsoft's own worker, so a
function sees here exactly the objects it sees in Azure. The SDK has no types there, hence `Any`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import azure.functions as func
from azure.functions import meta

_get_registry: Callable[[], Any] = func.get_binding_registry


def converter(binding: str) -> Any:
    """The SDK's converter of a binding type such as "blobTrigger", or None."""
    return _get_registry().get(binding)


def _datum(value: object, kind: str) -> Any:
    make: Callable[..., Any] = meta.Datum
    return make(value, kind)


def _json(value: object) -> Any:
    return _datum(json.dumps(value), "json")


@dataclass(frozen=True)
class BlobContent:
    """One version of a blob, read whole."""

    name: str  #: container/path
    uri: str
    data: bytes
    properties: Mapping[str, Any]
    metadata: Mapping[str, str]


def blob_value(blob: BlobContent) -> Any:
    """func.InputStream of a blob. (SDK 1.26 gives length None, not 0, for an empty one.)"""
    about = {
        "BlobTrigger": _datum(blob.name, "string"),
        "Uri": _datum(blob.uri, "string"),
        "Properties": _json(dict(blob.properties)),
        "Metadata": _json(dict(blob.metadata)),
    }
    return converter("blobTrigger").decode(_datum(blob.data, "bytes"), trigger_metadata=about)


def queue_value(body: bytes, about: Mapping[str, str]) -> Any:
    """func.QueueMessage. Members of a JSON body override what the host says, as in Azure (`id`, ...)."""
    known = {name.lower(): name for name in about}
    merged = dict(about)
    for name, value in _members(body).items():
        if (target := known.get(name.lower())) is not None:
            merged[target] = value if isinstance(value, str) else json.dumps(value)
    data = {name: _datum(value, "string") for name, value in merged.items()}
    return converter("queueTrigger").decode(_datum(body, "bytes"), trigger_metadata=data)


def _members(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def timer_value(past_due: bool, status: Mapping[str, str]) -> Any:
    """func.TimerRequest."""
    about = {"IsPastDue": past_due, "ScheduleStatus": dict(status), "Schedule": {"AdjustForDST": False}}
    return converter("timerTrigger").decode(_json(about), trigger_metadata=None)


@dataclass(frozen=True)
class HttpCall:
    """One request, read whole."""

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    route: Mapping[str, str]
    body: bytes


def http_value(call: HttpCall) -> Any:
    """func.HttpRequest."""
    texts = {
        part: {name: _datum(value, "string") for name, value in values.items()}
        for part, values in (("headers", call.headers), ("query", call.query), ("params", call.route))
    }
    whole = {
        "method": _datum(call.method, "string"),
        "url": _datum(call.url, "string"),
        "body": _datum(call.body, "bytes"),
        **texts,
    }
    return converter("httpTrigger").decode(_datum(whole, "http"), trigger_metadata=None)


@dataclass(frozen=True)
class HttpAnswer:
    """What is sent back over the wire."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def http_answer(result: object) -> HttpAnswer:
    """Read what an HTTP function returned: str or func.HttpResponse. Raises TypeError for anything else."""
    try:
        datum = converter("http").encode(result, expected_type=None)
    except NotImplementedError:
        kind = type(result).__name__
        raise TypeError(f"an HTTP function must return str or func.HttpResponse, not {kind}") from None
    if datum.type == "string":
        return HttpAnswer(200, (("content-type", "text/plain; charset=utf-8"),), datum.value.encode())
    whole = datum.value
    headers = [(name, str(value.value)) for name, value in whole["headers"].items()]
    cookies = [
        ("set-cookie", morsel.OutputString()) for jar in whole["cookies"] or () for morsel in jar.values()
    ]
    return HttpAnswer(int(whole["status_code"].value), (*headers, *cookies), whole["body"].value)
