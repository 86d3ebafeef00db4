"""`batchai configure`: write the configuration file, or show what is in force and where it comes from."""

import os
import sys
from typing import Any

import click

from cli import config, output
from cli.faults import USAGE, Fault
from cli.words import Command, one_of

_HIDDEN = "***"


@click.command(
    "configure",
    cls=Command,
    epilog="Example: batchai configure url=https://myapp.azurewebsites.net workspace=research",
)
@click.argument("pairs", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--list", "list_it", is_flag=True, help="Show what is in force and where it comes from.")
@click.option("-o", "--output", "form", type=one_of(*output.FORMS), help="Form of --list.")
def command(pairs: tuple[str, ...], list_it: bool, form: str | None) -> None:
    """Set defaults. NAME= removes one. Without arguments everything is asked for.

    Names: url, subscription_id, resource_group, workspace, experiment, location, function_key, audience,
    output, storage_account, storage_key. A secret is better given at the prompt than on the command line.
    """
    if list_it:
        _show(form)
        return
    path = config.config_file(os.environ)
    values = config.read_file(path)
    changes = dict(_pair(pair) for pair in pairs) if pairs else _ask(values)
    if faults := [fault for name, text in changes.items() if (fault := _fault(name, text))]:
        raise Fault("; ".join(faults), f"Names: {', '.join(config.NAMES)}", USAGE)
    kept = {name: text for name, text in (values | changes).items() if text}
    config.write_file(path, kept)
    click.echo(f"written: {path}", err=True)


def _pair(pair: str) -> tuple[str, str]:
    name, equals, text = pair.partition("=")
    if not equals:
        raise Fault(f"{pair!r} is not of the form NAME=VALUE", f"Names: {', '.join(config.NAMES)}", USAGE)
    return name.strip().lower().replace("-", "_"), text.strip()


def _fault(name: str, text: str) -> str:
    if name not in config.NAMES:
        return f"{name} is no setting"
    if not text.isprintable():
        return f"{name} holds a character that cannot be printed"
    if name == "url" and text and not text.startswith(("http://", "https://")):
        return f"url must begin with https:// or http://, not {text}"
    if name == "output" and text and text not in output.FORMS:
        return f"output must be one of {', '.join(output.FORMS)}"
    return ""


def _ask(values: dict[str, str]) -> dict[str, str]:
    """Ask for every value; Enter keeps what is there, - removes it."""
    if not sys.stdin.isatty():
        raise Fault("nothing was said", "Give NAME=VALUE, or run this in a terminal.", USAGE)
    click.echo("Enter keeps what stands in brackets; - removes it.", err=True)
    answers: dict[str, str] = {}
    for name, what in config.NAMES.items():
        secret = name in config.SECRET
        shown = values.get(name, "")
        prompt = f"{name} ({what})" + (f" [{_HIDDEN if secret else shown}]" if shown else "")
        text = click.prompt(prompt, default="", show_default=False, hide_input=secret, err=True).strip()
        if text:
            answers[name] = "" if text == "-" else text
    return answers


def _show(form: str | None) -> None:
    found = config.values({}, os.environ)
    seen: list[dict[str, Any]] = [
        {
            "name": name,
            "value": _HIDDEN if name in config.SECRET else value.text,
            "source": value.source,
        }
        for name, value in sorted(found.items())
    ]

    def columns(item: dict[str, Any]) -> dict[str, str]:
        return {"Name": item["name"], "Value": item["value"], "From": item["source"]}

    output.show(seen, form or output.default_form(), None, columns)
