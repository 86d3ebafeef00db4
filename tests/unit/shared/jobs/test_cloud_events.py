"""shared.jobs.cloud_events: what an event says, against its schema and CloudEvents' own library."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from jsonschema import Draft202012Validator

from shared.jobs import transitions
from shared.jobs.changes import changes
from shared.jobs.cloud_events import cloud_event, data_of
from shared.jobs.model import Job, Outcome, Reason
from tests.support.jobs import CREATED, SCOPE, UUID, a_job, after

SCHEMA = json.loads((Path(__file__).parents[4] / "schemas/event.json").read_text())
_RUNNING = transitions.claim(a_job(), "node-0", "m", after(1))


@pytest.mark.parametrize(
    "job",
    [
        a_job(),
        _RUNNING,
        transitions.finish(_RUNNING, Outcome(Reason.JOB_FAILED, 3, "words"), after(2)),
        transitions.requeue(_RUNNING, Outcome(Reason.RUNNER_LOST), after(2)),
        transitions.request_termination(_RUNNING, after(2)),
    ],
)
def test_events_are_what_schema_and_library_expect(job: Job) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    for change in changes(job):
        event = cloud_event(data_of(job, change), change.sequence, change.at, SCOPE, "00-aa-bb-01")
        Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(event)
        read = JSONFormat().read(CloudEvent, json.dumps(event))
        assert read.get_id() == f"{UUID}-{change.sequence}"
        assert read.get_subject() == SCOPE.job(job.id)
        assert read.get_extension("traceparent") == "00-aa-bb-01"
        at = read.get_time()
        assert at is not None and change.at - at < timedelta(milliseconds=1)


def test_words_of_the_document_and_of_errors_stay_out() -> None:
    job = transitions.finish(_RUNNING, Outcome(Reason.JOB_FAILED, 3, "s3cret message"), after(2))
    text = json.dumps([data_of(job, change) for change in changes(job)])
    assert "s3cret" not in text and job.source not in text


def test_what_a_newer_version_has_added_is_sent_along() -> None:
    data = data_of(a_job(), changes(a_job())[0]) | {"carbon": 17}
    assert cloud_event(data, 1, CREATED, SCOPE)["data"]["carbon"] == 17
