"""Closed lists of words that stand in rows, open to words of a newer version. PURE."""

from enum import StrEnum
from typing import Self


class OpenStrEnum(StrEnum):
    """A StrEnum that takes a word it does not know as it is: `State("paused")` is a State whose text is
    "paused" and that equals no member. Old and new versions share rows: what the newer one wrote is carried
    through and shown, and nobody acts on it."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        word = str.__new__(cls, value)
        word._name_, word._value_ = value, value
        known: dict[object, Self] = cls._value2member_map_  # type: ignore[assignment]
        return known.setdefault(value, word)

    @property
    def known(self) -> bool:
        """Whether this version knows the word."""
        return self._name_ in type(self).__members__
