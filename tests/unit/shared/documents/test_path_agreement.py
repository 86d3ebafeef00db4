"""Every path of a document: what the linter accepts the node makes and the function app lists, and what it
refuses they refuse too."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from runner.mounts.from_document import place_of, volumes_of
from shared.documents.parse import parse_job
from shared.documents.spec import JobSpec
from shared.environment.layout import STDOUTERR_FOLDER, NodeLayout
from shared.environment.variables import Node, Placement, job_paths
from shared.errors import LaunchError, NotFoundError, RequestError
from shared.jobs.output_places import output_place
from shared.names.ids import ClusterId
from shared.settings import Settings
from shared.stores.workspace_table import Row
from tests.support.examples import examples
from tests.support.jobs import SCOPE, a_job

INSTALLATION = Settings(scope=SCOPE)
JOB = a_job()
LAYOUT = NodeLayout("/mnt/root", JOB.id)
VARIABLES = [
    "$AZ_BATCHAI_JOB_MOUNT_ROOT",
    "${AZ_BATCHAI_MOUNT_ROOT}",
    "$AZ_BATCHAI_INPUT_in",
    "$AZ_BATCHAI_OUTPUT_one",
    "$AZ_BATCHAI_STDOUTERR_DIR",
    "$AZ_BATCHAI_NUM_GPUS",
    "$NOTHING",
    "$NOTHING..",
    "\\$X",
]
SHARE = "$AZ_BATCHAI_JOB_MOUNT_ROOT/afs"
PARTS = st.sampled_from([*VARIABLES, "afs", "bfs", "x", "..", ".", "", "$", "-data"])
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)


def no_server(workspace: str, name: str) -> Row:
    raise NotFoundError("none")


def properties(logs: str, given: str, prefix: str, suffix: str) -> dict[str, Any]:
    key = {"accountKey": "a2V5"}
    return {
        "nodeCount": 1,
        "stdOutErrPathPrefix": logs,
        "customToolkitSettings": {"commandLine": "true"},
        "inputDirectories": [{"id": "in", "path": given}],
        "outputDirectories": [
            {"id": "one", "pathPrefix": prefix, "pathSuffix": suffix},
            {"id": "two", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/bfs"},
        ],
        "mountVolumes": {
            "azureFileShares": [
                {
                    "azureFileUrl": "https://acct.file.core.windows.net/logs",
                    "credentials": key,
                    "relativeMountPath": "afs",
                }
            ],
            "azureBlobFileSystems": [
                {
                    "accountName": "acct",
                    "containerName": "data",
                    "credentials": key,
                    "relativeMountPath": "bfs",
                }
            ],
        },
    }


def on_node(spec: JobSpec) -> dict[str, str] | None:
    """Output id -> folder on a node; None where the node refuses a path."""
    placement = Placement(
        SCOPE, JOB.id, ClusterId("w", "c"), JOB.uuid, 1, LAYOUT, (Node("n", "10.0.0.1", 0),)
    )
    try:
        paths = job_paths(spec, placement)
    except LaunchError:
        return None
    return {STDOUTERR_FOLDER: paths.logs, **paths.outputs}


def listed(spec: JobSpec, identifier: str) -> tuple[str, ...] | None:
    try:
        found = output_place(JOB, spec, spec.mount_volumes, INSTALLATION, identifier, ".")
    except RequestError:
        return None
    return found.kind, found.account, found.name, found.folder, found.endpoint, found.key


def mounted(spec: JobSpec, folder: str) -> tuple[str, ...] | None:
    volumes = volumes_of(spec.mount_volumes, INSTALLATION, no_server)
    place = place_of(folder, {LAYOUT.job_mount_root: volumes, LAYOUT.mount_root: volumes})
    if place is None:
        return None
    volume = place.volume
    kind = "share" if volume.share else "container"
    name = volume.share or volume.container
    return kind, volume.account, name, place.inner, volume.endpoint, volume.key


@settings(max_examples=examples(40))
@given(logs=PATHS, given=PATHS, prefix=PATHS, suffix=PATHS)
@example(logs="$AZ_BATCHAI_NUM_GPUS/x", given="/d", prefix="/o", suffix="s")
@example(logs="/l", given="d", prefix="$AZ_BATCHAI_INPUT_in/x", suffix="s")
@example(logs="/l", given="/a/../b", prefix="$AZ_BATCHAI_INPUT_in", suffix="s")
@example(logs="/l", given="/d", prefix="/o", suffix="$NOTHING..")
@example(logs="/l", given="$AZ_BATCHAI_MOUNT_ROOT/x/$NOTHING../../../y", prefix="/o", suffix="s")
@example(logs="/l", given="$AZ_BATCHAI_JOB_MOUNT_ROOT/afs/../bfs", prefix="/o", suffix="s")
@example(logs=f"{SHARE}/$AZ_BATCHAI_MOUNT_ROOT", given="/d", prefix="/o", suffix="s")
@example(logs="/l", given="/d", prefix=SHARE, suffix="$AZ_BATCHAI_JOB_MOUNT_ROOT")
@example(logs="/l", given=f"{SHARE}/$AZ_BATCHAI_JOB_MOUNT_ROOT", prefix="$AZ_BATCHAI_INPUT_in", suffix="s")
@example(logs="$AZ_BATCHAI_JOB_MOUNT_ROOT/afs", given="$X", prefix="$AZ_BATCHAI_STDOUTERR_DIR", suffix="s")
def test_linter_node_and_listing_agree(logs: str, given: str, prefix: str, suffix: str) -> None:
    document = properties(logs, given, prefix, suffix)
    parsed = parse_job(json.dumps({"properties": document}))
    folders = on_node(JobSpec.model_validate(document)) if prefix and logs and given else None
    if parsed.spec is None:
        return  # what is refused as it is written is never seen by a node
    assert folders is not None, "the linter let pass what the node refuses"
    for identifier, folder in folders.items():
        assert listed(parsed.spec, identifier) == mounted(parsed.spec, folder)


@settings(max_examples=examples(25))
@given(first=st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join), second=PATHS)
def test_what_expands_badly_is_said_of_its_own_path(first: str, second: str) -> None:
    document = properties("/l", "/d", f"$AZ_BATCHAI_JOB_MOUNT_ROOT/{first}", "s")
    document["stdOutErrPathPrefix"] = second
    errors = parse_job(json.dumps({"properties": document})).errors
    # Only `second` can be wrong; where the node alone refuses it, the linter names that very member.
    assert all(error.path == "$.properties.stdOutErrPathPrefix" for error in errors)
    if on_node(JobSpec.model_validate(document | {"stdOutErrPathPrefix": second or "x"})) is None:
        assert errors
