"""What is written fits, as the service measures it, and comes back whole where it fitted."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.documents.parse import parse_cluster, parse_job
from shared.names import table_limits
from tests.support.documents import CLUSTER, JOB, changed

#: Everything that texts of programs and documents may hold, halves of pairs included.
ANY = st.text(st.characters(categories=("L", "N", "P", "S", "Z", "C", "Cs")))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@given(ANY, st.integers(1, 40))
def test_a_cut_text_fits_and_keeps_whole_characters(text: str, most: int) -> None:
    found = table_limits.cut(text, most)
    assert _units(found) <= most
    assert found == table_limits.clean(text) or table_limits.clean(text).startswith(found[:-1])


@given(ANY, st.integers(6, 60))
def test_an_escaped_text_fits_as_json(text: str, most: int) -> None:
    found = table_limits.escaped(text, most)
    assert _units(json.dumps(found, ensure_ascii=False)) - 2 <= most
    assert found == table_limits.clean(text) or table_limits.clean(text).startswith(found[:-1])


def test_a_pair_of_units_is_in_one_column() -> None:
    text = "x" + "😀" * 40_000
    found = table_limits.spread("Name", text)
    assert len(found) > 1 and "".join(found.values()) == text
    assert all(piece.isprintable() for piece in found.values())


@given(st.lists(st.tuples(ANY, st.integers(), st.lists(ANY)), max_size=6), st.integers(200, 600))
def test_a_list_fits_and_keeps_its_end(values: list[tuple[str, int, list[str]]], most: int) -> None:
    text = table_limits.listed(values, most) or "[]"
    assert _units(text) <= most
    kept = json.loads(text)
    assert [number for _, number, _ in kept] == [number for _, number, _ in values][len(values) - len(kept) :]


def test_short_texts_are_not_cut_for_the_sake_of_long_ones() -> None:
    kept = json.loads(
        table_limits.listed([["x" * 5_000, "2025-01-01T00:00:00.000000+00:00", "word"]], 1_000) or ""
    )
    assert kept[0][1:] == ["2025-01-01T00:00:00.000000+00:00", "word"]


@given(st.text(max_size=9), st.sampled_from(["", "Name0"]))
def test_a_text_of_any_length_is_spread_over_columns(part: str, first: str) -> None:
    text = table_limits.clean(part * 8_000)
    found = table_limits.spread("Name", text, first)
    assert all(_units(piece) <= table_limits.MOST_UNITS for piece in found.values())
    assert table_limits.joined(found, "Name", first) == text
    assert not text or (first or "Name") in found


@pytest.mark.parametrize(
    ("character", "fits", "too_many"),
    [
        ("x", 340_000, 360_000),
        ("é", 110_000, 125_000),
        ("😀", 57_000, 61_000),
        ("\u0001", 56_000, 61_000),
        ('"', 170_000, 181_000),
    ],
)
def test_a_document_that_cannot_be_kept_is_refused_on_submission(
    character: str, fits: int, too_many: int
) -> None:
    assert _refusals(character, fits) == set()
    (reported,) = _refusals(character, too_many)
    assert reported.startswith("The document is too large to be kept. What is to be kept of it")


def _refusals(character: str, number: int) -> set[str]:
    """What is said of a job and of a cluster with `number` characters in variables."""
    sizes = [20_000] * (number // 20_000) + [number % 20_000]
    variables = [{"name": f"V{n}", "value": character * size} for n, size in enumerate(sizes)]
    task = {"commandLine": "true", "stdOutErrPathPrefix": "/x", "environmentVariables": variables}
    job, cluster = (
        changed(JOB, environmentVariables=variables),
        changed(CLUSTER, nodeSetup={"setupTask": task}),
    )
    found = (
        parse_job(json.dumps({"properties": job}, ensure_ascii=False)),
        parse_cluster(json.dumps({"properties": cluster}, ensure_ascii=False)),
    )
    messages = [{problem.message for problem in one.errors} for one in found]
    assert [len(one) for one in messages] in ([0, 0], [1, 1])
    return messages[0]


def test_a_single_value_that_must_stay_whole_and_does_not_fit_is_left_out() -> None:
    assert table_limits.newest(["x" * 100], 50) is None
    assert table_limits.newest([], 50) is None
    assert table_limits.newest(["x" * 100, "y"], 50) == '["y"]'
