"""Links to blobs that a user delegation key signs, in a version that every service and emulator knows. PURE.

The SDK signs by its newest version's rules, whatever the service: Azurite 3.35 refuses such a link. Source:
"Create a user delegation SAS", string to sign of version 2020-12-06.
"""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

_VERSION = "2020-12-06"


def read_signature(key: Any, account: str, container: str, blob: str, expiry: datetime) -> str:
    """The query of a link that reads one blob until `expiry`. `key`: the SDK's UserDelegationKey."""
    end = expiry.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    given = {
        "skoid": key.signed_oid,
        "sktid": key.signed_tid,
        "skt": key.signed_start,
        "ske": key.signed_expiry,
        "sks": key.signed_service,
        "skv": key.signed_version,
    }
    text = "\n".join(
        (
            *("r", "", end, f"/blob/{account}/{container}/{blob}"),
            *given.values(),
            *("", "", ""),  # saoid, suoid, scid
            *("", "", _VERSION, "b"),  # sip, spr, sv, sr
            *("", ""),  # snapshot, encryption scope
            *("", "", "", "", ""),  # headers of the answer
        )
    )
    digest = hmac.new(base64.b64decode(key.value), text.encode(), hashlib.sha256).digest()
    signed = {"sp": "r", "se": end, "sv": _VERSION, "sr": "b"} | given
    return urlencode(signed | {"sig": base64.b64encode(digest).decode()})
