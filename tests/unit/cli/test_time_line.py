"""The time line of a job, as `job show -o table` prints it."""

from cli.job_status import outcome, time_line

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


def test_a_volume_that_lacks_what_was_written_is_reported_with_the_outcome() -> None:
    """Of the attempt that counts: what an earlier one wrote was written again."""
    fault = {"event": "VolumeFault", "node": "n0", "detail": "1 files did not reach container data: model"}
    events = [{**fault, "attempt": 1}, {**fault, "attempt": 2}]
    info = {"exitCode": 0}
    properties = {
        "executionState": "succeeded",
        "executionInfo": info,
        "timeline": {"events": events, "attempts": 2},
    }
    assert list(outcome({"name": "j", "properties": properties})) == [
        "job j succeeded with exit code 0",
        "  VolumeFault: node n0: 1 files did not reach container data: model",
    ]


def test_a_job_without_one_shows_nothing() -> None:
    assert list(time_line({"name": "old", "properties": {}})) == []
