"""From a tool's words to the likely fix. Pure text, no I/O."""

import re

from runner.mounts.types import BLOB_CONTAINER, FILE_SERVER, FILE_SHARE, Volume

_ROLE = {
    BLOB_CONTAINER: "Storage Blob Data Contributor",
    FILE_SHARE: "Storage File Data Privileged Contributor",
}

#: In order: the first pattern that occurs decides. {name}, {account}, {role}, {port} are filled in.
_HINTS: tuple[tuple[str, str], ...] = (
    (
        r"AuthorizationPermissionMismatch|does not have (the )?(required )?permission",
        "The credential is known but may not do this: give the identity the role '{role}' on account "
        "{account} (plain Contributor is not enough; a new role takes some minutes), "
        "or check what the SAS permits.",
    ),
    (
        r"AuthenticationFailed|AuthorizationFailure|\b403\b|Permission denied|mount error\(13\)|LOGON_FAILURE"
        r"|illegal base64",
        "Check the account key (or SAS) of account {account}: it is wrong, was rotated or has expired; "
        "check also that the account's firewall admits this machine.",
    ),
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
        r"connection refused|mount error\(11[0-5]\)|timed out|no answer within|No route|unreachable|"
        r"Connection timed out",
        "Nothing answers there: check the address and that TCP port {port} is open from this machine{extra}.",
    ),
)


def hint_for(volume: Volume, words: str, port: int) -> str:
    """The likely fix for what a tool said while it mounted `volume`; empty where nothing is known."""
    smb = volume.kind == FILE_SHARE and port == 445
    extra = " (many networks block 445; the rclone driver uses HTTPS instead)" if smb else ""
    for pattern, hint in _HINTS:
        if re.search(pattern, words, re.IGNORECASE):
            return (
                hint.format(
                    name=str(volume),
                    account=volume.account,
                    role=_ROLE.get(volume.kind, "?"),
                    port=port,
                    extra=extra,
                )
                if volume.kind != FILE_SERVER or "account" not in hint
                else ("The server refused: check that its export admits this machine's address.")
            )
    return ""
