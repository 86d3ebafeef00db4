"""From a tool's words to the likely fix. Pure text, no I/O."""

import re
from collections.abc import Mapping

from runner.mounts.types import BLOB_CONTAINER, FILE_SERVER, FILE_SHARE, Volume

_ROLE = {
    BLOB_CONTAINER: "Storage Blob Data Contributor",
    FILE_SHARE: "Storage File Data Privileged Contributor",
}
_DENIED = r"AuthenticationFailed|AuthorizationFailure|\b403\b|Permission denied|access denied|not permitted"

#: In order: the first pattern that occurs decides. {name}, {account}, {role}, {port}, {extra} are filled in.
_STORAGE: tuple[tuple[str, str], ...] = (
    (
        r"AuthorizationPermissionMismatch|does not have (the )?(required )?permission",
        "The credential is known but may not do this: give the identity the role '{role}' on account "
        "{account} (plain Contributor is not enough; a new role takes some minutes), "
        "or check what the SAS permits.",
    ),
    (
        _DENIED + r"|mount error\(13\)|LOGON_FAILURE|illegal base64",
        "Check the account key (or SAS) of account {account}: it is wrong, was rotated or has expired; "
        "check also that the account's firewall admits this machine.",
    ),
)
_SERVER: tuple[tuple[str, str], ...] = (
    (_DENIED, "The server refused: check that it exports the directory to this machine's address."),
)
_EVERY: tuple[tuple[str, str], ...] = (
    (
        r"ContainerNotFound|ShareNotFound|directory not found|\b404\b|mount error\(2\)"
        r"|No such file or directory|BAD_NETWORK_NAME",
        "Check that {name} exists and is spelled right.",
    ),
    (
        r"no such host|could not resolve|Name or service not known|name resolution",
        "The name of the server does not resolve: check the account or server name and the machine's DNS.",
    ),
    (
        r"connection refused|mount error\(11[0-5]\)|timed out|no answer .*within|No route|unreachable",
        "Nothing answers there: check the address and that TCP port {port} is open from this machine{extra}.",
    ),
)
_BY_KIND: Mapping[str, tuple[tuple[str, str], ...]] = {
    FILE_SHARE: _STORAGE,
    BLOB_CONTAINER: _STORAGE,
    FILE_SERVER: _SERVER,
}


def hint_for(volume: Volume, words: str, port: int) -> str:
    """The likely fix for what a tool said while it mounted `volume`; empty where nothing is known."""
    extra = " (many networks block 445; the rclone driver uses HTTPS instead)" if port == 445 else ""
    for pattern, hint in _BY_KIND.get(volume.kind, ()) + _EVERY:
        if re.search(pattern, words, re.IGNORECASE):
            return hint.format(
                name=volume,
                account=volume.account,
                role=_ROLE.get(volume.kind, ""),
                port=port or "of the server",
                extra=extra,
            )
    return ""
