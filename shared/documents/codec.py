"""Specs to documents and back: sealed for keeping, without secrets for display. PURE."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError

from shared.documents.findings import json_path
from shared.documents.models.base import Model
from shared.documents.models.cluster import ClusterSpec
from shared.documents.models.job import JobSpec
from shared.documents.models.shape import Kind, shape_of
from shared.documents.validation import problems_of
from shared.errors import DocumentError, NewerVersionError, Problem
from shared.times import iso_duration

S = TypeVar("S", bound=Model)
#: Of the form of accepted documents. It is not written: a document without it is of this one, and the digest
#: by which a cluster's revision is known is made of the document.
_VERSION = 1
#: Objects that GET shows even when every member was secret or absent.
_SHOWN_EMPTY = frozenset({"credentials"})


def to_document(spec: JobSpec | ClusterSpec, seal: Callable[[str], Any]) -> dict[str, Any]:
    """`{"properties": ...}` in camelCase, without absent members, each secret v replaced by `seal(v)`."""
    return {"properties": _plain(spec, lambda secret: seal(secret.get_secret_value()))}


def public_properties(spec: JobSpec | ClusterSpec) -> dict[str, Any]:
    """The user's part of what GET returns: no secret, nothing expanded, defaults written back."""
    return _plain(spec, lambda _: None)


def job_from_document(document: dict[str, Any], unseal: Callable[[Any], str]) -> JobSpec:
    """The exact inverse of `to_document` for a job. Raises DocumentError, NewerVersionError."""
    return _from_document(document, unseal, JobSpec)


def cluster_from_document(document: dict[str, Any], unseal: Callable[[Any], str]) -> ClusterSpec:
    """The exact inverse of `to_document` for a cluster. Raises DocumentError, NewerVersionError."""
    return _from_document(document, unseal, ClusterSpec)


def _plain(model: Model, seal: Callable[[SecretStr], Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        key = field.alias or name
        if isinstance(value, Model):
            inner = _plain(value, seal)
            if inner or key in _SHOWN_EMPTY or field.is_required() or field.default is None:
                out[key] = inner
        elif isinstance(value, tuple):
            if value:
                out[key] = [_plain(item, seal) for item in value]
        elif isinstance(value, SecretStr):
            sealed = seal(value)
            if sealed is not None:
                out[key] = sealed
        elif value is not None:
            out[key] = iso_duration(value) if isinstance(value, timedelta) else value
    return out


def _from_document(document: dict[str, Any], unseal: Callable[[Any], str], model: type[S]) -> S:
    properties = document.get("properties") if isinstance(document, dict) else None
    if isinstance(document, dict) and document.get("v", _VERSION) != _VERSION:
        raise NewerVersionError("an accepted document is in the form of another version of this program")
    if not isinstance(properties, dict):
        raise DocumentError(
            (Problem(0, 0, "$", "an accepted document must hold an object called properties"),)
        )
    try:
        return model.model_validate(_unsealed(properties, model, unseal))
    except ValidationError as error:
        raise DocumentError(
            tuple(
                Problem(0, 0, json_path(f.path), f.message)
                for f in problems_of(error, model, ("properties",))
            )
        ) from None


def _unsealed(raw: Any, model: type[Model], unseal: Callable[[Any], str]) -> Any:
    if not isinstance(raw, dict):
        return raw
    shape = shape_of(model)
    out: dict[str, Any] = {}
    for key, value in raw.items():
        field = shape.get(key)
        if field is None:
            out[key] = value
        elif field.kind is Kind.SECRET and value is not None:
            out[key] = unseal(value)
        elif field.model is not None and field.is_list and isinstance(value, list):
            out[key] = [_unsealed(item, field.model, unseal) for item in value]
        elif field.model is not None:
            out[key] = _unsealed(value, field.model, unseal)
        else:
            out[key] = value
    return out
