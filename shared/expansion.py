"""`$NAME` and `${NAME}` in the paths and values of a document. PURE.

Command lines are *not* expanded here: they are shell text and bash expands them on the node. This is for what
no shell ever sees: path prefixes, directories, values of environment variables.
"""

import re
from collections.abc import Mapping

_TOKEN = re.compile(
    r"""
      \\\$                                  # \$       a dollar sign, as inside double quotes of a shell
    | \$\$                                  # $$       stays: a shell's process id would help nobody
    | \$([A-Za-z_][A-Za-z0-9_]*)            # $NAME
    | \$\{([A-Za-z_][A-Za-z0-9_]*)\}        # ${NAME}
    """,
    re.VERBOSE,
)


def expand(text: str, variables: Mapping[str, str]) -> str:
    r"""`text` with its variables filled in, as a shell does inside double quotes, without running anything.

    An undefined variable becomes the empty string (the original's own recipes rely on it). `\$` is a dollar
    sign. All else stays as written: `$$`, `$1`, `$(...)`, `${NAME:-x}`, a backslash before anything but `$`
    (JSON and regular expressions in values survive). What was filled in is never expanded again.
    """
    return _TOKEN.sub(lambda match: _value(match, variables), text)


def variables_in(text: str) -> tuple[str, ...]:
    """The names that `expand` would look up in `text`, in order of appearance, each once."""
    names = (match[1] or match[2] for match in _TOKEN.finditer(text))
    return tuple(dict.fromkeys(name for name in names if name))


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    name = match[1] or match[2]
    if name:
        return variables.get(name, "")
    return "$" if match[0] == r"\$" else match[0]
