"""From a tool's words to the likely fix, and to whether another try may do. Pure text, no I/O."""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies

from runner.mounts.types import BLOB_CONTAINER, FILE_SERVER, FILE_SHARE, Volume
from shared.errors import MountError

_ROLE = {
    BLOB_CONTAINER: "Storage Blob Data Contributor",
    FILE_SHARE: "Storage File Data Privileged Contributor",
}
_DENIED = r"AuthenticationFailed|AuthorizationFailure|\b403\b|Permission denied|access denied|not permitted"


@dataclass(frozen=True)
class _Meaning:
    """What a tool's words mean: a likely fix, and whether it may work in a while with nothing mended."""

    pattern: str
    hint: str  #: {name}, {account}, {role}, {port}, {extra} are filled in
    transient: bool = False


#: In order: the first pattern that occurs decides.
_STORAGE: tuple[_Meaning, ...] = (
    _Meaning(
        r"AuthorizationPermissionMismatch|does not have (the )?(required )?permission",
        "The credential is known but may not do this: give the identity the role '{role}' on account "
        "{account} (plain Contributor is not enough; a new role takes some minutes), "
        "or check what the SAS permits.",
    ),
    _Meaning(
        _DENIED + r"|mount error\(13\)|LOGON_FAILURE|illegal base64",
        "Check the account key (or SAS) of account {account}: it is wrong, was rotated or has expired; "
        "check also that the account's firewall admits this machine.",
    ),
)
_SERVER: tuple[_Meaning, ...] = (
    _Meaning(_DENIED, "The server refused: check that it exports the directory to this machine's address."),
)
_EVERY: tuple[_Meaning, ...] = (
    _Meaning(
        r"ContainerNotFound|ShareNotFound|directory not found|\b404\b|mount error\(2\)"
        r"|No such file or directory|BAD_NETWORK_NAME",
        "Check that {name} exists and is spelled right.",
    ),
    _Meaning(
        r"temporary failure in name resolution|server misbehaving",
        "The machine's DNS does not answer.",
        transient=True,
    ),
    _Meaning(
        r"no such host|could not resolve|Name or service not known|name resolution",
        "The name of the server does not resolve: check the account or server name and the machine's DNS.",
    ),
    _Meaning(
        r"connection refused|mount error\((10[0-5]|11[0-5])\)|timed out|i/o timeout|deadline exceeded"
        r"|no answer .*within|No route|unreachable|Host is down|could not be reached",
        "Nothing answers there: check the address and that TCP port {port} is open from this machine{extra}.",
        transient=True,
    ),
    _Meaning(
        r"(RESPONSE|status|answered):? (429|5\d\d)\b|ServerBusy|OperationTimedOut|InternalError"
        r"|Service ?Unavailable|TooManyRequests|reset by peer|broken pipe|unexpected EOF|mount error\(11\)"
        r"|temporarily unavailable",
        "The service is busy or failing at the moment.",
        transient=True,
    ),
)
_BY_KIND: Mapping[str, tuple[_Meaning, ...]] = {
    FILE_SHARE: _STORAGE,
    BLOB_CONTAINER: _STORAGE,
    FILE_SERVER: _SERVER,
}


def mount_error(volume: Volume, message: str, words: str, port: int) -> MountError:
    """The error of a mount that failed: `message` for people, and what `words`, the tool's own, mean. What is
    not known is taken for the document's fault: trying it again would only hide it."""
    extra = " (many networks block 445; the rclone driver uses HTTPS instead)" if port == 445 else ""
    for meaning in _BY_KIND.get(volume.kind, ()) + _EVERY:
        if re.search(meaning.pattern, words, re.IGNORECASE):
            hint = meaning.hint.format(
                name=volume,
                account=volume.account,
                role=_ROLE.get(volume.kind, ""),
                port=port or "of the server",
                extra=extra,
            )
            return MountError(volume.code, message, hint, meaning.transient)
    return MountError(volume.code, message)


_CONNECT_SECONDS = 10.0


def check_service(volume: Volume) -> None:
    """The storage account's HTTP(S) port. With a proxy in between there is nothing to check."""
    url = urlsplit(volume.service_url)
    if url.scheme not in getproxies():
        check(volume, url.hostname or "", url.port or (80 if url.scheme == "http" else 443))


def check(volume: Volume, host: str, port: int) -> None:
    """Raises MountError where nothing accepts connections at host:port within some seconds."""
    try:
        socket.create_connection((host, port), _CONNECT_SECONDS).close()
    except (OSError, UnicodeError) as error:  # UnicodeError: a host name that cannot be one
        words = f"{host}:{port}: {error}"
        raise mount_error(volume, f"{volume} cannot be reached at {words}.", words, port) from None
