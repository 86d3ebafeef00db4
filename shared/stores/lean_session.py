"""A session of requests without what storage calls have no use for.

For every call `requests.Session` searches the environment for proxies and certificates and .netrc for
passwords, merges cookies, and takes the address apart and puts it together again: a fifth of a small job's
processor time. The SDK has prepared all that is sent, so here it goes to the adapter as it is, and the
environment is asked once for every host. Connections, TLS, time limits and exceptions are those of requests.
"""

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import Retry

#: Of uploads: the default of http.client is half that (the SDK's own transport does the same).
_BLOCK_BYTES = 32 * 1024
#: What the SDK's transport says of every request.
_KNOWN = frozenset(
    {"headers", "data", "files", "verify", "timeout", "cert", "allow_redirects", "proxies", "stream"}
)


def session() -> requests.Session:
    """A session for the SDK's transport, which repeats nothing and follows no redirection itself."""
    made = _LeanSession()
    adapter = HTTPAdapter(max_retries=Retry(total=False, redirect=False, raise_on_status=False))
    adapter.init_poolmanager(10, 10, blocksize=_BLOCK_BYTES)
    for scheme in ("http://", "https://"):
        made.mount(scheme, adapter)
    return made


class _LeanSession(requests.Session):
    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, Any, Any], Any] = {}  #: what the environment says of a host

    def request(self, method: Any, url: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """As the SDK's transport asks; anything else is left to requests."""
        data, address = kwargs.get("data"), str(url)
        is_plain = isinstance(data, bytes | str | None) and address.isascii() and " " not in address
        if not is_plain or kwargs.get("files") or kwargs.get("proxies") or not kwargs.keys() <= _KNOWN:
            return super().request(method, url, **kwargs)
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url = str(method), address
        prepared.body = data.encode() if isinstance(data, str) else data
        prepared.headers = CaseInsensitiveDict(kwargs.get("headers") or {})
        prepared.prepare_content_length(prepared.body)
        told = self._told_of(address, kwargs.get("verify"), kwargs.get("cert"))
        is_streamed = bool(kwargs.get("stream"))
        send = self.get_adapter(address).send
        response = send(prepared, **told, stream=is_streamed, timeout=kwargs.get("timeout"))
        if not is_streamed:
            response.content  # noqa: B018 - read whole, which gives the connection back
        return response

    def _told_of(self, url: str, verify: Any, cert: Any) -> dict[str, Any]:
        """Proxies and certificates for a host, as requests would find them for every call."""
        parts = urlsplit(url)
        key = (f"{parts.scheme}://{parts.netloc}", verify, cert)
        if key not in self._told:
            told = self.merge_environment_settings(url, {}, None, verify, cert)
            self._told[key] = {name: told[name] for name in ("proxies", "verify", "cert")}
        return dict(self._told[key])
