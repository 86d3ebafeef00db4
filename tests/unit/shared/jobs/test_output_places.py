"""From output directory ids to shares and containers, by the rules of the node."""

import unicodedata
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.documents.models.job import OutputDirectory
from shared.documents.spec import JobSpec, MountVolumes
from shared.environment.layout import path_segment
from shared.errors import RequestError
from shared.jobs.output_places import OutputPlace, output_place, own_folders
from shared.names.ids import ClusterId
from shared.settings import AccountEndpoints, Settings
from tests.support.examples import examples
from tests.support.jobs import JOB, SCOPE, UUID, a_job

SEGMENT = path_segment(SCOPE, JOB, UUID)
SHARE = {"azureFileUrl": "https://acct.file.core.windows.net/share", "relativeMountPath": "afs"}
CONTAINER = {"accountName": "acct", "containerName": "results", "relativeMountPath": "bfs"}
KEYED = {"credentials": {"accountKey": "a2V5"}}


def spec(**properties: Any) -> JobSpec:
    least = {
        "nodeCount": 1,
        "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/afs",
        "customToolkitSettings": {"commandLine": "true"},
        "mountVolumes": {"azureFileShares": [SHARE], "azureBlobFileSystems": [CONTAINER]},
    }
    return JobSpec.model_validate(least | properties)


def place(document: JobSpec, identifier: str = "stdouterr", directory: str = ".", **more: Any) -> OutputPlace:
    cluster = MountVolumes.model_validate(more.pop("cluster", {}))
    job = a_job(cluster=ClusterId("workspace", "cluster"))
    return output_place(job, document, cluster, Settings(scope=SCOPE, **more), identifier, directory)


def test_stdouterr_on_a_share() -> None:
    found = place(spec())
    assert found == OutputPlace("share", "acct", "share", f"{SEGMENT}/stdouterr")


def test_an_output_directory_in_a_container_below_a_deeper_prefix() -> None:
    outputs = [{"id": "OUT", "pathPrefix": "${AZ_BATCHAI_JOB_MOUNT_ROOT}/bfs/deep/", "pathSuffix": "a/b"}]
    found = place(spec(outputDirectories=outputs), "OUT", "c")
    assert (found.kind, found.name) == ("container", "results")
    assert found.folder == f"deep/{SEGMENT}/outputs/a/b/c"


def test_volumes_of_the_cluster_lie_under_the_other_root() -> None:
    document = spec(stdOutErrPathPrefix="$AZ_BATCHAI_MOUNT_ROOT/shared", mountVolumes={})
    cluster = {"azureFileShares": [SHARE | KEYED | {"relativeMountPath": "shared"}]}
    found = place(document, cluster=cluster)
    assert (found.kind, found.key) == ("share", "a2V5")


def test_the_deepest_mount_point_wins() -> None:
    inner = CONTAINER | {"relativeMountPath": "afs/inner"}
    volumes = {"azureFileShares": [SHARE], "azureBlobFileSystems": [inner]}
    document = spec(mountVolumes=volumes, stdOutErrPathPrefix="$AZ_BATCHAI_JOB_MOUNT_ROOT/afs/inner/x")
    assert place(document).folder == f"x/{SEGMENT}/stdouterr"


def test_keys_and_endpoints_of_the_installation_fill_in() -> None:
    endpoints = {"acct": AccountEndpoints(file="http://127.0.0.1:1/acct")}
    found = place(spec(), data_account="acct", data_key="b3du", endpoints=endpoints)
    assert (found.key, found.endpoint) == ("b3du", "http://127.0.0.1:1/acct")
    assert "b3du" not in repr(found)
    other = place(spec(), data_account="else", data_key="b3du")
    assert other.key == ""


@pytest.mark.parametrize(
    "prefix",
    [
        "$AZ_BATCHAI_JOB_TEMP_DIR",
        "$AZ_BATCHAI_JOB_MOUNT_ROOT",
        "$AZ_BATCHAI_MOUNT_ROOT/afs",
        "/tmp",
        "$NOTHING",
    ],
)
def test_what_lies_on_no_volume_is_the_originals_error(prefix: str) -> None:
    with pytest.raises(
        RequestError, match="The specified outputDirectoryId stdouterr is not present on a mount"
    ):
        place(spec(stdOutErrPathPrefix=prefix))


def test_what_cannot_be_listed_is_the_same_error() -> None:
    unmanaged = {"mountCommand": "mount -t glusterfs 10.0.0.4:/gv0", "relativeMountPath": "afs"}
    with pytest.raises(RequestError, match="is not present on a mount root"):
        place(spec(mountVolumes={"unmanagedFileSystems": [unmanaged]}))


@pytest.mark.parametrize("directory", ["..", "a/..", "/a", "../../etc", "a\\b", "a/\u2215", "x" * 5000])
def test_no_directory_leads_out(directory: str) -> None:
    with pytest.raises(RequestError) as error:
        place(spec(), directory=directory)
    assert error.value.code == "InvalidDirectory"


NASTY = st.lists(
    st.sampled_from(
        ["..", ".", "", "a", "%2e%2e", "%2f", "..%2f", "\\", "\uff0e\uff0e", "\u2025", "\0", "~", " "]
    )
    | st.text(max_size=4),
    max_size=8,
).map("/".join)


@settings(max_examples=examples(300))
@given(directory=NASTY)
@example("a/../..")
@example("..%2f..")
def test_whatever_is_asked_for_lies_below_the_output_directory(directory: str) -> None:
    try:
        found = place(spec(), directory=directory)
    except RequestError as error:
        assert error.code == "InvalidDirectory"
        return
    folder = f"{SEGMENT}/stdouterr"
    assert found.folder == folder or found.folder.startswith(f"{folder}/")
    parts = found.folder.split("/")
    assert not {"", ".", ".."} & set(parts)
    assert not any("/" in unicodedata.normalize("NFKC", part) or "\\" in part for part in parts)


@pytest.mark.parametrize("path", ["..", "a/..", "../..", "b/../.."])
def test_no_variable_brings_in_a_way_out(path: str) -> None:
    inputs = [{"id": "UP", "path": path}]
    way = "/".join(["$AZ_BATCHAI_INPUT_UP"] * 20)
    outputs = [
        {"id": "A", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/afs", "pathSuffix": f"{way}/other"},
        {"id": "B", "pathPrefix": f"$AZ_BATCHAI_JOB_MOUNT_ROOT/afs/{way}/other"},
    ]
    for output in outputs:
        document = spec(inputDirectories=inputs, outputDirectories=[output])
        with pytest.raises(RequestError):
            place(document, str(output["id"]))


def test_a_foreign_host_is_not_shown_the_apps_identity() -> None:
    share = {"azureFileUrl": "https://acct.evil.example/share", "relativeMountPath": "afs"}
    with pytest.raises(RequestError):
        place(spec(mountVolumes={"azureFileShares": [share]}))
    found = place(spec(mountVolumes={"azureFileShares": [share | KEYED]}))
    assert (found.endpoint, found.key) == ("https://acct.evil.example", "a2V5")


@pytest.mark.parametrize("directory", [".", "", "./", "a", "./a/", "a//b/."])
def test_plain_directories(directory: str) -> None:
    assert place(spec(), directory=directory).folder.startswith(f"{SEGMENT}/stdouterr")


@pytest.mark.parametrize("prefix", ["$AZ_BATCHAI_JOB_MOUNT_ROOT/nfs", "$AZ_BATCHAI_JOB_MOUNT_ROOT/own"])
def test_what_lies_on_an_nfs_server_or_an_unmanaged_volume_cannot_be_listed(prefix: str) -> None:
    volumes = {
        "fileServers": [{"fileServer": {"id": "10.0.0.4"}, "relativeMountPath": "nfs"}],
        "unmanagedFileSystems": [{"mountCommand": "mount x", "relativeMountPath": "own"}],
    }
    with pytest.raises(RequestError) as refused:
        place(spec(stdOutErrPathPrefix=prefix, mountVolumes=volumes))
    assert refused.value.code == "OutputDirectoryNotOnMountRoot"


def test_a_share_whose_address_cannot_be_read_is_nowhere() -> None:
    """Documents were accepted by older versions too."""
    volumes = {"azureFileShares": [SHARE | {"azureFileUrl": "nonsense"}]}
    with pytest.raises(RequestError, match="is not present on a mount root"):
        place(spec(mountVolumes=volumes))


def test_a_path_that_does_not_expand_is_nowhere() -> None:
    output = {"id": "OUT", "pathPrefix": "$AZ_BATCHAI_INPUT_in/x"}
    document = spec(outputDirectories=[output])
    document = document.model_copy(update={"std_out_err_path_prefix": "$AZ_BATCHAI_NUM_GPUS/x"})
    with pytest.raises(RequestError, match="is not present on a mount root"):
        place(document)


def test_an_output_directory_that_the_document_does_not_have_is_not_found() -> None:
    with pytest.raises(RequestError) as refused:
        place(spec(), "NOPE")
    assert refused.value.code == "OutputDirectoryNotFound"


def own(document: JobSpec, cluster: dict[str, Any] | None = None, attempt: int = 1) -> list[OutputPlace]:
    job = a_job(cluster=ClusterId("workspace", "cluster"), attempt=attempt)
    volumes = MountVolumes.model_validate(cluster or {})
    return list(own_folders(job, document, volumes, Settings(scope=SCOPE)))


def test_a_run_has_a_folder_of_its_own_below_each_prefix() -> None:
    outputs = [
        {"id": "BESIDE", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/afs", "pathSuffix": "a/b"},
        {"id": "DEEP", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/bfs/deep"},
        {"id": "WITHIN", "pathPrefix": "$AZ_BATCHAI_STDOUTERR_DIR/x"},
        {"id": "LOCAL", "pathPrefix": "$AZ_BATCHAI_JOB_TEMP/x"},
    ]
    found = own(spec(outputDirectories=outputs))
    assert [(place.kind, place.folder) for place in found] == [
        ("share", SEGMENT),
        ("container", f"deep/{SEGMENT}"),
    ]


def test_a_prefix_that_names_the_attempt_has_a_folder_for_each() -> None:
    document = spec(stdOutErrPathPrefix="$AZ_BATCHAI_JOB_MOUNT_ROOT/afs/$AZ_BATCHAI_ATTEMPT")
    assert [place.folder for place in own(document, attempt=3)] == [f"{n}/{SEGMENT}" for n in (1, 2, 3)]


def test_a_volume_mounted_inside_the_segment_holds_its_end() -> None:
    head, tail = SEGMENT.split("/experiments/")
    inner = CONTAINER | {"relativeMountPath": f"afs/{head}"}
    volumes = {"azureFileShares": [SHARE], "azureBlobFileSystems": [inner]}
    assert [place.folder for place in own(spec(mountVolumes=volumes))] == [f"experiments/{tail}"]


def test_a_folder_that_does_not_end_as_a_runs_own_is_nobodys() -> None:
    """All but the uuid lies above the volume."""
    inner = CONTAINER | {"relativeMountPath": f"afs/{SEGMENT.rpartition('/')[0]}"}
    volumes = {"azureFileShares": [SHARE], "azureBlobFileSystems": [inner]}
    assert own(spec(mountVolumes=volumes)) == []


HOSTILE = NASTY | st.sampled_from(
    ["$AZ_BATCHAI_STDOUTERR_DIR", "$AZ_BATCHAI_JOB_NAME", SEGMENT, f"jobs/{JOB.job}/{UUID}", f"{SEGMENT}/.."]
)


@settings(max_examples=examples(300))
@given(prefix=HOSTILE, suffix=HOSTILE, below=HOSTILE, mounted=HOSTILE)
@example("..", "../..", "..", "a")
@example("", "", "", "afs/" + SEGMENT)
@example("a/./b", "", "", "afs/a")
def test_whatever_a_document_says_a_run_owns_nothing_but_folders_of_its_uuid(
    prefix: str, suffix: str, below: str, mounted: str
) -> None:
    document = spec().model_copy(
        update={
            "std_out_err_path_prefix": f"$AZ_BATCHAI_JOB_MOUNT_ROOT/afs/{prefix}",
            "output_directories": tuple(
                OutputDirectory.model_construct(id=f"ID{n}", path_prefix=path, path_suffix=suffix)
                for n, path in enumerate(
                    (f"$AZ_BATCHAI_JOB_MOUNT_ROOT/bfs/{below}", f"$AZ_BATCHAI_JOB_MOUNT_ROOT/{mounted}")
                )
            ),
        }
    )
    volumes = document.mount_volumes
    moved = volumes.azure_blob_file_systems[0].model_copy(update={"relative_mount_path": mounted or "bfs"})
    volumes = volumes.model_copy(update={"azure_blob_file_systems": (moved,)})
    for place in own(document.model_copy(update={"mount_volumes": volumes})):
        parts = place.folder.split("/")
        assert parts[-3:] == ["jobs", JOB.job, UUID]
        assert not any(part.strip(".") == "" for part in parts)
