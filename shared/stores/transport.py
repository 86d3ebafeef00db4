"""How requests to storage leave this process: nearly all straight through urllib3; what is streamed, or
needs a proxy, through the SDK's own transport. The environment is read once.

requests looks through the whole environment, and at ~/.netrc, before every single request: a tenth of what a
small storage call costs this process.
"""

import functools
import os
from typing import Any

import requests.utils
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest

from shared.stores.plain_sending import PlainSender


class StorageTransport(RequestsTransport):  # type: ignore[misc]
    """Proxies (HTTPS_PROXY, NO_PROXY, ...) and certificates (REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE) are those
    that the environment named when the transport was made, or first met a host. ~/.netrc is not read:
    storage calls are signed, and an entry there would replace the signature."""

    def __init__(self, connection_timeout: float, read_timeout: float) -> None:
        """Seconds until a connection stands, and until something is heard on it."""
        options: dict[str, Any] = {"connection_timeout": connection_timeout, "read_timeout": read_timeout}
        bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or ""
        if bundle:
            options["connection_verify"] = bundle
        super().__init__(use_env_settings=False, **options)
        self._plain = PlainSender(connection_timeout, read_timeout, bundle)
        self._proxies_of = functools.cache(_proxies)

    def send(self, request: Any, **options: Any) -> Any:
        scheme, _, rest = request.url.partition("://")
        proxies = self._proxies_of(scheme, rest.partition("/")[0])
        if proxies or not _is_plain(request, options):
            options.setdefault("proxies", proxies)
            return super().send(request, **options)
        return self._plain.send(request)

    def close(self) -> None:
        super().close()
        self._plain.close()


def _is_plain(request: Any, options: dict[str, Any]) -> bool:
    """Whether a request is sent as it is, and its answer is to be read whole."""
    if any(options.values()) or not isinstance(request, HttpRequest) or request._files:
        return False
    # Storage's own operations quote their addresses.
    return isinstance(request._data, bytes | None) and request.url.isascii() and " " not in request.url


def _proxies(scheme: str, host: str) -> dict[str, str]:
    found: dict[str, str] = requests.utils.get_environ_proxies(f"{scheme}://{host}/")
    return found
