"""What the name of a file beside stdout.txt says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.environment.layout import attempt_name, part_name
from shared.environment.log_streams import OTHER, LogStream, attempts_of, log_stream
from tests.support.cases import cases


@cases(
    ("name", "stream", "node", "process"),
    [
        ("stdout.txt", "stdout", None, None),
        ("stderr-wk-0.txt", "stderr", None, "wk-0"),
        ("stdout-0.txt", "stdout", None, "0"),
        ("stdout-job_prep.txt", "preparation", None, None),
        ("stderr-job_prep-node-7.txt", "preparation", "node-7", None),
        ("execution.log", "execution", None, None),
        ("execution-node-7.log", "execution", "node-7", None),
        ("resources-node-7.jsonl", "resources", "node-7", None),
        ("metrics-wk-1.jsonl", "metrics", None, "wk-1"),
        ("metrics-node-node-7.jsonl", "metrics", "node-7", None),
        ("stdout-node-7.txt", "stdout", None, "node-7"),
        ("core", OTHER, None, None),
        ("stdout", OTHER, None, None),
        ("stdout-.txt", OTHER, None, None),
        ("mystdout.txt", OTHER, None, None),
        ("<b>.html", OTHER, None, None),
    ],
)
def test_stream_node_and_process(name: str, stream: str, node: str | None, process: str | None) -> None:
    assert log_stream(name) == LogStream(stream, node, process, name, 0)
    for attempt in (1, 12) if "." in name else ():  # what the runner writes has a suffix
        kept = log_stream(attempt_name(name, attempt))
        assert kept == LogStream(stream, node, process, name, attempt)
        assert log_stream(part_name(name, attempt, 3)) == LogStream(stream, node, process, name, attempt, 3)


@pytest.mark.parametrize("name", ["stdout.attempt-01.txt", "stdout.attempt-.txt", "stdout.attempt-x.txt"])
def test_what_only_looks_like_an_earlier_attempts(name: str) -> None:
    found = log_stream(name)
    assert (found.attempt, found.base) == (0, name)


def test_the_plain_name_is_the_latest_attempts() -> None:
    names = [
        "stdout.txt",
        "stdout.attempt-1.txt",
        "stdout.attempt-2.txt",
        "stderr.txt",
        "x.attempt-2.part-2.y",
    ]
    assert attempts_of([*names, "stdout.attempt-3.part-2.txt"]) == {
        "stdout.txt": 3,
        "stdout.attempt-1.txt": 1,
        "stdout.attempt-2.txt": 2,
        "stdout.attempt-3.part-2.txt": 3,
        "stderr.txt": 1,
        "x.attempt-2.part-2.y": 2,
    }


@given(st.lists(st.text(max_size=40)))
def test_any_names(names: list[str]) -> None:
    assert attempts_of(names).keys() == set(names)
