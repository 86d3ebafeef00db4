import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import StoreError
from shared.reseal import resealed
from shared.stores.secrets.sealing import Sealer
from tests.support.cases import cases

NEW, OLD = b"n" * 32, b"o" * 32


@given(st.text())
def test_what_was_sealed_comes_back(value: str) -> None:
    sealed = Sealer((NEW,)).seal(value, "doc")
    assert Sealer((NEW,)).unseal(sealed, "doc") == value


def test_two_seals_of_one_value_differ_and_show_nothing() -> None:
    sealer = Sealer((NEW,))
    one, other = sealer.seal("swordfish", "doc"), sealer.seal("swordfish", "doc")
    assert one != other
    assert "swordfish" not in str(one)
    assert base64.b64encode(b"swordfish").decode() not in str(one)


def test_an_older_key_still_opens_and_the_newest_seals() -> None:
    old = Sealer((OLD,)).seal("x", "doc")
    both = Sealer((NEW, OLD))
    assert both.unseal(old, "doc") == "x"
    assert Sealer((NEW,)).unseal(both.seal("y", "doc"), "doc") == "y"


def test_a_key_that_is_gone_is_named_by_its_hash() -> None:
    with pytest.raises(StoreError, match="BATCHAI_SEALING_KEYS no longer holds"):
        Sealer((NEW,)).unseal(Sealer((OLD,)).seal("x", "doc"), "doc")


@pytest.mark.parametrize("position", [0, 11, 12, -1])
def test_tampering_is_noticed(position: int) -> None:
    sealed = Sealer((NEW,)).seal("x" * 20, "doc")
    data = bytearray(base64.b64decode(sealed["sealed"]["data"]))
    data[position] ^= 1
    sealed["sealed"]["data"] = base64.b64encode(bytes(data)).decode()
    with pytest.raises(StoreError, match="changed since"):
        Sealer((NEW,)).unseal(sealed, "doc")


@cases(
    "form",
    [
        None,
        "text",
        {},
        {"sealed": {}},
        {"sealed": {"key": "k", "data": "*"}},
        {"sealed": None},
        5,
        {"sealed": []},
        {"sealed": {"v": 3, "key": "k", "data": ""}},
    ],
)
def test_other_forms_are_refused(form: object) -> None:
    with pytest.raises(StoreError):
        Sealer((NEW,)).unseal(form, "doc")


@pytest.mark.parametrize("data", ["", "AAAA", base64.b64encode(b"x" * 12).decode()])
def test_too_short_to_be_sealed(data: str) -> None:
    sealed = Sealer((NEW,)).seal("x", "doc")
    sealed["sealed"]["data"] = data
    with pytest.raises(StoreError):
        Sealer((NEW,)).unseal(sealed, "doc")


def test_repr_names_keys_without_showing_them() -> None:
    shown = repr(Sealer((NEW, OLD)))
    assert "nnnn" not in shown
    assert NEW.hex() not in shown


def test_no_key_is_no_sealer() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        Sealer(())


def test_a_value_opens_in_its_own_document_only() -> None:
    sealer = Sealer((NEW,))
    sealed = sealer.seal("swordfish", "8f1c")
    assert sealer.unseal(sealed, "8f1c") == "swordfish"
    with pytest.raises(StoreError, match="sealed for another document"):
        sealer.unseal(sealed, "9a2d")
    # and nobody makes an unbound one of it
    del sealed["sealed"]["v"]
    with pytest.raises(StoreError, match="changed since"):
        sealer.unseal(sealed, "8f1c")


def _unbound(value: str) -> dict[str, Any]:
    """As versions before sealed it."""
    key_id, nonce = Sealer((NEW,)).newest, b"n" * 12
    data = nonce + AESGCM(NEW).encrypt(nonce, value.encode(), key_id.encode())
    return {"sealed": {"key": key_id, "data": base64.b64encode(data).decode()}}


def test_what_was_bound_to_nothing_still_opens_and_is_bound_when_sealed_anew() -> None:
    sealer, document = Sealer((NEW,)), {"a": [{"b": _unbound("swordfish")}], "c": 1}
    assert sealer.unseal(document["a"][0]["b"], "any") == "swordfish"  # type: ignore[index]
    bound, count = resealed(document, "8f1c", sealer)
    assert (count, bound["c"]) == (1, 1)
    assert resealed(bound, "8f1c", sealer) == (bound, 0)
    assert sealer.unseal(bound["a"][0]["b"], "8f1c") == "swordfish"
    with pytest.raises(StoreError):
        sealer.unseal(bound["a"][0]["b"], "9a2d")
