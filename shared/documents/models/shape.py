"""The shape of a model, read from its annotations, for readers of raw documents. PURE."""

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, auto
from functools import cache
from typing import Any

from pydantic import SecretStr

from shared.documents.models.base import Model


class Kind(Enum):
    """What a member holds."""

    OBJECT = auto()
    TEXT = auto()
    SECRET = auto()
    WHOLE = auto()
    CHOICE = auto()
    DURATION = auto()


@dataclass(frozen=True)
class Member:
    """One member of an object: `model` where it holds objects, `choices` where it is an enumeration."""

    kind: Kind
    is_list: bool = False
    model: type[Model] | None = None
    choices: tuple[str, ...] = ()
    description: str = ""


@cache
def shape_of(model: type[Model]) -> Mapping[str, Member]:
    """REST name -> Member, for every member of `model`."""
    return types.MappingProxyType(
        {
            field.alias or name: replace(_member(field.annotation), description=field.description or "")
            for name, field in model.model_fields.items()
        }
    )


def _member(annotation: Any) -> Member:
    """The Member of an annotation: X, X | None, Annotated[X, ...], tuple[X, ...] or Literal[...]."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _member(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return _member(next(a for a in arguments if a is not type(None)))
    if origin is typing.Literal:
        return Member(Kind.CHOICE, choices=arguments)
    if origin is tuple:
        return Member(Kind.OBJECT, is_list=True, model=arguments[0])
    if issubclass(annotation, Model):
        return Member(Kind.OBJECT, model=annotation)
    return Member(
        {str: Kind.TEXT, SecretStr: Kind.SECRET, int: Kind.WHOLE, timedelta: Kind.DURATION}[annotation]
    )
