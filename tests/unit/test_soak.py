"""What a soak concludes from its samples (tests/soak): growth is seen, noise is not taken for it."""

import argparse
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.soak import report
from tests.soak.run import Plan, Soak, left_over
from tests.soak.samples import Sample, read
from tests.soak.slopes import Growth, Slope, slopes
from tests.support.durations import minutes

_EVERY = 10.0
_WARM_UP, _LEAST = 300.0, 1200.0


def judged(value: Callable[[float], float], hours: float = 2.0, name: str = "memory/runner 2/77") -> Slope:
    """The slope of a series measured every ten seconds; `value` of the seconds since the start."""
    times = [_EVERY * number for number in range(int(hours * 3600 / _EVERY))]
    (found,) = slopes([Sample(at, {name: value(at)}) for at in times], _WARM_UP, _LEAST)
    return found


def noise(height: float) -> Callable[[], float]:
    dice = random.Random(3)
    return lambda: dice.uniform(-height, height)


def test_a_leak_of_two_mebibytes_an_hour_is_seen() -> None:
    shaken = noise(1.5)
    found = judged(lambda at: 80 + 2 * at / 3600 + shaken())
    assert found.growth is Growth.GROWS
    assert found.per_hour == pytest.approx(2, abs=0.3)
    assert found.last - found.first == pytest.approx(2 * found.seconds / 3600, abs=0.4)


def test_one_file_left_open_by_every_job_is_seen() -> None:
    assert judged(lambda at: 12 + at // 3, name="files/runner 0/5").growth is Growth.GROWS


def test_noise_and_a_warm_up_are_no_growth() -> None:
    shaken = noise(1.5)
    found = judged(lambda at: 80 - 40 * max(0.0, 1 - at / 250) + shaken())
    assert found.growth is Growth.STEADY
    assert abs(found.per_hour) < 0.3


def test_a_series_too_noisy_for_its_length_is_undecided() -> None:
    assert judged(lambda at: 80 + 30 * (1 - 2 * (at // _EVERY % 2)), hours=0.5).growth is Growth.UNDECIDED


def test_a_short_series_is_not_judged() -> None:
    found = judged(lambda at: 80 + at, hours=0.4)
    assert found.growth is Growth.SHORT
    assert found.seconds < _LEAST


def test_the_warm_up_of_a_process_is_its_own_and_other_processes_are_not_judged() -> None:
    begun = 3600.0
    times = [begun + _EVERY * number for number in range(360)]
    grown = {at: 40 + min(at - begun, 280) / 7 for at in times}
    samples = [Sample(at, {"memory/runner 0/9": grown[at], "memory/azurite/2": at}) for at in times]
    (found,) = slopes(samples, _WARM_UP, _LEAST)
    assert (found.series, found.growth) == ("memory/runner 0/9", Growth.STEADY)


def test_what_is_left_after_the_last_job_is_named() -> None:
    before = {"rows/jobs": 0.0, "blobs/accepted": 0.0, "jobs/kept": 0.0}
    after = {"rows/jobs": 3.0, "blobs/accepted": 0.0, "blobs/new": 1.0, "jobs/kept": 9.0}
    assert left_over(before | {"rows/nodes": 3.0}, after | {"rows/nodes": 2.0}) == [
        "blobs/new: 0 after one job, 1 after the last was removed",
        "rows/jobs: 0 after one job, 3 after the last was removed",
        "rows/nodes: 3 after one job, 2 after the last was removed",
    ]


def soak(samples: list[Sample], **changes: list[str]) -> Soak:
    return Soak(
        Plan(7200, 7),
        samples,
        {"killed_runner": 2},
        jobs=100,
        given_up=0,
        **{"wrong": [], "left": [], "suite": []} | changes,
    )


def test_the_page_says_what_is_wrong_and_shows_the_curves(tmp_path: Path) -> None:
    others = {f"memory/azurite/{pid}": 99.0 for pid in range(12)}
    samples = [
        Sample(_EVERY * n, {"memory/runner 2/7": 80 + n / 10, **others, "jobs/dropped": n})
        for n in range(400)
    ]
    grown = slopes(samples, _WARM_UP, _LEAST)
    seen = soak(samples, wrong=["lost: <soak-3>"], left=["rows/jobs: 0, 3"])
    assert report.faults(seen, grown) == [
        "lost: <soak-3>",
        "left: rows/jobs: 0, 3",
        "grows: memory/runner 2/7 by 36.00 ± 0.00 MiB an hour (at most 1)",
    ]
    page = report.write(seen, grown, tmp_path).read_text()
    assert "lost: &lt;soak-3&gt;" in page
    assert {path.name for path in tmp_path.glob("*.svg")} == {"memory.svg", "jobs.svg"}
    assert "runner 2/7" in (tmp_path / "memory.svg").read_text()
    assert report.table(soak([]), []).endswith("nothing wrong")


def test_samples_are_read_as_they_were_written(tmp_path: Path) -> None:
    sample = Sample(12.5, {"memory/runner 2/7": 80.125, "age/all queues": 0.0})
    (tmp_path / "samples.jsonl").write_text(sample.line() + "\n")
    assert read(tmp_path / "samples.jsonl") == [sample]


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "nan", "inf", ""])
def test_a_time_that_is_none_is_refused_at_once(wrong: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"'{wrong}' is not a number of minutes"):
        minutes(wrong)


def test_half_a_minute_is_a_time() -> None:
    assert minutes("0.5") == 0.5
