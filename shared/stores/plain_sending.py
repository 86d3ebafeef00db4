"""Requests whose answer is read whole, sent by urllib3 alone.

The SDK's transport sends through requests, which takes every request apart, puts it together again and wraps
the answer twice: a fifth of what a small storage call costs this process. The SDK has prepared all that is
sent, so here a pool of connections is given it as it is, and the answer is what the SDK's own responses are
made of. TLS, time limits, and what is a fault of the way there or back are as in the SDK's transport.
"""

import threading
from pathlib import Path
from typing import Any

from azure.core import exceptions as sdk
from azure.core.rest import HttpRequest, HttpResponse
from azure.core.rest._http_response_impl import HttpResponseImpl
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, Timeout
from urllib3 import exceptions as way
from urllib3.util import parse_url

from shared.stores.lean_response import POOLS

#: Of uploads: the default of http.client is half that (the SDK's own transport does the same).
_BLOCK_BYTES = 32 * 1024
_CONNECTIONS = 10  #: that are kept open to a host (the default of requests)
#: What went wrong on the way, and what it is in the SDK's words: the first that fits.
_FAULTS: tuple[tuple[type[way.HTTPError], type[sdk.AzureError]], ...] = (
    (way.NewConnectionError, sdk.ServiceRequestError),
    (way.ConnectTimeoutError, sdk.ServiceRequestTimeoutError),
    (way.ReadTimeoutError, sdk.ServiceResponseTimeoutError),
    (way.DecodeError, sdk.DecodeError),
    (way.SSLError, sdk.ServiceRequestError),
    (way.LocationValueError, sdk.ServiceRequestError),
    (way.HTTPError, sdk.ServiceResponseError),
)


class PlainSender:
    """Connections to the hosts that it is asked for, kept open. Thread-safe."""

    def __init__(self, connect_seconds: float, read_seconds: float, bundle: str = "") -> None:
        """`bundle`: the file or folder of the certificates to trust; "": those that requests brings along."""
        self._bundle = Path(bundle or DEFAULT_CA_BUNDLE_PATH)
        self._timeout = Timeout(connect_seconds, read_seconds)
        self._pools: dict[str, HTTPConnectionPool] = {}
        self._lock = threading.Lock()

    def send(self, request: HttpRequest) -> HttpResponse:
        """The answer, whatever its status; nothing is repeated, no redirection is followed.

        Raises AzureError: ServiceRequestError where nothing came to the service, ServiceResponseError where
        it may have acted. OSError where the certificates to trust are not there.
        """
        scheme, _, rest = request.url.partition("://")
        host, _, target = rest.partition("/")
        try:
            answer: Any = self._pool(scheme, host).urlopen(
                request.method,
                f"/{target}",
                request._data,
                request.headers,
                retries=False,
                redirect=False,
                timeout=self._timeout,
            )
        except way.HTTPError as error:
            raise _ours(error) from error
        headers = answer.headers
        made = HttpResponseImpl(
            request=request,
            internal_response=answer,
            status_code=answer.status,
            reason=answer.reason,
            content_type=headers.get("content-type"),
            headers=headers,
            stream_download_generator=None,
        )
        made._content = answer.data
        made._set_read_checks()
        return made

    def close(self) -> None:
        """Close the connections. Another request opens new ones."""
        with self._lock:
            while self._pools:
                self._pools.popitem()[1].close()

    def _pool(self, scheme: str, host: str) -> HTTPConnectionPool:
        address = f"{scheme}://{host}"
        if pool := self._pools.get(address):
            return pool
        with self._lock:
            if address not in self._pools:
                self._pools[address] = self._opened(address)
            return self._pools[address]

    def _opened(self, address: str) -> HTTPConnectionPool:
        parts = parse_url(address)
        options: Any = {"maxsize": _CONNECTIONS, "blocksize": _BLOCK_BYTES}
        if parts.scheme == "https":
            options |= {"cert_reqs": "CERT_REQUIRED", **self._trust()}
        return POOLS[str(parts.scheme)](str(parts.host), parts.port, **options)

    def _trust(self) -> dict[str, str]:
        if not self._bundle.exists():  # the words and the kind of requests; urllib3 would not say which file
            words = "Could not find a suitable TLS CA certificate bundle, invalid path"
            raise OSError(f"{words}: {self._bundle}")
        return {"ca_cert_dir" if self._bundle.is_dir() else "ca_certs": str(self._bundle)}


def _ours(error: way.HTTPError) -> sdk.AzureError:
    kind = next(ours for theirs, ours in _FAULTS if isinstance(error, theirs))
    return kind(error, error=error)
