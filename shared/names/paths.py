"""Paths from documents: what keeps them inside their root, and where on a node they lead. PURE."""

import itertools
import posixpath
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MOST_BYTES = 4_000
MOST_MOUNT_BYTES = 1_000  #: with a node's root and a job's names before it, it must stay below PATH_MAX
MOST_PARTS = 128  #: far deeper than anybody's folders; each is made and looked at one by one
MOST_BYTES_PER_PART = 255  #: NAME_MAX of Linux file systems
_SEPARATORS = "/\\."
#: Characters that look like a separator or a dot and that no normalisation folds into one.
_LOOK_ALIKES = frozenset(
    "\u2044\u2215\u29f8\u29f6\u2571\u27cb\u2216\u29f5\u29f9\u27cd\u2572\u3033\u0338\u1735"
)
_VARIABLE_ROOT = re.compile(r"\$(?:\{(\w+)\}|(\w+))(/.*)?", re.DOTALL | re.ASCII)


def characters_fault(path: str) -> str | None:
    """What is wrong with the characters of any path, or None."""
    if not path.strip():
        return "must not be empty"
    if len(path.encode("utf-8", "replace")) > MOST_BYTES:
        return f"must not be longer than {MOST_BYTES} bytes"
    if path.count("/") > MOST_PARTS:
        return f"must not have more than {MOST_PARTS} parts"
    for character in path:
        category = unicodedata.category(character)
        if category in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            return f"must not hold the invisible character U+{ord(character):04X}"
        if ord(character) > 127 and _looks_like_separator(character):
            return f"must not hold U+{ord(character):04X}, which looks like / or . and is not"
    if any(len(part.encode("utf-8", "replace")) > MOST_BYTES_PER_PART for part in path.split("/")):
        return f"must not have a part longer than {MOST_BYTES_PER_PART} bytes"
    return None


def relative_fault(path: str) -> str | None:
    """What keeps `path` from being a plain folder below its root, or None. A slash at the end is let pass."""
    fault = characters_fault(path)
    if fault:
        return fault
    if path.startswith("/"):
        return "must be relative: no / at its beginning"
    if "\\" in path:
        return "must separate folders with /, not with a backslash"
    parts = path.removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "must be a plain path: no empty part, no . and no .. in it"
    return None


def mount_path_fault(path: str) -> str | None:
    """What keeps a relativeMountPath from being a volume's folder below a mount root, or None. Mounting tools
    are given the whole path, which begins with the root: nothing in it is taken for an option."""
    if len(path.encode("utf-8", "replace")) > MOST_MOUNT_BYTES:
        return f"must not be longer than {MOST_MOUNT_BYTES} bytes"
    return relative_fault(path)


def prefix_fault(path: str) -> str | None:
    """What keeps `path` from being a folder that begins with a variable or with /, or None."""
    fault = characters_fault(path)
    if fault:
        return fault
    if ".." in path.split("/"):
        return "must not have .. in it"
    if not path.startswith(("$", "/")):
        return "must begin with a variable such as $AZ_BATCHAI_JOB_MOUNT_ROOT, or with /"
    return None


def leaves_root(path: str) -> bool:
    """Whether the `..` in `path` lead above its first part (a variable, or the root)."""
    first, *parts = path.split("/")
    if first == "..":
        return True
    depth = 0
    for part in parts:
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            return True
    return False


def is_below(path: str, folder: str) -> bool:
    """Whether an absolute path is `folder` or lies in it, once its `.` and `..` are worked out."""
    whole = posixpath.normpath(path)
    return whole == folder or whole.startswith(f"{folder.rstrip('/')}/")


def expanded_prefix_fault(expanded: str) -> str | None:
    """What keeps a prefix, its variables filled in, from being a folder that can be made, or None."""
    if not expanded.startswith("/"):
        return "must be an absolute path, for example $AZ_BATCHAI_JOB_MOUNT_ROOT/logs"
    return expanded_parts_fault(expanded)


def expanded_parts_fault(expanded: str) -> str | None:
    """That variables have brought a `..` into a path that was written without one, or None."""
    return "must have no .. in it" if ".." in expanded.split("/") else None


def left_root(text: str, expanded: str, known: Mapping[str, str]) -> str:
    """The folder that the variable at the beginning of `text` names and that `expanded` leads out of; ""
    where it begins with none, or stays below it. `known`: the variables' values."""
    root = rooted(text)
    base = known.get(root.variable, "") if root else ""
    return base if base.startswith("/") and not is_below(expanded, base) else ""


@dataclass(frozen=True)
class RootedPath:
    """A path that begins with a variable: `$NAME/rest`, or `${NAME}/rest`."""

    variable: str
    parts: tuple[str, ...]  #: of the rest; empty and . parts left out, .. worked out

    def is_below(self, folder: str) -> bool:
        """Whether the rest is `folder` or lies in it."""
        wanted = plain_parts(folder)
        return self.parts[: len(wanted)] == wanted


def rooted(path: str) -> RootedPath | None:
    """`path` taken apart, or None where it does not begin with a variable and a slash (or nothing more)."""
    match = _VARIABLE_ROOT.fullmatch(path)
    return (
        RootedPath(match[1] or match[2], plain_parts(posixpath.normpath(match[3] or "/"))) if match else None
    )


def plain_parts(path: str) -> tuple[str, ...]:
    """The parts of `path` that name something."""
    return tuple(part for part in path.split("/") if part not in ("", "."))


class TakenFolders:
    """The folders that volumes were given, one after the other: none may be another's, or inside or around
    one (a link on the outer one could lead the inner anywhere)."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, ...]] = set()
        self._above: set[tuple[str, ...]] = set()

    def take(self, path: str) -> str | None:
        """Why a plain relative path cannot be given to one more volume, or None. It is taken either way."""
        parts = plain_parts(path)
        above = [parts[:depth] for depth in range(1, len(parts))]
        fault = None
        if parts in self._taken:
            fault = "is the relativeMountPath of another volume too"
        elif parts in self._above or any(folder in self._taken for folder in above):
            fault = "lies inside or around another volume's folder"
        self._taken.add(parts)
        self._above.update(above)
        return fault


class MountPoints:
    """Folders below a root at which volumes are mounted."""

    def __init__(self, targets: Iterable[str]) -> None:
        self._targets = dict.fromkeys(plain_parts(target) for target in targets)
        self._depths = sorted({len(target) for target in self._targets})

    def hold(self, parts: tuple[str, ...]) -> bool:
        """Whether a path, in parts, is one of them or lies in one."""
        return any(parts[:depth] in self._targets for depth in self._depths)

    def names(self, most: int) -> list[str]:
        """The first `most` of them."""
        return ["/".join(target) for target in itertools.islice(self._targets, most)]


def _looks_like_separator(character: str) -> bool:
    folded = unicodedata.normalize("NFKC", character)
    return character in _LOOK_ALIKES or any(separator in folded for separator in _SEPARATORS)
