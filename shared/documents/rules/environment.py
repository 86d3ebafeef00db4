"""Rules over environmentVariables and secrets: names that can be set, set once. PURE."""

import re

from shared.documents.findings import Finding, Findings, Raw, warning
from shared.documents.rules.secrets import one_of, reference_rules
from shared.names.ids import printable

_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
#: No variable and no command line can be longer; some space is left for the variable's name.
MOST_BYTES = 131_000
#: What a sweep gives its runs, in the very documents of their jobs (shared/sweeps/run_documents.py).
_OF_RUNS = ("AZ_BATCHAI_PARAM_", "AZ_BATCHAI_ARRAY_INDEX")


def environment_rules(holder: Raw) -> Findings:
    """environmentVariables and secrets of a job or of a setup task."""
    seen: dict[str, str] = {}
    for group in ("environmentVariables", "secrets"):
        for variable in holder.children(group):
            yield from _name(variable, seen, group)
            value = variable.text("value")
            if value is not None and len(value.encode("utf-8", "replace")) > MOST_BYTES:
                yield Finding(
                    variable.at("value"), f"The value is longer than {MOST_BYTES:,} bytes.", _ON_A_VOLUME
                )
            if group == "secrets":
                yield from one_of(variable, "value", "valueSecretReference")
                yield from reference_rules(variable.child("valueSecretReference"))


_ON_A_VOLUME = "Put it into a file on a volume."


def _name(variable: Raw, seen: dict[str, str], group: str) -> Findings:
    name = variable.text("name")
    if not name:
        return
    path = variable.at("name")
    if "=" in name or any(ord(c) < 32 or ord(c) == 127 for c in name) or len(name) > 1024:
        message = f"{printable(name)} cannot be the name of an environment variable."
        yield Finding(path, message, "Use letters, digits and _.")
    elif not _SHELL_NAME.fullmatch(name):
        message = f"{printable(name)} cannot be used as a variable in a shell."
        yield warning(path, message, "Use letters, digits and _, not beginning with a digit.")
    if name.startswith("AZ_BATCH") and not name.startswith(_OF_RUNS):
        message = f"{printable(name)} begins with AZ_BATCH; what the service sets under that name wins."
        yield warning(path, message, "Choose another name.")
    if name in seen:
        message = f"{printable(name)} is set twice (also in {seen[name]}); the later one counts."
        yield warning(path, message, "Keep one of them.")
    seen[name] = group
