"""`batchai events`: the changes of the jobs of a workspace, as CloudEvents."""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import click

from cli import columns
from cli.faults import INTERRUPTED, Fault
from cli.http import Api
from cli.messages import say
from cli.options import command as operation
from cli.options import in_workspace
from cli.retry import Retry
from cli.session import Session

#: Events that came late, of a machine whose clock is behind, are found for so long.
_OVERLAP = timedelta(minutes=5)
#: Ids that are remembered, so that none is shown twice.
_MOST_IDS = 50_000
_WIDTHS = {"Time": 24, "Job": 40, "State": 11, "Attempt": 7, "Nodes": 20, "Reason": 20, "Exit code": 9}
_holder = click.Group()


class Unseen:
    """Lets each event through once."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self.latest = ""  #: time of the latest event

    def __call__(self, event: dict[str, Any]) -> bool:
        """Whether it has not been here yet."""
        name = str(event.get("id"))
        if name in self._ids:
            return False
        self._ids[name] = None
        self.latest = max(self.latest, str(event.get("time", "")))
        while len(self._ids) > _MOST_IDS:
            self._ids.popitem(last=False)
        return True


def follow(
    api: Api,
    path: str,
    since: str,
    show: Callable[[dict[str, Any]], None],
    interval: float,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Show events as they happen, for ever; the first ones are those since `since` ("": the last hour).
    Raises Refused, NotAnswering after ten minutes without an answer."""
    unseen, retry = Unseen(), Retry(say, sleep)
    while True:
        look = partial(_events, api, path, since)
        for event in filter(unseen, retry(look)):
            show(event)
        if unseen.latest:
            since = _text(datetime.fromisoformat(unseen.latest) - _OVERLAP)
        sleep(interval)


def _events(api: Api, path: str, since: str) -> list[dict[str, Any]]:
    return list(api.pages("GET", path, **({"since": since} if since else {})))


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@operation(
    _holder,
    "events",
    "events -w research --follow -o table",
    in_workspace,
    click.option("--since", default="", help="Events since: a date or a time.  [default: an hour ago]"),
    click.option("-f", "--follow", "follows", is_flag=True, help="Show further ones as they happen."),
    click.option(
        "--interval",
        type=click.FloatRange(1, 3600),
        default=5,
        show_default=True,
        help="Seconds between looks, with --follow.",
    ),
)
def events(session: Session, since: str, follows: bool, interval: float) -> None:
    """Show the changes of the workspace's jobs, as CloudEvents."""
    path = f"{session.workspace()}/events"
    if not follows:
        session.show_all(_events(session.api, path, since), columns.event)
        return
    show: Callable[[dict[str, Any]], None] = lambda event: session.show(event, columns.event)  # noqa: E731
    if session.is_table:
        click.echo(_line({name: name for name in _WIDTHS}))
        show = lambda event: click.echo(_line(columns.event(event)))  # noqa: E731
    try:
        follow(session.api, path, since, show, interval)
    except KeyboardInterrupt:
        raise Fault("stopped looking", "Jobs go on without it.", INTERRUPTED) from None


def _line(row: columns.Row) -> str:
    # A table knows its widths when it is over; this one has no end.
    return "  ".join(f"{row[name]:{width}}" for name, width in _WIDTHS.items()).rstrip()


command = _holder.commands["events"]
