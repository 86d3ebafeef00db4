"""Blob path patterns: `jobs/{path}/job.json`, matched as the Functions host matches them.

`{name}` stands for any text, also an empty one and one with slashes, as much as possible of it;
the pattern must cover the whole name; case counts; `{{` and `}}` are literal braces.
"""

import re
from dataclasses import dataclass

from local.host.errors import HostError

_TOKEN = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|(?P<text>[^{}]+)|(?P<stray>[{}])")
_ADVICE = "Write the path as container/name, with {part} for what varies, for instance jobs/{path}/job.json."


@dataclass(frozen=True)
class BlobPattern:
    """A container and a pattern for the names in it."""

    text: str
    container: str
    expression: re.Pattern[str]
    names: tuple[str, ...]
    prefix: str  #: literal text every matching name starts with

    def match(self, blob_name: str) -> dict[str, str] | None:
        """The parts of a matching name (the last one wins where a name repeats), or None."""
        found = self.expression.fullmatch(blob_name)
        return dict(zip(self.names, found.groups(), strict=True)) if found else None


def parse_pattern(text: str) -> BlobPattern:
    """Read `container/pattern`; `container` alone takes every blob. Raises HostError."""
    container, slash, rest = text.partition("/")
    if not container or "{" in container or "}" in container:
        raise HostError(f"The blob path '{text}' does not start with a container's name.", _ADVICE)
    if slash and not rest:
        raise HostError(f"The blob path '{text}' names no blob after the container.", _ADVICE)
    if not slash:
        return BlobPattern(text, container, re.compile(r".*", re.DOTALL), (), "")
    pieces, names, prefix = _compile(text, rest)
    return BlobPattern(text, container, re.compile("".join(pieces), re.DOTALL), tuple(names), prefix)


def _compile(text: str, pattern: str) -> tuple[list[str], list[str], str]:
    pieces: list[str] = []
    names: list[str] = []
    prefix = ""
    for token in _TOKEN.finditer(pattern):
        if token["stray"]:
            raise HostError(f"The blob path '{text}' has a brace without its partner.", _ADVICE)
        if token["name"] is not None:
            names.append(_parameter(text, token["name"]))
            pieces.append("(.*)")
            continue
        literal = token["text"] or token[0][0]
        pieces.append(re.escape(literal))
        if not names:
            prefix += literal
    return pieces, names, prefix


def _parameter(text: str, name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise HostError(f"The blob path '{text}' has a part called '{{{name}}}', which is no name.", _ADVICE)
    return name
