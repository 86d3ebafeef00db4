"""The entry points: everything at once, at the right place, never an exception, never a secret."""

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.documents.envelope import document_kind
from shared.documents.parse import MOST_PROBLEMS, DocumentSettings, parse_cluster, parse_job
from shared.documents.spec import JobSpec
from shared.documents.validation import describe
from shared.errors import Severity
from tests.support.cases import cases
from tests.support.documents import ABSENT, CLUSTER, JOB, OWN, changed, cluster, job, problems_of
from tests.support.examples import examples
from tests.support.steps import steps

NINE_FAULTS = """{
  "properties": {
    "nodeCuont": 2,
    "stdOutErrPathPrefix": "logs",
    "outputDirectories": [{"id": "A", "pathPrefix": "$B/x"}, {"id": "A", "pathPrefix": "/x/../y"}],
    "mountVolumes": {"azureFileShares": [{"azureFileUrl": "nowhere", "relativeMountPath": "../up"}]},
    "environmentVariables": [{"name": "A=B", "value": "1"}, {"name": "C"}],
    "constraints": {"maxWallClockTime": "soon"}
  }
}"""


def test_good_documents_draw_nothing() -> None:
    assert job().problems == ()
    assert cluster().problems == ()
    assert job().spec is not None


def test_all_faults_of_a_document_are_reported_at_once_and_in_order() -> None:
    parsed = parse_job(NINE_FAULTS, OWN)

    places = [(p.line, p.path, p.message.split()[0]) for p in parsed.errors]
    assert places == [
        (2, "$.properties", "No"),
        (2, "$.properties", "nodeCount"),
        (4, "$.properties.stdOutErrPathPrefix", "stdOutErrPathPrefix"),
        (5, "$.properties.outputDirectories[1].id", "'A'"),
        (5, "$.properties.outputDirectories[1].pathPrefix", "pathPrefix"),
        (6, "$.properties.mountVolumes.azureFileShares[0].azureFileUrl", "Ill-formed"),
        (6, "$.properties.mountVolumes.azureFileShares[0].relativeMountPath", "relativeMountPath"),
        (7, "$.properties.environmentVariables[0].name", "'A=B'"),
        (7, "$.properties.environmentVariables[1]", "value"),
        (8, "$.properties.constraints.maxWallClockTime", "maxWallClockTime"),
    ]
    assert parsed.spec is None
    assert next(p for p in parsed.warnings if "nodeCuont" in p.message).hint == "Did you mean nodeCount?"
    assert list(parsed.problems) == sorted(parsed.problems)


def test_a_missing_member_points_at_the_object_that_should_hold_it() -> None:
    parsed = parse_job('{"properties":\n  {"stdOutErrPathPrefix": "/x",\n "customMpiSettings": {}}}')

    found = {p.message: (p.line, p.column) for p in parsed.errors}
    assert found == {"nodeCount is missing.": (2, 3), "commandLine is missing.": (3, 23)}


@cases(
    ("text", "words"),
    [
        ("[]", "must be an object"),
        ("1", "must be an object"),
        ("{}", "properties is missing"),
        ('{"nodeCount": 1}', "nodeCount must stand inside it"),
        ('{"properties": []}', "properties must be an object"),
        ('{"properties": null}', "properties is missing"),
        ('{"properties": {"vmSize": "x", "scaleSettings": {}}}', "describes a cluster, not a job"),
        ('{"properties": {"dataDisks": {}}}', "describes a file server"),
    ],
)
def test_what_is_no_job_document_is_reported_in_one_problem(text: str, words: str) -> None:
    parsed = parse_job(text)

    assert len(parsed.problems) == 1
    assert words in parsed.problems[0].message


def test_a_job_dropped_as_a_cluster_is_reported() -> None:
    parsed = parse_cluster(json.dumps({"properties": JOB}))

    assert problems_of(parsed) == [
        ": This describes a job, not a cluster. Drop it as job.json in the container jobs."
    ]


def test_members_beside_properties() -> None:
    parsed = parse_job(
        json.dumps({"$schema": "x", "location": "x", "nodeCount": 1, "odd": 1, "properties": JOB})
    )

    assert [(p.severity, p.path) for p in parsed.problems] == [
        (Severity.NOTE, "$.location"),
        (Severity.WARNING, "$.nodeCount"),
        (Severity.WARNING, "$.odd"),
    ]
    assert parsed.spec is not None


def test_a_value_that_cannot_be_read_is_not_also_missing() -> None:
    text = json.dumps({"properties": JOB}).replace('"nodeCount": 1', '"nodeCount": NaN')

    assert [p.message for p in parse_job(text).problems] == ["NaN is not JSON."]


def test_what_the_original_coerced_is_coerced() -> None:
    parsed = job(
        nodeCount="2",
        schedulingPriority="HIGH",
        environmentVariables=[
            {"name": "A", "value": 5},
            {"name": "B", "value": True},
            {"name": "C", "value": 1.5},
        ],
        jobPreparation=None,
    )

    assert parsed.spec is not None
    assert parsed.spec.node_count == 2
    assert parsed.spec.scheduling_priority == "high"
    assert [v.value for v in parsed.spec.environment_variables] == ["5", "True", "1.5"]
    assert problems_of(parsed, Severity.WARNING) == [
        'environmentVariables[1].value: true was read as the text "True", as the original did. '
        "Write it in double quotes the way the job expects it."
    ]


def test_a_fraction_is_cut_with_a_warning() -> None:
    parsed = job(nodeCount=1.5)

    assert parsed.spec is not None
    assert parsed.spec.node_count == 1
    assert "1.5 was cut to 1" in problems_of(parsed)[0]


@cases("count", [0, -1, 101, True, [], {}, "two", "", 2**70, "9" * 30, 1e300])
def test_node_counts_that_cannot_run(count: Any) -> None:
    parsed = job(nodeCount=count)

    assert parsed.spec is None
    assert [p.path for p in parsed.errors] == ["$.properties.nodeCount"]


def test_unknown_members_are_dropped_with_a_warning_and_remarks_silently() -> None:
    members: dict[str, Any] = {"$comment": "y", "jobPreparations": {}, "zzz": 1}
    parsed = job(comment="x", **members)

    assert problems_of(parsed) == [
        "jobPreparations: 'jobPreparations' is not known and was dropped, as the original did. "
        "Did you mean jobPreparation?",
        "zzz: 'zzz' is not known and was dropped, as the original did. Batch AI has no such property here.",
    ]


def test_a_key_with_control_characters_is_shown_harmlessly() -> None:
    members: dict[str, Any] = {"a\n\u202e\x1b[31m" + "x" * 500: 1}
    problem = job(**members).problems[0]

    assert "\u202e" not in problem.path
    assert problem.path.isprintable()
    assert len(problem.path) < 200


def test_a_document_too_large_is_refused() -> None:
    parsed = parse_job(b"x" * 2_000, DocumentSettings(max_bytes=1_000))

    assert problems_of(parsed) == [
        "$: The file has 2,000 bytes; at most 1,000 are read. Keep data on a volume, not in the document."
    ]


def test_the_settings_do_not_show_their_key() -> None:
    assert "b3duLWtleQ" not in repr(OWN) + repr(OWN.own_storage)


def _calls(text: str) -> tuple[int, int]:
    """How many problems a document has, and how many calls of functions it takes to report them."""
    return len(parse_job(text).problems), steps(lambda: parse_job(text))


def _faulty(variables: int) -> str:
    return json.dumps(
        {
            "properties": changed(
                JOB,
                environmentVariables=[{"name": f"={i}", "value": []} for i in range(variables)],
                mountVolumes={
                    "azureFileShares": [
                        {"azureFileUrl": "x", "relativeMountPath": f"../{i}", "acountName": "x"}
                        for i in range(variables // 4)
                    ]
                },
            )
        }
    )


def test_many_problems_cost_no_more_each_than_few() -> None:
    few, calls_of_few = _calls(_faulty(60))
    many, calls_of_many = _calls(_faulty(480))

    assert many > 4 * few > 200
    assert calls_of_many / many < 2 * calls_of_few / few


def test_more_problems_than_anybody_reads_are_counted() -> None:
    parsed = job(environmentVariables=[{"value": []}] * (MOST_PROBLEMS + 500), zzz=1)

    assert len(parsed.problems) == MOST_PROBLEMS + 1
    assert "more problems" in parsed.problems[-1].message
    assert parsed.spec is None


# Properties over damaged documents

SECRET = "S3CR3T-S3CR3T"
FULL = {
    "properties": changed(
        JOB,
        mountVolumes={
            "azureFileShares": [
                {
                    "azureFileUrl": f"https://acct.file.core.windows.net/s?sig={SECRET}",
                    "credentials": {"accountKey": SECRET},
                    "relativeMountPath": "a",
                }
            ],
            "azureBlobFileSystems": [
                {"accountName": "acct", "containerName": "c", "credentials": {"accountKey": SECRET}}
            ],
        },
        secrets=[{"name": "A", "value": SECRET}, {"value": SECRET}],
        containerSettings={
            "imageSourceRegistry": {"image": "x", "credentials": {"username": "u", "password": SECRET}}
        },
        credentialsInfo={"accountKey": SECRET},
    )
}
CLUSTER_FULL = {
    "properties": changed(
        CLUSTER,
        userAccountSettings={"adminUserName": "u", "adminUserPassword": SECRET},
        nodeSetup={"setupTask": {"commandLine": "x", "secrets": [{"name": "A", "value": SECRET}]}},
    )
}
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        2**70,
        "",
        " ",
        "..",
        "/",
        "a\0b",
        "\u202e",
        "x" * 4_001,
        "$A",
        [],
        {},
        [[]],
        {"a": {}},
    ]
) | st.text(max_size=20)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in `value`."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for step, inner in steps for place in places(inner, (*path, step)))]


@st.composite
def damaged(draw: st.DrawFn, document: dict[str, Any]) -> Any:
    """`document` with a few values replaced, taken out or doubled under another name."""
    out = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from([p for p in places(out) if p] or [()]))
        if not path:
            return draw(ODD)
        holder = out
        for step in path[:-1]:
            holder = holder[step]
        match draw(st.integers(0, 2)):
            case 0:
                # A copy: what is drawn is shared, and a later step may change it.
                holder[path[-1]] = copy.deepcopy(draw(ODD))
            case 1:
                del holder[path[-1]]
            case _ if isinstance(holder, dict):
                holder[draw(st.text(max_size=12))] = holder.pop(path[-1])
    return out


@settings(max_examples=examples(300))
@given(damaged(FULL))
def test_a_damaged_job_is_answered_without_its_secrets(document: Any) -> None:
    parsed = parse_job(json.dumps(document), OWN)

    assert (parsed.spec is None) == bool(parsed.errors)
    assert SECRET not in json.dumps([p.as_json() for p in parsed.problems])
    assert all(p.line >= 1 and p.column >= 1 for p in parsed.problems)


@settings(max_examples=examples(150))
@given(damaged(CLUSTER_FULL))
def test_a_damaged_cluster_is_answered_without_its_secrets(document: Any) -> None:
    parsed = parse_cluster(json.dumps(document), OWN)

    assert (parsed.spec is None) == bool(parsed.errors)
    assert SECRET not in json.dumps([p.as_json() for p in parsed.problems])


@given(st.integers(0, 2_000), st.sampled_from([*'{}[]",:\\\n/\x00\t01e.-', "NaN", "\ud800", "//"]))
def test_a_damaged_text_is_answered_without_its_secrets(at: int, junk: str) -> None:
    text = json.dumps(FULL, indent=1)
    for damaged_text in (text[:at] + junk + text[at:], text[:at], text[:at] + junk + text[at + 1 :]):
        parsed = parse_job(damaged_text, OWN)
        assert SECRET not in json.dumps([p.as_json() for p in parsed.problems])


@given(st.binary() | st.text())
def test_anything_at_all_is_answered(data: bytes | str) -> None:
    assert parse_job(data).spec is None
    assert parse_job(data).errors
    parse_cluster(data)


def test_absent_members_of_a_cluster_are_notes_only() -> None:
    parsed = cluster(vmSize=ABSENT, userAccountSettings=ABSENT, scaleSettings=ABSENT)

    assert {p.severity for p in parsed.problems} == {Severity.NOTE}
    assert parsed.spec is not None


def test_very_many_unknown_members_are_counted_after_a_thousand() -> None:
    members: dict[str, Any] = {f"odd{number}": 1 for number in range(1_003)}
    messages = problems_of(job(**members))
    assert len(messages) == 1_001
    assert "3 more members here are not known and were dropped." in "".join(messages)


@cases(
    ("root", "kind"),
    [
        ([], None),
        ({"properties": 5}, None),
        ({"properties": {}}, None),
        ({"properties": {}, "$schema": "https://x/schemas/cluster.json"}, "cluster"),
        ({"properties": {}, "$schema": "https://x/schemas/job.json"}, None),
        ({"properties": {"vmSize": "D1"}}, "cluster"),
        ({"subnet": {}}, "cluster"),
        ({"properties": {"dataDisks": {}, "vmSize": "D1"}}, "file server"),
        ({"properties": JOB}, "job"),
    ],
)
def test_the_kind_of_a_document_is_seen_in_its_members(root: Any, kind: str | None) -> None:
    assert document_kind(root) == kind


def test_a_member_that_no_model_has_is_not_described() -> None:
    assert describe(JobSpec, ("mountVolumes", "azureFileShares", 0, "nothing")) == ""
    assert describe(JobSpec, ("nodeCount",)) != ""
