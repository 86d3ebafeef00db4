"""pydantic's errors in our words, without the input they were found in. PURE."""

from pydantic import ValidationError

from shared.documents.findings import Finding, Path
from shared.documents.models.base import Model
from shared.documents.models.shape import shape_of

#: pydantic's error type -> our sentence; the context of the error fills the braces.
_WORDS = {
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "model_type": "must be an object in braces {{ }}",
    "model_attributes_type": "must be an object in braces {{ }}",
    "dict_type": "must be an object in braces {{ }}",
    "tuple_type": "must be a list in brackets [ ]",
    "literal_error": "must be one of {expected}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "duration": "{fault}",
}


def problems_of(error: ValidationError, model: type[Model], root: Path = ()) -> tuple[Finding, ...]:
    """Every fault in `error`, of validating `model`; a missing member points at what should hold it.

    `root` is where the validated object stands in the document.
    """
    found = []
    for fault in error.errors(include_url=False, include_input=False):
        kind, path = fault["type"], fault["loc"]
        words = _WORDS.get(kind, "is not what is expected here").format(**fault.get("ctx", {}))
        name = path[-1] if path and isinstance(path[-1], str) else "this item"
        hint = describe(model, path)
        if kind == "missing":
            found.append(Finding((*root, *path[:-1]), f"{name} is missing.", hint, missing=name))
        else:
            found.append(Finding((*root, *path), f"{name} {words}.", hint))
    return tuple(found)


def describe(model: type[Model], path: Path) -> str:
    """What the member at `path` below `model` is for, or nothing."""
    holder, text = model, ""
    for step in path:
        if isinstance(step, int):
            continue
        member = shape_of(holder).get(step)
        if member is None:
            return ""
        text = member.description
        holder = member.model or holder
    return text
