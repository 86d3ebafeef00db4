"""Key Vaults: the value of a secret, or why it cannot be had."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from shared.errors import SecretError, StoreError
from shared.names.vault_urls import VaultSecret, vault_secret
from shared.stores.identity import identity

#: Known to every vault there is, in every cloud.
_API_VERSION = "7.4"
_CONNECT_SECONDS, _READ_SECONDS, _RETRIES = 5, 15, 3
#: For all tries of one question together: somebody may want to stop the job meanwhile.
_WHOLE_SECONDS = 45
#: Who the vault says is asking: ids of an application and of its object, no secrets.
_CALLER = re.compile(r"\b(appid|oid)=([0-9A-Fa-f-]{36})")
_ROLE = "Key Vault Secrets User"


def _same(one: VaultSecret, other: VaultSecret) -> bool:
    """Whether both name one secret, whatever version: vaults and their secrets ignore case."""
    return (one.host.lower(), one.name.lower()) == (other.host.lower(), other.name.lower())


class Vaults:
    """Reads secrets as the machine's identity. Clients are made at first use."""

    def __init__(
        self, hosts: Iterable[str] = (), identity: Callable[[], Any] = identity, own: str = ""
    ) -> None:
        """`hosts`: what the operator lets be asked beside Azure's own vaults, as host or host:port. `own`:
        the URL of the installation's sealing keys, which the same identity may read and no document may."""
        self._own = vault_secret(own) if own else None
        self._hosts = frozenset(host.lower() for host in hosts)
        self._identity = identity
        self._credential: Any = None
        self._clients: dict[str, Any] = {}

    def read(self, url: str) -> str:
        """The value of a secret.

        Raises SecretError where asking again would not help (no such secret, no right to it), StoreError
        where it may (vault or identity not reachable, too busy). Neither repeats more of the vault's answer
        than its error codes and who it says was asking.
        """
        try:
            secret = vault_secret(url)
        except ValueError as error:
            raise SecretError(str(error)) from None
        if not secret.is_azures and secret.host not in self._hosts:
            raise SecretError(
                f"{secret.host} is not a vault that this installation asks; the operator of the runner can "
                "add it to BATCHAI_VAULTS"
            )
        if self._own and _same(secret, self._own):
            raise SecretError("this secret holds the installation's sealing keys; no document may have it")
        with _as_our_error(secret):
            value = self._client(secret).get_secret(secret.name, secret.version or None).value
        if value is None:
            raise SecretError(f"vault {secret.host} answered without a value")
        return str(value)

    def close(self) -> None:
        """Close the clients that were made."""
        while self._clients:
            self._clients.popitem()[1].close()

    def _client(self, secret: VaultSecret) -> Any:
        # Imported late: most jobs have no references, and the import costs as much as a storage SDK's.
        from azure.keyvault.secrets import SecretClient

        if secret.host not in self._clients:
            self._credential = self._credential or self._identity()
            self._clients[secret.host] = SecretClient(
                secret.vault_url,
                self._credential,
                api_version=_API_VERSION,
                connection_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retry_total=_RETRIES,
                timeout=_WHOLE_SECONDS,
            )
        return self._clients[secret.host]


@contextmanager
def _as_our_error(secret: VaultSecret) -> Iterator[None]:
    """The SDK's exceptions as ours, in words of ours: a vault's own may be of any length."""
    try:
        yield
    except ClientAuthenticationError as error:
        if error.status_code == 401 and _answered_by(error).startswith(f"{secret.vault_url}/secrets/"):
            raise SecretError(_refused_identity(secret)) from error
        raise StoreError(f"{secret}: this machine's identity got no token for the vault") from error
    except HttpResponseError as error:
        status = error.status_code or 0
        if status == 429 or status >= 500:
            raise StoreError(f"{secret}: the vault answered {status} {_code(error)}") from error
        raise SecretError(_final(secret, error)) from error
    except ValueError as error:  # the challenge is not one of a vault
        raise SecretError(f"{secret}: what answers there does not behave like a Key Vault") from error
    except AzureError as error:
        raise StoreError(f"{secret}: vault {secret.host} could not be reached ({_kind(error)})") from error


def _final(secret: VaultSecret, error: HttpResponseError) -> str:
    message = f"vault {secret.host} answered {error.status_code} {_code(error)}"
    if error.status_code == 404:
        which = f"version {secret.version} of secret {secret.name}" if secret.version else secret.name
        return f"{message}: it has no {which}, or it was deleted"
    if error.status_code != 403:
        return message
    inner = _inner_code(error)
    if inner == "SecretDisabled":
        return f"{message}: secret {secret.name} is disabled; enable it, or refer to another version"
    if inner == "ForbiddenByFirewall":
        return f"{message}: its firewall does not let this machine in"
    return (
        f"{message}: the runner's identity{_caller(error)} may not read {secret.name}; it needs the role "
        f"{_ROLE} on the vault, or the permission 'get' for secrets where the vault has access policies"
    )


def _refused_identity(secret: VaultSecret) -> str:
    return (
        f"vault {secret.host} answered 401: it does not accept the runner's identity; is it of the tenant "
        "that the vault belongs to?"
    )


def _answered_by(error: HttpResponseError) -> str:
    """The URL that was asked: the vault's, or that of whoever gives out tokens."""
    return str(getattr(getattr(error.response, "request", None), "url", ""))


def _caller(error: HttpResponseError) -> str:
    found = dict(_CALLER.findall(str(getattr(error.error, "message", ""))))
    return (
        f" ({', '.join(f'{name} {found[name]}' for name in ('appid', 'oid') if name in found)})"
        if found
        else ""
    )


def _code(error: HttpResponseError) -> str:
    outer, inner = _word(getattr(error.error, "code", "")), _inner_code(error)
    return f"{outer} ({inner})" if inner else outer


def _inner_code(error: HttpResponseError) -> str:
    inner = getattr(error.error, "innererror", None)
    return _word(inner.get("code", "")) if isinstance(inner, dict) else ""


def _word(code: object) -> str:
    """An error code; anything else a server may send instead is not repeated."""
    return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z]{1,60}", code) else ""


def _kind(error: AzureError) -> str:
    return type(error).__name__
