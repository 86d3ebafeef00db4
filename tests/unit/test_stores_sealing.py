import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import StoreError
from shared.stores.sealing import Sealer

NEW, OLD = b"n" * 32, b"o" * 32


@given(st.text())
def test_what_was_sealed_comes_back(value: str) -> None:
    sealed = Sealer((NEW,)).seal(value)
    assert Sealer((NEW,)).unseal(sealed) == value


def test_two_seals_of_one_value_differ_and_show_nothing() -> None:
    sealer = Sealer((NEW,))
    one, other = sealer.seal("swordfish"), sealer.seal("swordfish")
    assert one != other
    assert "swordfish" not in str(one)
    assert base64.b64encode(b"swordfish").decode() not in str(one)


def test_an_older_key_still_opens_and_the_newest_seals() -> None:
    old = Sealer((OLD,)).seal("x")
    both = Sealer((NEW, OLD))
    assert both.unseal(old) == "x"
    assert Sealer((NEW,)).unseal(both.seal("y")) == "y"


def test_a_key_that_is_gone_is_named_by_its_hash() -> None:
    with pytest.raises(StoreError, match="BATCHAI_SEALING_KEYS no longer holds"):
        Sealer((NEW,)).unseal(Sealer((OLD,)).seal("x"))


@pytest.mark.parametrize("position", [0, 11, 12, -1])
def test_tampering_is_noticed(position: int) -> None:
    sealed = Sealer((NEW,)).seal("x" * 20)
    data = bytearray(base64.b64decode(sealed["sealed"]["data"]))
    data[position] ^= 1
    sealed["sealed"]["data"] = base64.b64encode(bytes(data)).decode()
    with pytest.raises(StoreError, match="changed since"):
        Sealer((NEW,)).unseal(sealed)


@pytest.mark.parametrize(
    "form", [None, "text", {}, {"sealed": {}}, {"sealed": {"key": "k", "data": "*"}}, {"sealed": None}, 5]
)
def test_other_forms_are_refused(form: object) -> None:
    with pytest.raises(StoreError):
        Sealer((NEW,)).unseal(form)


@pytest.mark.parametrize("data", ["", "AAAA", base64.b64encode(b"x" * 12).decode()])
def test_too_short_to_be_sealed(data: str) -> None:
    sealed = Sealer((NEW,)).seal("x")
    sealed["sealed"]["data"] = data
    with pytest.raises(StoreError):
        Sealer((NEW,)).unseal(sealed)


def test_repr_names_keys_without_telling_them() -> None:
    shown = repr(Sealer((NEW, OLD)))
    assert "nnnn" not in shown
    assert NEW.hex() not in shown


def test_no_key_is_no_sealer() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        Sealer(())
