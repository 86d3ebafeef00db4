"""How requests to storage leave this process: the SDK's own transport, which reads its environment once.

requests looks through the whole environment, and at ~/.netrc, before every single request: a tenth of what a
small storage call costs this process.
"""

import functools
import os
from typing import Any
from urllib.parse import urlsplit

import requests.utils
from azure.core.pipeline.transport import RequestsTransport


class StorageTransport(RequestsTransport):  # type: ignore[misc]
    """Proxies (HTTPS_PROXY, NO_PROXY, ...) and certificates (REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE) are those
    that the environment named when the transport was made, or first met a host. ~/.netrc is not read:
    storage calls are signed, and an entry there would replace the signature."""

    def __init__(self, **options: Any) -> None:
        bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        if bundle:
            options.setdefault("connection_verify", bundle)
        super().__init__(use_env_settings=False, **options)
        self._proxies_of = functools.cache(_proxies)

    def send(self, request: Any, **options: Any) -> Any:
        parts = urlsplit(request.url)
        options.setdefault("proxies", self._proxies_of(parts.scheme, parts.netloc))
        return super().send(request, **options)


def _proxies(scheme: str, host: str) -> dict[str, str]:
    found: dict[str, str] = requests.utils.get_environ_proxies(f"{scheme}://{host}/")
    return found
