"""Rules over every text of a document, whatever member it stands in: what no field can mean. PURE."""

import re
from collections.abc import Iterator
from typing import Any

from shared.documents.findings import Finding, Findings, Path, Raw, warning
from shared.documents.rules.environment import MOST_BYTES

#: Members whose text is a shell's or a program's affair: line breaks and tabs are welcome there.
_FREE = frozenset(
    (
        "commandLine",
        "commandLineArgs",
        "masterCommandLineArgs",
        "workerCommandLineArgs",
        "parameterServerCommandLineArgs",
        "value",
        "password",
        "adminUserPassword",
        "adminUserSshPublicKey",
    )
)
#: Members that other rules look at more closely.
_ELSEWHERE = frozenset(
    ("relativeMountPath", "pathPrefix", "pathSuffix", "path", "stdOutErrPathPrefix", "name")
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_UNEDITED = re.compile(r"\s*<[^<>]{1,200}>\s*")
_FILLED = ("<AZURE_BATCHAI_STORAGE_ACCOUNT>", "<AZURE_BATCHAI_STORAGE_KEY>")


def text_rules(properties: Raw) -> Findings:
    """Control characters, placeholders nobody filled in, texts that no process can be given."""
    for path, text in _texts(properties.value, properties.path):
        name = next((step for step in reversed(path) if isinstance(step, str)), "")
        if _UNEDITED.fullmatch(text):
            yield from _unedited(path, name, text.strip())
        if name not in _FREE and name not in _ELSEWHERE and _CONTROL.search(text):
            yield Finding(path, f"{name} holds a control character.", "Take it out.")
        if name in _FREE and name != "value" and len(text.encode("utf-8", "replace")) > MOST_BYTES:
            message = f"{name} is longer than {MOST_BYTES:,} bytes; no process can be started with it."
            yield Finding(path, message, "Put it into a script on a volume.")


def _unedited(path: Path, name: str, text: str) -> Findings:
    if text in _FILLED and name in ("accountName", "accountKey"):
        return  # not filled in because the installation has nothing to fill in; that has been reported
    if text in _FILLED:
        yield Finding(
            path, f"{text} is not filled in here.", "Only accountName, azureFileUrl and accountKey are."
        )
    else:
        yield warning(
            path, f"{name} looks like a placeholder that nobody filled in.", "Write your own value."
        )


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text below `value`; the reader has limited the depth."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
