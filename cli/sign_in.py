"""Who one is at the service: a function key, an Entra token, or nobody (the local stack)."""

import ipaddress
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from cli.faults import NOT_ALLOWED, Fault

#: A token is asked for anew this long before it ends.
_MARGIN_SECONDS = 120.0


def sign_in(url: str, function_key: str, audience: str) -> Callable[[], dict[str, str]]:
    """What makes the headers of a request. Raises Fault where a secret would cross the network in clear."""
    if not function_key and not audience:
        return dict
    if not _is_safe(url):
        raise Fault(
            f"{url} is not https: neither a key nor a token is sent there",
            "Use the https address of the function app.",
            NOT_ALLOWED,
        )
    token = _Token(audience) if audience else None

    def headers() -> dict[str, str]:
        message = {"x-functions-key": function_key} if function_key else {}
        return message | ({"authorization": f"Bearer {token.text()}"} if token else {})

    return headers


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


class _Token:
    """An Entra token for an application, from whatever sign-in there is (az login, environment, ...)."""

    def __init__(self, audience: str) -> None:
        self._scope = f"{audience.rstrip('/')}/.default"
        self._text = ""
        self._ends = 0.0

    def text(self) -> str:
        """The token. Raises Fault."""
        if time.time() > self._ends - _MARGIN_SECONDS:
            # Imported late: it takes longer to load than everything else together.
            from azure.core.exceptions import ClientAuthenticationError
            from azure.identity import CredentialUnavailableError, DefaultAzureCredential

            try:
                with DefaultAzureCredential() as credential:
                    found = credential.get_token(self._scope)
            except (ClientAuthenticationError, CredentialUnavailableError) as error:
                reason = str(error).strip().splitlines()[0]
                raise Fault(f"no Entra sign-in: {reason}", "Sign in with: az login", NOT_ALLOWED) from None
            self._text, self._ends = found.token, float(found.expires_on)
        return self._text
