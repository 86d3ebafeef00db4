r"""`$NAME` and `${NAME}` in the paths and values of a document. PURE.

Command lines are *not* expanded here: they are shell text and bash expands them on the node. This is for what
no shell ever sees: path prefixes, directories, values of environment variables.

Variables may refer to variables, so a short document can come to any length. What it comes to is counted
before it is put together, and where it is more than a process can be given, it stops there.
"""

import re
from collections.abc import Iterator, Mapping

from shared.errors import LaunchError

#: Of one variable, name included: MAX_ARG_STRLEN of Linux, beyond which no process can be started.
MOST_BYTES = 128 * 1024
#: Of all variables of a document together. Linux takes a quarter of the stack's limit, usually 2 MiB, for all
#: words and variables of a process.
MOST_BYTES_IN_ALL = 1024 * 1024

_TOKEN = re.compile(
    r"""
      \\\$                                  # \$       a dollar sign, as inside double quotes of a shell
    | \$\$                                  # $$       stays: a shell's process id would help nobody
    | \$([A-Za-z_][A-Za-z0-9_]*)            # $NAME
    | \$\{([A-Za-z_][A-Za-z0-9_]*)\}        # ${NAME}
    """,
    re.VERBOSE,
)


def expand(text: str, variables: Mapping[str, str], what: str = "a value") -> str:
    r"""`text` with its variables filled in, as a shell does inside double quotes, without running anything.

    An undefined variable becomes the empty string (the original's own recipes rely on it). `\$` is a dollar
    sign. All else stays as written: `$$`, `$1`, `$(...)`, `${NAME:-x}`, a backslash before anything but `$`
    (JSON and regular expressions in values survive). What was filled in is never expanded again.

    Raises LaunchError where it comes to more than MOST_BYTES; `what` says where that is, for people.
    """
    size, pieces = 0, []
    for piece in _pieces(text, variables):
        size += bytes_of(piece)
        if size > MOST_BYTES:
            raise LaunchError(f"{what} {TOO_LONG}")
        pieces.append(piece)
    return "".join(pieces)


TOO_LONG = (
    f"comes out longer than {MOST_BYTES:,} bytes with its variables filled in; no process can be given that"
)
TOO_MUCH = f"bring the variables of the job to more than {MOST_BYTES_IN_ALL:,} bytes in all"


class Expansion:
    """Fills in the variables of one document, one value after the other, and counts what they come to."""

    def __init__(self, known: Mapping[str, str], taken: Mapping[str, str] | None = None) -> None:
        """`known`: what values may refer to; the caller adds to it. `taken`: what counts already."""
        self._known = known
        self._size = sum(_entry(name, value) for name, value in (taken or {}).items())

    def fill(self, text: str, what: str) -> str:
        """As `expand`, and counted. Raises LaunchError where all of them come to more than
        MOST_BYTES_IN_ALL."""
        value = expand(text, self._known, what)
        self.count(value, what)
        return value

    def count(self, value: str, what: str) -> None:
        """Count a value that is taken as it is. Raises LaunchError as `fill`."""
        self._size += bytes_of(value)
        if self._size > MOST_BYTES_IN_ALL:
            raise LaunchError(f"{what} and those before it {TOO_MUCH}; no process can be given that")


def expanded_bytes(text: str, sizes: Mapping[str, int]) -> int:
    """How many bytes `text` comes to where each variable has `sizes[name]` bytes, an unknown one none."""
    size, at = 0, 0
    for match in _TOKEN.finditer(text):
        size += bytes_of(text[at : match.start()])
        name, at = match[1] or match[2], match.end()
        size += sizes.get(name, 0) if name else len(_literal(match[0]))
    return size + bytes_of(text[at:])


def inner_folder_fault(text: str, known: Mapping[str, str], *, at_beginning: bool = True) -> str | None:
    """That a variable with an absolute path stands inside the path `text`, or None. What it comes to differs
    from node to node, so nobody else could find the folder. `at_beginning` False: nor may one begin it."""
    for match in _TOKEN.finditer(text):
        name = match[1] or match[2]
        inside = match.start() > 0 or not at_beginning
        if name and inside and known.get(name, "").startswith("/"):
            return f"must not have ${name} inside it, which is a folder of its own"
    return None


def bytes_of(text: str) -> int:
    """The length of `text` as a process is given it."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _pieces(text: str, variables: Mapping[str, str]) -> Iterator[str]:
    at = 0
    for match in _TOKEN.finditer(text):
        yield text[at : match.start()]
        name, at = match[1] or match[2], match.end()
        yield variables.get(name, "") if name else _literal(match[0])
    yield text[at:]


def _literal(token: str) -> str:
    return "$" if token == r"\$" else token


def _entry(name: str, value: str) -> int:
    return bytes_of(name) + bytes_of(value) + 2
