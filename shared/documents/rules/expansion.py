"""Rules over what variables come to once they are filled in: a process can be given only so much. PURE.

Only lengths are worked out, and what a node brings in counts as nothing, so what is reported here is true on
every node; what a node adds shows there (`shared.environment.variables`), with the same words.
"""

from collections.abc import Iterator

from shared.documents.expansion import (
    MOST_BYTES,
    MOST_BYTES_IN_ALL,
    TOO_LONG,
    TOO_MUCH,
    bytes_of,
    expanded_bytes,
)
from shared.documents.findings import Finding, Findings, Path, Raw
from shared.documents.rules.variables import ALWAYS, BY_TOOLKIT

#: (variable that is set, what it is in the document, where, the parts it is made of)
_Value = tuple[str, str, Path, tuple[str, ...]]
_HINT = "Put it into a file on a volume."


def expansion_rules(job: Raw) -> Findings:
    """What the paths and the variables of a job come to."""
    folders = list(_folders(job))
    service = ALWAYS | BY_TOOLKIT.keys() | {name for name, *_ in folders}
    sizes: dict[str, int] = {}
    # Folders are filled in by themselves first, and count once more as variables of the job's processes.
    yield from _lengths(folders, sizes)
    values = [value for value in _variables(job) if value[0] not in service]
    yield from _lengths(values, sizes)
    yield from _together((*folders, *values, *_secrets(job)), sizes)


def setup_expansion(setup: Raw) -> Findings:
    """The same for the setup task of a cluster."""
    sizes: dict[str, int] = {}
    values = list(_variables(setup))
    yield from _lengths(values, sizes)
    yield from _together((*values, *_secrets(setup)), sizes)


def _lengths(values: list[_Value], sizes: dict[str, int]) -> Findings:
    """Fill `sizes`; report each value that comes out too long, though it is not written that long."""
    for name, what, path, texts in values:
        size = sum(expanded_bytes(text, sizes) for text in texts)
        if size > MOST_BYTES and all(bytes_of(text) <= MOST_BYTES for text in texts):
            yield Finding(path, f"{what} {TOO_LONG}.", _HINT)
        sizes[name] = min(size, MOST_BYTES)


def _together(values: tuple[_Value, ...], sizes: dict[str, int]) -> Findings:
    """Report where all of them together are too much; a name that is set again counts once."""
    sizes |= {name: bytes_of(texts[0]) for name, _, _, texts in values if name not in sizes}
    total = 0
    for name, what, path, _ in values:
        total += sizes.pop(name, 0)
        if total > MOST_BYTES_IN_ALL:
            yield Finding(path, f"{what} and those before it {TOO_MUCH}.", _HINT)
            return


def _folders(job: Raw) -> Iterator[_Value]:
    for group, kind, keys in (
        ("inputDirectories", "INPUT", ("path",)),
        ("outputDirectories", "OUTPUT", ("pathPrefix", "pathSuffix")),
    ):
        for folder in job.children(group):
            if name := folder.text("id"):
                texts = tuple(folder.text(key) or "" for key in keys)
                yield f"AZ_BATCHAI_{kind}_{name}", keys[0], folder.at(keys[0]), texts


def _variables(holder: Raw) -> Iterator[_Value]:
    return _named(holder, "environmentVariables")


def _secrets(holder: Raw) -> Iterator[_Value]:
    return _named(holder, "secrets")


def _named(holder: Raw, group: str) -> Iterator[_Value]:
    for variable in holder.children(group):
        name, value = variable.text("name"), variable.text("value")
        if name and value is not None:
            yield name, "value", variable.at("value"), (value,)
