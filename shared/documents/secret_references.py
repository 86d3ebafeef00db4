"""Secrets of a document: its Key Vault references, their values put in place, and what it holds. PURE."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import SecretStr

from shared.documents.findings import Path, json_path
from shared.documents.models.base import KeyVaultSecretReference, Model

S = TypeVar("S", bound=Model)
#: Every reference stands beside the member it is instead of: value and value_secret_reference.
_SUFFIX = "_secret_reference"


@dataclass(frozen=True)
class SecretReference:
    """A Key Vault reference and where the document has it."""

    path: str  #: JSON path, e.g. $.properties.secrets[0].valueSecretReference
    url: str


def references(spec: Model, at: Path = ("properties",)) -> tuple[SecretReference, ...]:
    """The references that stand for a value, in the document's order. One beside a value does not: the value
    is used."""
    return tuple(
        SecretReference(json_path(path), reference.secret_url)
        for holder, name, path in _references(spec, at)
        if (reference := getattr(holder, name)) and getattr(holder, _value_of(name)) is None
    )


def with_values(spec: S, values: Mapping[str, str]) -> S:
    """`spec` with `values[url]` in place of every reference; the inverse of asking for them. KeyError where a
    value is missing."""
    changes: dict[str, Any] = {}
    for name in type(spec).model_fields:
        value = getattr(spec, name)
        if isinstance(value, KeyVaultSecretReference):
            changes[name] = None
            if getattr(spec, _value_of(name)) is None:
                changes[_value_of(name)] = SecretStr(values[value.secret_url])
        elif isinstance(value, Model):
            changes[name] = with_values(value, values)
        elif isinstance(value, tuple):
            changes[name] = tuple(with_values(item, values) for item in value)
    return spec.model_copy(update=changes)


def secret_values(spec: Model) -> frozenset[str]:
    """Every secret value that the document holds itself."""
    return frozenset(_values(spec))


def _values(spec: Model) -> Iterator[str]:
    for name in type(spec).model_fields:
        value = getattr(spec, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, Model):
            yield from _values(value)
        elif isinstance(value, tuple):
            for item in value:
                yield from _values(item)


def _references(spec: Model, at: Path) -> Iterator[tuple[Model, str, Path]]:
    """(holder, attribute, place) of every reference."""
    for name, field in type(spec).model_fields.items():
        value, path = getattr(spec, name), (*at, field.alias or name)
        if isinstance(value, KeyVaultSecretReference):
            yield spec, name, path
        elif isinstance(value, Model):
            yield from _references(value, path)
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                yield from _references(item, (*path, index))


def _value_of(name: str) -> str:
    return name.removesuffix(_SUFFIX)
