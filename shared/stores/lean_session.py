"""A session of requests without what storage calls have no use for.

For every call `requests.Session` merges cookies, calls hooks, and takes the address apart and puts it
together again: together with its looks at the environment, which transport.py spares, a fifth of a small
job's processor time. The SDK has prepared all that is sent, so here it is given to the adapter as it is.
Connections, TLS, proxies, time limits and exceptions are those of requests.
"""

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import Retry

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
    adapter = HTTPAdapter(max_retries=Retry(total=False, redirect=False, raise_on_status=False))
    adapter.init_poolmanager(10, 10, blocksize=_BLOCK_BYTES)
    for scheme in ("http://", "https://"):
        made.mount(scheme, adapter)
    return made


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
