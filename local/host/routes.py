"""HTTP routes as ASP.NET matches them: case does not count in the literal parts, values keep theirs.

A template is a list of segments; a segment is literal text, a parameter (`{id}`, `{id:int}`, `{id?}`,
`{id=1}`), a mixture (`{name}.json`), or, last of all, a catch-all (`{*rest}`).
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from local.host.constraints import Check, parse_constraint
from local.host.errors import HostError

_ADVICE = "Write it like subscriptions/{sub}/jobs/{job:guid}, with {name?} or {*rest} at the end at most."
_PARAMETER = re.compile(r"(?P<stars>\*{0,2})(?P<name>[A-Za-z_][\w-]*)(?P<tail>.*)", re.DOTALL)


@dataclass(frozen=True)
class Parameter:
    """One `{...}` of a template."""

    name: str
    checks: tuple[Check, ...] = ()
    optional: bool = False
    default: str | None = None
    catch_all: bool = False


@dataclass(frozen=True)
class Segment:
    """What stands between two slashes: an expression with one group for each parameter."""

    expression: re.Pattern[str]
    parameters: tuple[Parameter, ...]
    literal: bool

    @property
    def weight(self) -> int:
        """ASP.NET's inbound precedence of a segment: lower is tried first."""
        if self.literal:
            return 1
        first = self.parameters[0]
        constrained = bool(first.checks) or self.expression.pattern != "(.+)"
        return (4 if first.checks else 5) if first.catch_all else (2 if constrained else 3)

    def match(self, text: str) -> dict[str, str] | None:
        found = self.expression.fullmatch(text)
        if not found:
            return None
        values = dict(zip((p.name for p in self.parameters), found.groups(), strict=True))
        fits = all(check(values[p.name]) for p in self.parameters for check in p.checks)
        return values if fits else None


@dataclass(frozen=True)
class RouteTemplate:
    """A route, prefix included."""

    text: str
    segments: tuple[Segment, ...]

    @property
    def precedence(self) -> tuple[int, ...]:
        return tuple(segment.weight for segment in self.segments)

    def match(self, path: tuple[str, ...]) -> dict[str, str] | None:
        """The parameters of a path given as decoded segments, or None."""
        values: dict[str, str] = {}
        for index, segment in enumerate(self.segments):
            last = segment.parameters[0] if segment.parameters else Parameter("")
            if index >= len(path):
                if last.default is not None:
                    values[last.name] = last.default
                elif not (last.optional or last.catch_all):
                    return None
                continue
            found = segment.match("/".join(path[index:]) if last.catch_all else path[index])
            if found is None:
                return None
            values |= found
            if last.catch_all:
                return values
        return values if len(path) <= len(self.segments) else None


def split_path(raw_path: str) -> tuple[str, ...]:
    """Decoded segments of a request's path as it came over the wire.

    `%2F` stays as it is, as in ASP.NET: neither the routing nor the value sees a slash.
    """
    stripped = raw_path.removeprefix("/").removesuffix("/")
    if not stripped:
        return ()
    return tuple(_decode(segment) for segment in stripped.split("/"))


def _decode(segment: str) -> str:
    return "%2F".join(unquote(part) for part in re.split("%2[Ff]", segment))


def parse_route(prefix: str, route: str) -> RouteTemplate:
    """Read a template. Raises HostError."""
    text = "/".join(part for part in (prefix.strip("/"), route.strip("/")) if part)
    try:
        segments = tuple(_segment(part) for part in _split_outside("/", "{}", text)) if text else ()
        _check(segments)
    except (ValueError, re.error) as error:
        raise HostError(f"The route '{text}' is not valid: {error}.", _ADVICE) from error
    if segments and segments[0].literal and text.split("/")[0].lower() in ("admin", "runtime"):
        raise HostError(
            f"The route '{text}' conflicts with the host's own routes.",
            "Choose one that starts neither with admin nor with runtime.",
        )
    return RouteTemplate(text, segments)


def _split_outside(separator: str, brackets: str, text: str) -> list[str]:
    """Split at separators that stand outside brackets (a regular expression in a constraint may hold one)."""
    opening, closing = brackets[0], brackets[1]
    parts, depth = [""], 0
    for character in text:
        depth += {opening: 1, closing: -1}.get(character, 0)
        if character == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    if depth:
        raise ValueError(f"a '{opening}' or '{closing}' has no partner")
    return parts


def _segment(text: str) -> Segment:
    if not text:
        raise ValueError("it has an empty segment")
    expression, parameters, position = "", [], 0
    for start, end in _braces(text):
        expression += re.escape(text[position:start])
        parameters.append(_parameter(text[start + 1 : end]))
        expression += "(.*)" if parameters[-1].catch_all else "(.+)"
        position = end + 1
    expression += re.escape(text[position:])
    whole = expression in ("(.+)", "(.*)")
    if not whole and any(p.optional or p.catch_all or p.default is not None for p in parameters):
        raise ValueError(f"'{text}' mixes other text with a part that may be missing")
    return Segment(re.compile(expression, re.IGNORECASE | re.DOTALL), tuple(parameters), not parameters)


def _braces(text: str) -> list[tuple[int, int]]:
    found, depth, start = [], 0, 0
    for index, character in enumerate(text):
        if character == "{":
            start = index if depth == 0 else start
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                found.append((start, index))
    return found


def _parameter(text: str) -> Parameter:
    found = _PARAMETER.fullmatch(text)
    if not found:
        raise ValueError(f"'{{{text}}}' is no parameter")
    tail, *defaults = _split_outside("=", "()", found["tail"])
    optional = tail.endswith("?")
    constraints = _constraints(tail.removesuffix("?"))
    default = "=".join(defaults) if defaults else None
    return Parameter(found["name"], constraints, optional, default, catch_all=bool(found["stars"]))


def _constraints(text: str) -> tuple[Check, ...]:
    if text and not text.startswith(":"):
        raise ValueError(f"'{text}' is not understood after a parameter's name")
    parts = _split_outside(":", "()", text)[1:]
    # ASP.NET wants braces in a constraint doubled, because single ones end the parameter.
    return tuple(parse_constraint(part.replace("{{", "{").replace("}}", "}")) for part in parts)


def _check(segments: tuple[Segment, ...]) -> None:
    names = [parameter.name.lower() for segment in segments for parameter in segment.parameters]
    if len(names) != len(set(names)):
        raise ValueError("a parameter's name appears twice")
    for index, segment in enumerate(segments[:-1]):
        if any(p.catch_all for p in segment.parameters):
            raise ValueError("a catch-all must stand at the end")
        if any(p.optional for p in segment.parameters) and not _may_be_missing(segments[index + 1]):
            raise ValueError("an optional part must stand at the end")


def _may_be_missing(segment: Segment) -> bool:
    return any(p.optional or p.catch_all or p.default is not None for p in segment.parameters)
