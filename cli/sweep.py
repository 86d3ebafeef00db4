"""`batchai sweep`: create, list, terminate, delete, rerun. What shows runs is in sweep_watch.py."""

import time
from typing import Any

import click

from cli import columns
from cli.document import read_sweep
from cli.faults import Fault, Refused
from cli.options import (
    command,
    confirm,
    no_wait,
    yes_option,
)
from cli.session import Session
from cli.sweep_group import ENDED, name, sweeps, where
from cli.sweep_watch import watched

_LOOK_SECONDS = 1.0


@command(
    sweeps,
    "create",
    "sweep create -w research -e mnist -n rates -f sweep.json --watch",
    name,
    *where,
    click.option("file", "-f", "--config-file", required=True, help="The sweep.json; - is standard input."),
    click.option("--watch", is_flag=True, help="Stay: show the table of runs until the sweep has ended."),
)
def create(session: Session, name: str, file: str, watch: bool) -> None:
    """Submit a sweep. The document is checked first, and faults are reported with line and column."""
    made = submit(session, name, read_sweep(file, name, session.account()))
    if watch:
        watched(session, session.sweep(name))
    else:
        session.show(made, columns.sweep)


def submit(session: Session, name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """PUT a sweep; the resource. Raises Fault where there is one of that name."""
    path = session.sweep(name)
    try:
        session.api.get(path)
    except Refused as fault:
        if fault.status != 404 or fault.code != "SweepNotFound":
            raise
        return session.api.put(path, {"properties": properties})
    hint = "Choose another name, or delete it: batchai sweep delete -n ..."
    raise Fault(f"There is a sweep {name} in this experiment already.", hint)


@command(sweeps, "list", "sweep list -w research -e mnist -o table", *where)
def list_all(session: Session) -> None:
    """List the sweeps of an experiment."""
    session.show_all(session.api.pages("GET", f"{session.experiment()}/sweeps"), columns.sweep)


@command(
    sweeps, "terminate", "sweep terminate -w research -e mnist -n rates -y", name, *where, no_wait, yes_option
)
def terminate(session: Session, name: str, no_wait: bool, yes: bool) -> None:
    """Stop a sweep: its runs that live are stopped, no more are made."""
    path = session.sweep(name)
    confirm(yes, f"Terminate the sweep {name}?")
    session.api.act(f"{path}/terminate")
    while not no_wait and session.api.get(path)["properties"]["state"] not in ENDED:
        time.sleep(_LOOK_SECONDS)


@command(sweeps, "delete", "sweep delete -w research -e mnist -n rates -y", name, *where, no_wait, yes_option)
def delete(session: Session, name: str, no_wait: bool, yes: bool) -> None:
    """Delete a sweep with its runs, stopping them first. Files that they wrote stay."""
    path = session.sweep(name)
    confirm(yes, f"Delete the sweep {name} and its runs?")
    session.api.delete(path, wait=False)
    while not no_wait and _is_there(session, path):
        time.sleep(_LOOK_SECONDS)


def _is_there(session: Session, path: str) -> bool:
    try:
        session.api.get(path)
    except Refused as fault:
        if fault.status == 404:
            return False
        raise
    return True


@command(sweeps, "rerun", "sweep rerun -w research -e mnist -n rates", name, *where)
def rerun(session: Session, name: str) -> None:
    """Do the runs of an ended sweep again that failed or were never made."""
    session.show(session.api.act(f"{session.sweep(name)}/rerun"), columns.sweep)
