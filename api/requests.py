"""What requests carry besides their body: queries, pages, the address they were sent to."""

import json
from typing import Any
from urllib.parse import urlencode, urlsplit

import azure.functions as func

from api import origins
from api.wired import backend
from shared.errors import RequestError

#: Bytes. No document comes near it; what is larger is refused unread.
MOST_BYTES = 1024 * 1024
_MOST_RESULTS = 1000


def workspace_of(req: func.HttpRequest) -> str:
    """The workspace that a route names, as in shared.names.ids: with its resource group where that is not
    the installation's own."""
    route = req.route_params
    return backend().settings.scope.workspace_in(route["resource_group"], route["workspace"])


def query(req: func.HttpRequest, name: str, default: str = "") -> str:
    """A query parameter; its name's case does not count, as in ARM."""
    for key, value in req.params.items():
        if key.lower() == name.lower():
            return str(value)
    return default


def number(req: func.HttpRequest, name: str, default: int, least: int, most: int) -> int:
    """A query parameter that is a whole number. Raises RequestError."""
    text = query(req, name, str(default))
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else least - 1
    if not least <= value <= most:
        raise RequestError(f"{name} must be a number from {least} to {most}.", "InvalidQueryParameterValue")
    return value


def page_size(req: func.HttpRequest) -> int:
    """maxresults. Raises RequestError."""
    return number(req, "maxresults", _MOST_RESULTS, 1, _MOST_RESULTS)


def skip_token(req: func.HttpRequest) -> str:
    """Where the page begins that a nextLink asks for; "" for the first one. Raises RequestError."""
    token = query(req, "$skiptoken")
    if not token.isprintable():
        raise RequestError("$skiptoken is not one that a nextLink holds.", "InvalidQueryParameterValue")
    return token


def next_link(req: func.HttpRequest, token: str) -> str:
    """The address of the page after this one."""
    kept = {key: value for key, value in req.params.items() if key.lower() != "$skiptoken"}
    return f"{base(req)}{urlsplit(req.url).path}?{urlencode(kept | {'$skiptoken': token})}"


def base(req: func.HttpRequest) -> str:
    """What links begin with: BATCHAI_PUBLIC_URL, or the host that the platform was asked for.

    No header of a proxy names the host: whoever sends one would get links, with the function key in them, to
    a host of his choice (ADR 0174). The scheme is App Service's own word, which ends TLS before the host.
    """
    if public := backend().settings.public_url:
        return public
    parts = urlsplit(req.url)
    scheme = req.headers.get("x-forwarded-proto", "").partition(",")[0].strip() or parts.scheme
    return f"{scheme if scheme in ('http', 'https') else parts.scheme}://{parts.netloc}"


def is_foreign(req: func.HttpRequest) -> bool:
    """Whether a page of another site asks a browser to change something here."""
    origin, settings = req.headers.get("origin"), backend().settings
    if req.method in origins.SAFE or origin is None:
        return False
    return origins.is_foreign(origin, urlsplit(base(req)).netloc, settings.allowed_origins)


def read_object(req: func.HttpRequest) -> dict[str, Any]:
    """The body as a JSON object. Raises RequestError."""
    try:
        read = json.loads(req.get_body() or b"null")
    except (ValueError, RecursionError) as error:
        text = f"The request content was invalid and could not be deserialized: {error}"
        raise RequestError(text, "InvalidRequestContent") from None
    if not isinstance(read, dict):
        raise RequestError("The request content must be a JSON object.", "InvalidRequestContent")
    return read


def read_tags(body: dict[str, Any]) -> dict[str, str] | None:
    """The tags of a body, None where it has none. Raises RequestError."""
    tags = body.get("tags")
    if tags is None:
        return None
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise RequestError("tags must be an object whose values are strings.", "InvalidRequestContent")
    # Azure Resource Manager's limits.
    if len(tags) > 50 or any(len(key) > 512 or len(value) > 256 for key, value in tags.items()):
        text = "There may be 50 tags at most, names of 512 and values of 256 characters at most."
        raise RequestError(text, "InvalidTags")
    return dict(tags)
