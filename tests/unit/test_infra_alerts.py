"""The alerts and the workbook of infra/ look for what the program really logs."""

import json
import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.jobs.waiting_reason import NodeView
from shared.managers import cluster_metrics, event_sender
from tests.support.cases import cases
from tests.support.events import EventWorld
from tests.support.memory.world import memory_world
from tests.support.sources import PROJECT

INFRA = PROJECT / "infra"
ALERTS: list[dict[str, Any]] = json.loads((INFRA / "alerts.json").read_text("utf-8"))
WORKBOOK = json.loads((INFRA / "workbook.json").read_text("utf-8"))
QUERIES = [alert["query"] for alert in ALERTS] + [
    item["content"]["query"] for item in WORKBOOK["items"] if item["type"] == 3
]
#: Where the words after `startswith` are logged.
LOGGED = {
    "cluster ": "shared/managers/cluster_metrics.py",
    "given up as ": "shared/managers/claim_writer.py",
    "a drop fails: ": "api/blob_drops.py",
    "swept: ": "function_app.py",
    "ended as ": "runner/agent/outcome_report.py",
    "events waiting ": "shared/managers/event_sender.py",
}


def test_there_are_these_alerts() -> None:
    names = [alert["name"] for alert in ALERTS]
    assert names == [
        *("queue-not-draining", "nodes-unusable", "poison", "drop-given-up", "sweep-late", "secret-refused"),
        "events-waiting",
    ]
    members = ["name", "title", "description", "severity", "frequency", "window", "operator", "threshold"]
    assert all(list(alert) == [*members, "query"] for alert in ALERTS)


def test_the_rules_use_every_member() -> None:
    rules = (INFRA / "modules" / "alerts.bicep").read_text("utf-8")
    assert set(re.findall(r"\balert\.(\w+)", rules)) == set(ALERTS[0])


@cases("query", QUERIES)
def test_the_words_that_are_looked_for_are_logged(query: str) -> None:
    for words in re.findall(r"startswith '([^']+)'", query):
        text = (PROJECT / LOGGED[words]).read_text("utf-8")
        assert f'"{words}' in text, f"{LOGGED[words]} logs nothing that begins with '{words}'"


def _read(query: str, message: str) -> dict[str, str] | None:
    """What `parse ... with` of a query makes of a message."""
    found = re.search(r"parse message with (.+?) \|", query)
    assert found
    pattern = ""
    for text, name, number in re.findall(r"'([^']*)'|(\w+)(:long)?|\*", found[1]):
        pattern += (
            re.escape(text) if text else f"(?P<{name}>{'[0-9]+' if number else '.*?'})" if name else ".*"
        )
    fits = re.match(pattern, message)
    return fits.groupdict() if fits else None


def test_the_line_of_a_cluster_is_read_by_every_query_of_it(caplog: pytest.LogCaptureFixture) -> None:
    world = memory_world()
    world.accept()
    nodes = [NodeView("a", "unusable", True), NodeView("b", "idle", False), NodeView("c", "running", True)]
    with caplog.at_level(logging.INFO):
        now = world.clock() + timedelta(seconds=4000)
        cluster_metrics.measured(world.cluster, world.manager.live(world.cluster), nodes, now)
    (line,) = [record.getMessage() for record in caplog.records if record.name == cluster_metrics.__name__]
    seen: dict[str, str] = {}
    for query in (query for query in QUERIES if "'cluster '" in query):
        values = _read(query, line)
        assert values, (query, line)
        seen |= values
    assert seen["cluster"] == str(world.cluster)
    assert (seen["waiting"], seen["unusable"], seen["lost"]) == ("1", "1", "1")
    assert 4000 <= int(seen["age"]) < 4010


def test_a_cluster_that_is_well_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    world = memory_world()
    with caplog.at_level(logging.INFO):
        idle = NodeView("a", "idle", True)
        cluster_metrics.measured(world.cluster, [], [idle], datetime(2026, 11, 29, tzinfo=UTC))
    assert not [record for record in caplog.records if record.name == cluster_metrics.__name__]


def test_the_line_of_waiting_events_is_read(caplog: pytest.LogCaptureFixture) -> None:
    made = EventWorld()
    made.receiver.answer = lambda events: 0
    made.run()
    made.world.clock.move(1000)
    with caplog.at_level(logging.INFO):
        made.turn()
    (line,) = [r.getMessage() for r in caplog.records if r.name == event_sender.__name__]
    (query,) = [query for query in QUERIES if "'events waiting '" in query]
    assert _read(query, line) == {"waiting": "3", "age": "1000"}
