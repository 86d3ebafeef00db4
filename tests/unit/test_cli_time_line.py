"""The time line of a job, as `job show -o table` prints it."""

from cli.standing import time_line

JOB = {
    "name": "first",
    "properties": {
        "timeline": {
            "events": [
                {"time": "2026-11-23T17:12:10.310Z", "event": "Queued"},
                {"time": "2026-11-23T17:12:11.310Z", "event": "Claimed", "attempt": 1, "node": "n0"},
                {"time": "2026-11-23T17:12:12.310Z", "event": "Ended", "attempt": 1, "detail": "Succeeded"},
            ],
            "seconds": {"queued": 1.0, "running": 0.96, "total": 2.0},
            "attempts": 1,
            "gpuHours": 0.5,
        }
    },
}


def test_events_then_durations() -> None:
    assert list(time_line(JOB)) == [
        "2026-11-23T17:12:10.310Z  Queued",
        "2026-11-23T17:12:11.310Z  Claimed       attempt 1, n0",
        "2026-11-23T17:12:12.310Z  Ended         attempt 1, Succeeded",
        "queued 1.0 s, running 1.0 s, total 2.0 s, attempts 1, GPU hours 0.5",
    ]


def test_a_job_without_one_shows_nothing() -> None:
    assert list(time_line({"name": "old", "properties": {}})) == []
