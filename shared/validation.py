"""pydantic's errors in our words, without the input they were found in. PURE."""

from pydantic import ValidationError

from shared.findings import Finding, Path

#: pydantic's error type -> our sentence; the context of the error fills the braces.
_WORDS = {
    "missing": "is missing",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "model_type": "must be an object in braces { }",
    "model_attributes_type": "must be an object in braces { }",
    "dict_type": "must be an object in braces { }",
    "tuple_type": "must be a list in brackets [ ]",
    "literal_error": "must be one of {expected}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "duration": "{fault}",
}


def problems_of(error: ValidationError, root: Path = ()) -> tuple[Finding, ...]:
    """Every fault in `error`; a missing member points at the object that should hold it.

    `root` is where the validated object stands in the document.
    """
    found = []
    for fault in error.errors(include_url=False, include_input=False):
        kind, path = fault["type"], fault["loc"]
        words = _WORDS.get(kind, "is not what is expected here").format(**fault.get("ctx", {}))
        name = path[-1] if path and isinstance(path[-1], str) else "this item"
        if kind == "missing":
            found.append(Finding((*root, *path[:-1]), f"{name} {words}.", missing=name))
        else:
            found.append(Finding((*root, *path), f"{name} {words}."))
    return tuple(found)
