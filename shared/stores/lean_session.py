"""A session of requests without what storage calls have no use for.

For every call `requests.Session` merges cookies, calls hooks, and takes the address apart and puts it
together again: together with its looks at the environment, which transport.py spares, a fifth of a small
job's processor time. The SDK has prepared all that is sent, so here it is given to the adapter as it is, and
the adapter looks for the pool of a host's connections once. Connections, TLS, proxies, time limits and
exceptions are those of requests.
"""

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3 import Retry

from shared.stores.lean_response import POOLS

#: Of uploads: the default of http.client is half that (the SDK's own transport does the same).
_BLOCK_BYTES = 32 * 1024
#: What the SDK's transport says of a request.
_KNOWN = frozenset(
    {"headers", "data", "files", "verify", "timeout", "cert", "allow_redirects", "proxies", "stream"}
)


def session() -> requests.Session:
    """A session for the SDK's transport, which repeats nothing and follows no redirection itself, and reads
    nothing from its environment."""
    made = _LeanSession()
    made.trust_env = False
    adapter = _LeanAdapter(max_retries=Retry(total=False, redirect=False, raise_on_status=False))
    adapter.init_poolmanager(10, 10, blocksize=_BLOCK_BYTES)
    for scheme in ("http://", "https://"):
        made.mount(scheme, adapter)
    return made


class _LeanAdapter(HTTPAdapter):
    """Remembers the pool of the latest host: each client has one, or two."""

    _latest: tuple[Any, Any] = (None, None)  #: what it was asked for, and the pool; replaced together

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """As that of requests, with connections of our own."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """As that of requests. A pool's certificates are part of what it is asked for, and set at once."""
        address = str(request.url)
        if proxies:
            pool = super().get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
            super().cert_verify(pool, address, verify, cert)
            return pool
        scheme, _, rest = address.partition("://")
        asked = scheme, rest.partition("/")[0], verify, cert
        known, pool = self._latest
        if known != asked:
            pool = super().get_connection_with_tls_context(request, verify, cert=cert)
            super().cert_verify(pool, address, verify, cert)
            self._latest = asked, pool
        return pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Done where the pool is looked for."""

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """As that of requests."""
        return super().request_url(request, proxies) if proxies else request.path_url

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """As that of requests, without cookies."""
        made: Any = requests.Response()
        made.status_code, made.reason, made.url = resp.status, resp.reason, req.url
        made.headers = CaseInsensitiveDict(resp.headers)
        made.encoding = get_encoding_from_headers(made.headers)
        made.raw, made.request, made.connection = resp, req, self
        answer: requests.Response = made
        return answer


class _LeanSession(requests.Session):
    def request(self, method: Any, url: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """As the SDK's transport asks; anything else is left to requests."""
        data, address = kwargs.get("data"), str(url)
        is_plain = isinstance(data, bytes | str | None) and address.isascii() and " " not in address
        if not is_plain or kwargs.get("files") or not kwargs.keys() <= _KNOWN:
            return super().request(method, url, **kwargs)
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url = str(method), address
        prepared.body = data.encode() if isinstance(data, str) else data
        prepared.headers = CaseInsensitiveDict(kwargs.get("headers") or {})
        prepared.prepare_content_length(prepared.body)
        how = {name: kwargs.get(name) for name in ("timeout", "cert", "proxies")}
        is_streamed = bool(kwargs.get("stream"))
        send = self.get_adapter(address).send
        response = send(prepared, **how, verify=kwargs.get("verify", True), stream=is_streamed)
        if not is_streamed:
            response.content  # noqa: B018 - read whole, which gives the connection back
        return response
