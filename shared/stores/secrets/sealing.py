"""Sealed secrets: AES-256-GCM under a key from settings; what lies in storage is useless without it.

A sealed value is bound to the accepted document that it is part of: copied into another one it does not open.
"""

import base64
import hashlib
import hmac
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import NewerVersionError, StoreError

_NONCE_BYTES = 12
#: Of the sealed form. 1 (not written) was bound to no document.
_VERSION = 2


class Sealer:
    """Seals with the newest key, opens with any. The form: {"sealed": {"v": 2, "key": id, "data": base64}}"""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        """`keys`: 32 bytes each, newest first; at least one."""
        if not keys:
            raise ValueError("a Sealer needs at least one key")
        self._newest = _key_id(keys[0])
        self._keys = {_key_id(key): key for key in keys}
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}

    def __repr__(self) -> str:
        return f"Sealer(keys={list(self._ciphers)})"

    def seal(self, value: str, document: str) -> dict[str, Any]:
        """The sealed form of `value` for the accepted `document`, its name; two seals of one value differ."""
        nonce, bound = os.urandom(_NONCE_BYTES), _bound(self._newest, document, _VERSION)
        data = nonce + self._ciphers[self._newest].encrypt(nonce, value.encode(), bound)
        return {"sealed": {"v": _VERSION, "key": self._newest, "data": base64.b64encode(data).decode()}}

    def unseal(self, sealed: Any, document: str) -> str:
        """The value. Raises NewerVersionError for a newer form, StoreError when the key is gone, the data was
        changed, or it was sealed for another document than `document`."""
        try:
            inner = sealed["sealed"]
            key_id, data = str(inner["key"]), base64.b64decode(inner["data"])
            bound = _bound(key_id, document, int(inner.get("v", 1)))
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise StoreError("a stored secret is not in the sealed form") from error
        if key_id not in self._ciphers:
            raise StoreError(
                f"a stored secret was sealed with key {key_id}, which BATCHAI_SEALING_KEYS no longer holds"
            )
        try:
            plain = self._ciphers[key_id].decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], bound)
        except (InvalidTag, ValueError) as error:  # ValueError: cut so short that not even the nonce is left
            message = (
                "a stored secret has been changed since it was sealed, or was sealed for another document"
            )
            raise StoreError(message) from error
        return plain.decode()

    @property
    def newest(self) -> str:
        """The name of the key that seals: it shows nothing of the key."""
        return self._newest

    def is_sealed(self, value: Any) -> bool:
        """Whether a member of a document is in the sealed form."""
        return isinstance(value, dict) and value.keys() == {"sealed"} and isinstance(value["sealed"], dict)

    def is_newest(self, sealed: Any) -> bool:
        """Whether it is sealed as `seal` seals now: with the newest key, and bound to its document."""
        inner = sealed["sealed"]
        return bool(inner.get("key") == self._newest and inner.get("v") == _VERSION)

    def digest(self, text: str) -> str:
        """A keyed digest that shows equal texts and nothing else: "<key id>-<hex>"."""
        return f"{self._newest}-{self._hex(self._newest, text)}"

    def has_digest(self, text: str, digest: str) -> bool:
        """Whether `digest` is of `text`; False also when its key is gone."""
        key_id, _, found = digest.partition("-")
        return key_id in self._keys and hmac.compare_digest(self._hex(key_id, text), found)

    def _hex(self, key_id: str, text: str) -> str:
        return hmac.new(self._keys[key_id], b"digest|" + text.encode(), hashlib.sha256).hexdigest()


def _bound(key_id: str, document: str, version: int) -> bytes:
    """What is authenticated beside the value. Raises NewerVersionError for a form of a newer version."""
    if version not in (1, _VERSION):
        raise NewerVersionError("a stored secret is in the sealed form of a newer version")
    return (key_id if version == 1 else f"{version}|{key_id}|{document}").encode()


def _key_id(key: bytes) -> str:
    # Names the key without showing it: 8 hex digits of its hash.
    return hashlib.sha256(key).hexdigest()[:8]
