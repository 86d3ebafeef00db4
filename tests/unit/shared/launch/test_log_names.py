"""What a launch plan calls the files beside stdout, so that every node and process of a job has its own."""

from shared.environment.log_streams import log_stream
from shared.launch.plan import (
    execution_log_name,
    metrics_log_name,
    preparation_log_name,
    resources_log_name,
)
from tests.support.placements import placement


def test_one_node_needs_no_name() -> None:
    where = placement()
    assert execution_log_name(where) == "execution.log"
    assert preparation_log_name("stderr", where) == "stderr-job_prep.txt"
    assert resources_log_name(where) == "resources.jsonl"
    assert metrics_log_name("", where) == "metrics.jsonl"
    assert metrics_log_name("wk-0", where) == "metrics-wk-0.jsonl"


def test_several_nodes_have_files_each() -> None:
    where = placement(2, index=1)
    assert resources_log_name(where) == "resources-node-1.jsonl"
    assert metrics_log_name("", where) == "metrics-node-node-1.jsonl"
    assert metrics_log_name("wk-1", where) == "metrics-wk-1.jsonl"


def test_readers_find_node_and_process_in_the_names() -> None:
    where = placement(2, index=1)
    node = log_stream(metrics_log_name("", where))
    process = log_stream(metrics_log_name("0", where))
    assert (node.stream, node.node, node.process) == ("metrics", "node-1", None)
    assert (process.stream, process.node, process.process) == ("metrics", None, "0")
    assert log_stream(resources_log_name(where)).node == "node-1"
