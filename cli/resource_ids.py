"""`--ids`: the ARM ids of the things that a command is about, in place of their names."""

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

import click

from cli.faults import USAGE, Fault
from shared.names.ids import PROVIDER

#: kind -> the part of an ARM id that follows the resource group; every name in it is an option's value.
_BELOW_GROUP = {
    "workspace": "workspaces/{name}",
    "experiment": "workspaces/{workspace}/experiments/{name}",
    "job": "workspaces/{workspace}/experiments/{experiment}/jobs/{name}",
    "cluster": "workspaces/{workspace}/clusters/{name}",
    "file server": "workspaces/{workspace}/fileServers/{name}",
}
_FORM = "/subscriptions/{subscription_id}/resourceGroups/{resource_group}/providers/" + PROVIDER + "/"


def parts(kind: str, arm_id: str) -> dict[str, str]:
    """What an ARM id says, by the names of Session's options, and `name`. Raises Fault for the id of another
    thing."""
    form = _FORM + _BELOW_GROUP[kind]
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(form))
    match = re.fullmatch(f"{pattern}/?", arm_id.strip(), re.IGNORECASE)
    if not match:
        wanted = re.sub(r"\{(\w+)\}", lambda found: f"<{found[1].replace('_', '-')}>", form)
        raise Fault(f"{arm_id!r} is not the id of a {kind}", f"It looks like {wanted}", USAGE)
    return match.groupdict()


def listed(words: Sequence[str]) -> list[str]:
    """The ids in the words after --ids: plain, one on each line, in JSON as a command printed it; `@-` reads
    them from standard input. Raises Fault where JSON has none."""
    return [found for word in words for found in _in_word(sys.stdin.read() if word == "@-" else word)]


def _in_word(word: str) -> list[str]:
    try:
        value = json.loads(word)
    except ValueError:
        return word.split()
    return [_of(item) for item in (value if isinstance(value, list) else [value])]


def _of(item: Any) -> str:
    found = item.get("id") if isinstance(item, dict) else item
    if not isinstance(found, str):
        raise Fault(
            "--ids holds JSON without an id", "Give ids, or what a command printed with -o json.", USAGE
        )
    return found


def ids_given(
    kind: str, context: click.Context, option: click.Parameter, words: Sequence[str]
) -> list[dict[str, str]]:
    """For click: what each id of --ids says, [] where it was not given. Raises Fault."""
    return [parts(kind, arm_id) for arm_id in listed(words)]
