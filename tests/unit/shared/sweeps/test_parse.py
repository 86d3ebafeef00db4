"""sweep.json: what is accepted, and every problem at once with its place."""

import json
from pathlib import Path
from typing import Any

from shared.documents.parse import DocumentSettings
from shared.errors import Severity
from shared.sweeps.parse import is_sweep, parse_sweep
from shared.sweeps.plan import Metric
from shared.sweeps.run_documents import run_document, run_name, run_properties
from tests.support.cases import cases
from tests.support.sources import PROJECT
from tests.support.sweep_documents import document, faults, parsed


def test_the_example_is_accepted() -> None:
    settings = DocumentSettings("account", "a2V5")
    found = parse_sweep((PROJECT / "examples/sweep/sweep.json").read_bytes(), settings, "digits")
    assert found.plan is not None
    assert (found.plan.count, found.plan.max_concurrent) == (24, 2)


@cases(
    ("properties", "expected"),
    [
        ({"parameters": None}, "$.properties: parameters is missing: which runs are there to be?"),
        ({"rows": [{"x": 1}]}, "$.properties: There are parameters and rows: which runs are there to be?"),
        (
            {"parameters": {}},
            "$.properties.parameters: parameters must be an object with at least one parameter.",
        ),
        ({"parameters": {"x": 5}}, "$.properties.parameters.x: x must be a list or a range."),
        ({"parameters": {"x": []}}, "$.properties.parameters.x: x has 0 values; there must be 1 to 10,000."),
        ({"parameters": {"x": [None]}}, "$.properties.parameters.x[0]: A run cannot be given this."),
        (
            {"parameters": {"x": ["a" * 4001]}},
            "$.properties.parameters.x[0]: A text may have 4,000 characters.",
        ),
        ({"parameters": {"a-b": [1]}}, "$.properties.parameters['a-b']: 'a-b' cannot name a parameter."),
        (
            {"parameters": {"index": [1]}},
            "$.properties.parameters.index: index is the index of a run; a parameter needs another name.",
        ),
        (
            {"parameters": {"a": [1], "A": [2]}},
            "$.properties.parameters.A: A and a would be the same environment variable.",
        ),
        (
            {"parameters": {f"p{n}": [1] for n in range(101)}},
            "$.properties.parameters: There are 101 parameters; 100 is the most.",
        ),
        ({"parameters": {"x": {"to": 1, "count": 2}}}, "$.properties.parameters.x: from is missing."),
        (
            {"parameters": {"x": {"from": "a", "to": 1, "count": 2}}},
            "$.properties.parameters.x.from: from must be a number below 1e15.",
        ),
        (
            {"parameters": {"x": {"from": 2, "to": 1, "count": 2}}},
            "$.properties.parameters.x: from (2) is larger than to (1).",
        ),
        (
            {"parameters": {"x": {"from": 0, "to": 1, "count": 2, "scale": "log"}}},
            "$.properties.parameters.x.from: A range on the scale log must begin above 0.",
        ),
        (
            {"parameters": {"x": {"from": 1, "to": 2, "step": 1, "scale": "log"}}},
            "$.properties.parameters.x.step: On the scale log there are no even steps.",
        ),
        (
            {"parameters": {"x": {"from": 1, "to": 2, "count": 2, "scale": "ln"}}},
            '$.properties.parameters.x.scale: scale must be "linear" or "log".',
        ),
        (
            {"parameters": {"x": {"from": 1, "to": 2, "count": 2, "whole": 1}}},
            "$.properties.parameters.x.whole: whole must be true or false.",
        ),
        (
            {"parameters": {"x": {"from": 0.5, "to": 2, "count": 2, "whole": True}}},
            "$.properties.parameters.x: With whole, from and to must be whole numbers.",
        ),
        (
            {"parameters": {"x": {"from": 1, "to": 2, "count": 2, "step": 1}}},
            "$.properties.parameters.x: A range has step or count, not both.",
        ),
        (
            {"parameters": {"x": {"from": 1, "to": 2, "step": 0}}},
            "$.properties.parameters.x.step: step must be larger than 0.",
        ),
        (
            {"parameters": {"x": {"from": 0, "to": 10000, "step": 1}}},
            "$.properties.parameters.x.step: The range has more than 10,000 values.",
        ),
        (
            {"parameters": {"x": {"from": 0, "to": 1, "count": 0}}},
            "$.properties.parameters.x.count: count must be a whole number from 1 to 10,000.",
        ),
        (
            {"parameters": {"x": {"from": 0, "to": 1}}},
            "$.properties.parameters.x: x has neither step nor count: a grid needs to know which values "
            "it has.",
        ),
        (
            {"parameters": None, "rows": {}},
            "$.properties.rows: rows must be a list of objects in brackets [ ].",
        ),
        ({"parameters": None, "rows": []}, "$.properties.rows: rows has 0 rows; there must be 1 to 10,000."),
        ({"parameters": None, "rows": [5]}, "$.properties.rows[0]: A row must be an object in braces { }."),
        (
            {"parameters": None, "rows": [{"x": 1}, {"y": 1}]},
            "$.properties.rows[1]: Every row must have the parameters of the first one; this lacks x and "
            "has 'y' beside them.",
        ),
        (
            {"parameters": None, "rows": [{"x": [1]}]},
            "$.properties.rows[0].x: A run cannot be given this.",
        ),
        (
            {"parameters": None, "array": "x"},
            "$.properties.array: 'x' is no array of indexes: write the first and the last, as 0-99.",
        ),
        ({"parameters": None, "array": "9-1"}, "$.properties.array: The array 9-1 ends before it begins."),
        (
            {"parameters": None, "array": "0-10000"},
            "$.properties.array: The array 0-10000 has 10,001 runs; 10,000 is the most.",
        ),
        (
            {"parameters": None, "array": "0-1", "random": {"seed": 1, "count": 1}},
            "$.properties.random: random needs parameters that it can draw.",
        ),
        ({"random": {"count": 1}}, "$.properties.random: random needs a seed, a whole number from 0 on."),
        ({"random": {"seed": 1}}, "$.properties.random: random needs a count of runs, from 1 to 10,000."),
        (
            {"maxConcurrent": 0},
            "$.properties.maxConcurrent: maxConcurrent must be a whole number from 1 to 10,000.",
        ),
        (
            {"maxFailures": "1"},
            "$.properties.maxFailures: maxFailures must be a whole number from 1 to 10,000.",
        ),
        ({"metric": {"key": "a"}}, "$.properties.metric: metric needs a goal: which values are better?"),
        (
            {"metric": {"goal": "minimize"}},
            "$.properties.metric: metric has key (of the metrics file) or pattern (for a log), exactly one "
            "of them.",
        ),
        (
            {"metric": {"goal": "minimize", "pattern": "("}},
            "$.properties.metric.pattern: pattern is no regular expression (missing ), unterminated "
            "subpattern at position 0).",
        ),
        (
            {"metric": {"goal": "minimize", "pattern": "a", "log": "../x"}},
            "$.properties.metric.log: log names the log that pattern is for, such as stdout.",
        ),
        (
            {"metric": {"goal": "minimize", "key": "k" * 201}},
            "$.properties.metric.key: key may have 200 characters.",
        ),
        (
            {"parameters": {"x": list(range(101)), "y": list(range(100))}},
            "$.properties: There would be 10,100 runs; 10,000 is the most.",
        ),
        ({"job": None}, "$.properties: job is missing: the job document that the runs are made of."),
        ({"job": {}}, "$.properties.job: properties is missing: a job document must hold it."),
    ],
)
def test_faults_of_what_surrounds_the_job(properties: dict[str, Any], expected: str) -> None:
    assert faults(**properties) == [expected]


def test_every_problem_at_once() -> None:
    found = faults(
        {"nodeCount": 0, "customToolkitSettings": {"commandLine": "a ${{ y }} ${{ x"}},
        maxConcurrent=-1,
        metric={},
    )
    assert len(found) == 5
    assert any("There is no parameter 'y'" in fault for fault in found)
    assert any("A placeholder begins here and does not end" in fault for fault in found)


def test_what_is_no_sweep_at_all() -> None:
    assert [p.message for p in parse_sweep("[1]").problems] == [
        "A sweep document must be an object that holds properties, an object."
    ]
    assert parse_sweep("{").plan is None
    assert not is_sweep({"properties": {"nodeCount": 1}})
    assert not is_sweep([])
    assert is_sweep(document())


def test_unknown_members_are_reported() -> None:
    text = json.dumps(document(maxConcurent=2) | {"x": 1})
    warnings = [p.path for p in parse_sweep(text).problems if p.severity is Severity.WARNING]
    assert "$.properties.maxConcurent" in warnings
    assert "$.x" in warnings


def test_a_fault_of_some_runs_names_the_first_and_its_place() -> None:
    found = parsed({"nodeCount": "${{ n }}"}, parameters={"n": [1, 2, 0], "x": ["a"]})
    (problem,) = found.errors
    assert problem.path == "$.properties.job.properties.nodeCount"
    assert problem.message == "nodeCount must be 1 or more. (run 2: n=0, x=a)"
    assert (problem.line, problem.column) == (15, 18)


def test_a_fault_of_every_run_is_reported_once_and_names_none() -> None:
    (fault,) = faults({"nodeCount": 0})
    assert fault == "$.properties.job.properties.nodeCount: nodeCount must be 1 or more."


def test_a_secret_holds_no_placeholder() -> None:
    (fault,) = faults({"secrets": [{"name": "T", "value": "${{ x }}"}]})
    assert fault.startswith(
        "$.properties.job.properties.secrets[0].value: A secret cannot hold a placeholder"
    )


def test_the_sweeps_name_must_leave_space_for_the_index() -> None:
    assert faults(name="s" * 62) == []
    (fault,) = faults(name="s" * 63)
    assert "The runs are named after the sweep, but the job name" in fault
    assert run_name("s", 5) == "s-5"


def test_a_document_too_large_to_be_kept_is_refused() -> None:
    job = {"environmentVariables": [{"name": f"V{n}", "value": "x" * 120_000} for n in range(4)]}
    assert [fault for fault in faults(job) if "too large to be kept" in fault]


def test_runs_get_values_and_variables() -> None:
    found = parsed(
        {
            "nodeCount": "${{n}}",
            "customToolkitSettings": {"commandLine": "train -x ${{ x }} -n ${{ n }} --run ${{index}}"},
            "environmentVariables": [{"name": "X", "value": "${{ x }}"}, {"name": "Y", "value": "a"}],
        },
        parameters={"x": [0.5, True], "n": [2]},
    )
    assert found.plan is not None
    job = run_properties(found.plan, 1)
    assert job["nodeCount"] == 2
    assert job["customToolkitSettings"]["commandLine"] == "train -x true -n 2 --run 1"
    assert job["environmentVariables"] == [
        {"name": "X", "value": "true"},
        {"name": "Y", "value": "a"},
        {"name": "AZ_BATCHAI_ARRAY_INDEX", "value": "1"},
        {"name": "AZ_BATCHAI_PARAM_X", "value": "true"},
        {"name": "AZ_BATCHAI_PARAM_N", "value": "2"},
    ]
    assert json.loads(run_document(found.plan, 1)) == {"properties": job}
    assert not [p for p in found.problems if "read as text" in p.message or "AZ_BATCH" in p.message]


def test_variables_that_are_no_list_are_the_readers_to_refuse() -> None:
    assert [f for f in faults({"environmentVariables": 5}) if "environmentVariables" in f]


def test_a_metric_is_read() -> None:
    for given, expected in (
        ({"key": "acc", "goal": "maximize"}, Metric(True, "acc")),
        ({"pattern": "acc (.*)", "goal": "minimize"}, Metric(False, "", "acc (.*)", "stdout")),
        ({"pattern": "a", "log": "stderr", "goal": "minimize"}, Metric(False, "", "a", "stderr")),
    ):
        found = parsed(metric=given)
        assert found.plan is not None
        assert found.plan.metric == expected
    assert Metric(True, "acc").name == "acc"
    assert Metric(True, "", "x").name == "metric"


def test_many_runs_are_read_in_bounded_time() -> None:
    found = parsed({"nodeCount": "${{ n }}"}, parameters={"n": [1] * 150 + [0]}, name="s")
    assert len(found.errors) == 1
    late = parsed(None, parameters=None, rows=[{"n": n} for n in range(10_000)])
    assert late.plan is not None and late.plan.count == 10_000


def test_documents_lie_where_the_schema_is(tmp_path: Path) -> None:
    assert (
        json.loads((PROJECT / "examples/sweep/sweep.json").read_text())["$schema"]
        == "../../schemas/sweep.json"
    )


def test_members_that_no_job_has_are_passed_over() -> None:
    found = parsed({"colour": "${{ x }}", "secrets": [5]})
    assert "$.properties.job.properties.colour" in [p.path for p in found.problems]
