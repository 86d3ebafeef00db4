"""What the writers of a job's row and message record of it as spans and metrics (shared/telemetry). Nothing
while both are off.

Times come from the row where it has them, so that a process which knows only the row can record what another
has begun. Recorded twice, as after a crash between two steps, a span has the same ids.
"""

from datetime import datetime, timedelta

from shared.jobs.events import EventKind
from shared.jobs.model import Job, Reason
from shared.telemetry import metrics, trace_ids, tracing
from shared.telemetry.names import Attribute, Metric, SpanName
from shared.telemetry.tracing import Span, Value

#: How an attempt ended that is given back, beside the words of Reason.
HANDED_BACK, DISSOLVED = "HandedBack", "Dissolved"


def about(job: Job) -> dict[str, Value]:
    """What every span of a job says."""
    return {Attribute.JOB: str(job.id), Attribute.RUN: job.uuid, Attribute.CLUSTER: str(job.cluster)}


def accepted(job: Job, began: datetime, now: datetime) -> None:
    """A document has become a job, and its message is sent."""
    if tracing.is_on():
        _take(job, SpanName.ACCEPT, trace_ids.span_id(job.uuid, "accept"), began, now)


def claimed(before: Job, after: Job, began: datetime, now: datetime) -> None:
    """A runner has written the claim `after` over `before`."""
    since = before.state_since if before.owner is None else lost(before, now)
    waited_seconds = max(0.0, (began - since).total_seconds())
    metrics.add(Metric.WAIT, waited_seconds, {Attribute.CLUSTER: str(after.cluster)})
    if not tracing.is_on():
        return
    number = after.attempt
    own: dict[str, Value] = {Attribute.NUMBER: number, Attribute.NODE: after.owner or ""}
    waited = trace_ids.span_id(after.uuid, f"wait {number}")
    _take(after, SpanName.WAIT, waited, min(since, began), began, {Attribute.NUMBER: number})
    claim = trace_ids.span_id(after.uuid, f"claim {number}")
    _take(after, SpanName.CLAIM, claim, began, now, own, parent=trace_ids.attempt_span(after.uuid, number))


def lost(job: Job, now: datetime) -> datetime:
    """The runner of the job's attempt is gone: what it could not record any more is recorded for it, as the
    end of its lease shows. That moment."""
    end = now + timedelta(seconds=min(0.0, job.lease_left or 0.0))
    attempt_over(job, job.owner or "", str(Reason.RUNNER_LOST), end)
    if tracing.is_on():
        node = trace_ids.node_span(job.uuid, job.attempt, job.owner or "")
        own: dict[str, Value] = {Attribute.NUMBER: job.attempt, Attribute.NODE: job.owner or ""}
        attempt, start = trace_ids.attempt_span(job.uuid, job.attempt), _claimed_at(job)
        _take(job, SpanName.NODE, node, start, end, own, parent=attempt, fault=str(Reason.RUNNER_LOST))
    return end


def attempt_over(job: Job, node: str, reason: str, now: datetime, gpu_seconds: float = 0.0) -> None:
    """The attempt of `node`, the job's latest, is over. `reason`: a word of Reason, or one of this module."""
    if metrics.is_on():
        which = {Attribute.CLUSTER: str(job.cluster), Attribute.REASON: reason}
        metrics.add(Metric.ATTEMPTS, 1, which)
        metrics.add(Metric.RUN, max(0.0, (now - _claimed_at(job)).total_seconds()), which)
        metrics.add(Metric.GPU_TIME, gpu_seconds, {Attribute.CLUSTER: str(job.cluster)})
    if not tracing.is_on():
        return
    number = job.attempt
    own: dict[str, Value] = {Attribute.NUMBER: number, Attribute.NODE: node, Attribute.REASON: reason}
    links = (trace_ids.attempt_span(job.uuid, number - 1),) if number > 1 else ()
    fault = "" if reason == Reason.SUCCEEDED else reason
    span = trace_ids.attempt_span(job.uuid, number)
    _take(job, SpanName.ATTEMPT, span, _claimed_at(job), now, own, links=links, fault=fault)


def shown(job: Job, now: datetime) -> None:
    """People see in status.json that the job has ended (or it is removed, as was asked for)."""
    if not tracing.is_on() or job.state.live:
        return
    reason = str(Reason.SUCCEEDED) if not job.errors else job.errors[0].code
    own: dict[str, Value] = {
        Attribute.STATE: str(job.state),
        Attribute.REASON: reason,
        Attribute.TOOL: job.tool_type,
        Attribute.NODES: job.node_count,
    }
    if job.exit_code is not None:
        own[Attribute.EXIT_CODE] = job.exit_code
    root = trace_ids.job_span(job.uuid)
    _take(job, SpanName.JOB, root, job.created, now, own, parent=None, fault="" if not job.errors else reason)


def _claimed_at(job: Job) -> datetime:
    claims = [e.at for e in job.events if e.kind is EventKind.CLAIMED and e.attempt == job.attempt]
    return claims[-1] if claims else job.started or job.state_since


_ROOT = -1


def _take(
    job: Job,
    name: SpanName,
    own: int,
    start: datetime,
    end: datetime,
    more: dict[str, Value] | None = None,
    *,
    parent: int | None = _ROOT,
    links: tuple[int, ...] = (),
    fault: str = "",
) -> None:
    """`parent`: without one it is the root's child; None for the root itself."""
    above = trace_ids.job_span(job.uuid) if parent == _ROOT else parent
    trace = trace_ids.trace_id(job.uuid)
    tracing.take(Span(name, trace, own, above, start, end, {**about(job), **(more or {})}, links, fault))
