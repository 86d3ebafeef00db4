"""Log records as they are sent: trace, job, severity, and no secrets."""

import logging

from shared.telemetry import trace_ids
from shared.telemetry.otlp_logs import OtlpLog
from shared.telemetry.tracing import node_part
from tests.support.otlp import kept_log_records
from tests.support.spans import kept_spans

UUID = "0af76519-16cd-43dd-8448-eb211c80319c"


def test_a_record_belongs_to_its_run_or_to_what_its_thread_does() -> None:
    kept = kept_log_records()
    handler = OtlpLog("batchai-runner", "gpu-0", lambda text: text.replace("hunter2", "***"), kept)
    log = logging.Logger("runner.agent")
    log.addHandler(handler)
    log.info("claimed hunter2", extra={"uuid": UUID, "job": "w/e/hunter2", "action": "claimed"})
    log.warning("polled", extra={"uuid": "no uuid"})
    with kept_spans(), node_part(UUID, 1, "gpu-0", {}, "gpu-0"):
        log.error("mounted", extra={"uuid": "1" * 32})
    handler.close()
    first, second, third = (one.log_record for one in kept.get_finished_logs())
    assert (first.trace_id, first.span_id) == (trace_ids.trace_id(UUID), trace_ids.job_span(UUID))
    assert first.body == "claimed ***"
    assert first.attributes == {"uuid": UUID, "job": "w/e/***", "action": "claimed"}
    assert not second.trace_id
    assert (third.trace_id, third.span_id) == (
        trace_ids.trace_id(UUID),
        trace_ids.node_span(UUID, 1, "gpu-0"),
    )
    assert [one.severity_text for one in (first, second, third)] == ["INFO", "WARNING", "ERROR"]


def test_what_the_senders_themselves_log_is_not_sent() -> None:
    kept = kept_log_records()
    handler = OtlpLog("batchai-runner", "gpu-0", str, kept)
    for name in ("opentelemetry.sdk", "azure.core", "urllib3"):
        handler.handle(logging.makeLogRecord({"name": name, "msg": "sent"}))
    handler.close()
    assert not kept.get_finished_logs()
