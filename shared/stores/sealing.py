"""Sealed secrets: AES-256-GCM under a key from settings; what lies in storage is useless without it."""

import base64
import hashlib
import hmac
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import StoreError

_NONCE_BYTES = 12


class Sealer:
    """Seals with the newest key, opens with any. Sealed form: {"sealed": {"key": id, "data": base64}}."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        """`keys`: 32 bytes each, newest first; at least one."""
        if not keys:
            raise ValueError("a Sealer needs at least one key")
        self._newest = _key_id(keys[0])
        self._keys = {_key_id(key): key for key in keys}
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}

    def __repr__(self) -> str:
        return f"Sealer(keys={list(self._ciphers)})"

    def seal(self, value: str) -> dict[str, Any]:
        """The sealed form of `value`; two seals of one value differ."""
        nonce = os.urandom(_NONCE_BYTES)
        data = nonce + self._ciphers[self._newest].encrypt(nonce, value.encode(), self._newest.encode())
        return {"sealed": {"key": self._newest, "data": base64.b64encode(data).decode()}}

    def unseal(self, sealed: Any) -> str:
        """The value. Raises StoreError when the key is gone or the data was changed."""
        try:
            inner = sealed["sealed"]
            key_id, data = str(inner["key"]), base64.b64decode(inner["data"])
        except (TypeError, KeyError, ValueError) as error:
            raise StoreError("a stored secret is not in the sealed form") from error
        if key_id not in self._ciphers:
            raise StoreError(
                f"a stored secret was sealed with key {key_id}, which BATCHAI_SEALING_KEYS no longer holds"
            )
        try:
            plain = self._ciphers[key_id].decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], key_id.encode())
        except (InvalidTag, ValueError) as error:  # ValueError: cut so short that not even the nonce is left
            raise StoreError("a stored secret has been changed since it was sealed") from error
        return plain.decode()

    @property
    def newest(self) -> str:
        """The name of the key that seals: it tells nothing of the key."""
        return self._newest

    def is_sealed(self, value: Any) -> bool:
        """Whether a member of a document is in the sealed form."""
        return isinstance(value, dict) and value.keys() == {"sealed"} and isinstance(value["sealed"], dict)

    def is_newest(self, sealed: Any) -> bool:
        """Whether the newest key sealed it."""
        return bool(sealed["sealed"].get("key") == self._newest)

    def digest(self, text: str) -> str:
        """A keyed digest that tells equal texts and nothing else: "<key id>-<hex>"."""
        return f"{self._newest}-{self._hex(self._newest, text)}"

    def has_digest(self, text: str, digest: str) -> bool:
        """Whether `digest` is of `text`; False also when its key is gone."""
        key_id, _, found = digest.partition("-")
        return key_id in self._keys and hmac.compare_digest(self._hex(key_id, text), found)

    def _hex(self, key_id: str, text: str) -> str:
        return hmac.new(self._keys[key_id], b"digest|" + text.encode(), hashlib.sha256).hexdigest()


def _key_id(key: bytes) -> str:
    # Names the key without telling it: 8 hex digits of its hash.
    return hashlib.sha256(key).hexdigest()[:8]
