"""`${{ name }}` in a job document: where it stands, and what stands there in a run. PURE."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from shared.documents.findings import Path
from shared.documents.models.base import Model
from shared.documents.models.job import JobSpec
from shared.documents.models.shape import Kind, shape_of
from shared.sweeps.parameters import Value, text

#: Whatever looks like a placeholder, its name as it was written.
_PLACEHOLDER = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_OPEN = "${{"


def placeholders(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """(place, name) of every placeholder in the texts of a JSON value; a name may be misspelt or empty. One
    that is not closed has the name "${{"."""
    if isinstance(value, str):
        names = [found.strip() for found in _PLACEHOLDER.findall(value)]
        if _OPEN in _PLACEHOLDER.sub("", value):
            names.append(_OPEN)
        yield from ((path, name) for name in names)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from placeholders(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from placeholders(item, (*path, place))


def substituted(
    value: Any, values: Mapping[str, Value], texts: Collection[Path] = (), path: Path = ()
) -> Any:
    """A copy of a JSON value with the placeholders filled in. A text that is nothing but one placeholder
    becomes the value itself, a number for instance, but for the places `texts`; unknown names stay."""
    if isinstance(value, dict):
        return {key: substituted(item, values, texts, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [substituted(item, values, texts, (*path, place)) for place, item in enumerate(value)]
    if not isinstance(value, str) or _OPEN not in value:
        return value
    whole = _PLACEHOLDER.fullmatch(value)
    if whole and path not in texts and whole[1].strip() in values:
        return values[whole[1].strip()]
    return _PLACEHOLDER.sub(lambda found: _filled(found, values), value)


def _filled(found: re.Match[str], values: Mapping[str, Value]) -> str:
    name = found[1].strip()
    return text(values[name]) if name in values else found[0]


def member_places(
    value: Any, kinds: Collection[Kind], model: type[Model] = JobSpec, path: Path = ()
) -> Iterator[Path]:
    """The places in a job document of members of some kinds, its secrets for instance."""
    shape = shape_of(model)
    for key, item in value.items() if isinstance(value, dict) else ():
        member = shape.get(key)
        if member is None:
            continue
        if member.kind in kinds:
            yield (*path, key)
        elif member.model and isinstance(item, list):
            for place, inner in enumerate(item):
                yield from member_places(inner, kinds, member.model, (*path, key, place))
        elif member.model:
            yield from member_places(item, kinds, member.model, (*path, key))


def without(value: Any, places: frozenset[Path], path: Path = ()) -> Any:
    """A copy of a JSON value without the members at `places`."""
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if (*path, key) not in places}
        return {key: without(item, places, (*path, key)) for key, item in kept.items()}
    if isinstance(value, list):
        return [without(item, places, (*path, place)) for place, item in enumerate(value)]
    return value
