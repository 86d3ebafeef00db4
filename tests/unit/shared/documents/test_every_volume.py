"""Every kind of volume, of jobs and of clusters: linter, node and file listing agree about account, endpoint
and credential, and about what nobody may mount. Disagreements that are planted are found."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from runner.mounts import from_document
from runner.mounts.types import Volume
from shared.documents import parse
from shared.documents.parse import DocumentSettings, Parsed, parse_cluster, parse_job
from shared.documents.rules import volumes as volume_rules
from shared.documents.spec import MountVolumes
from shared.environment.volume_addresses import StoragePlace
from shared.errors import MountError, NotFoundError, RequestError, Severity
from shared.jobs import output_places
from shared.names.file_urls import FileShareUrl, file_share
from shared.settings import Settings
from shared.stores.workspace_table import Kind, Row
from tests.support.documents import ABSENT, CLUSTER, JOB, changed
from tests.support.examples import examples
from tests.support.jobs import CREATED, SCOPE, a_job
from tests.unit.shared.documents.test_volume_agreement import ACCOUNTS, CREDENTIALS, INSTALLATION, OWN, URLS

HERE = dataclasses.replace(INSTALLATION, storage_account=OWN, reserved_names=("content-1",))
SERVERS = f"{SCOPE.workspace('w')}/fileServers"
#: A volume of a document: the member of mountVolumes it stands in, and itself.
Given = tuple[str, dict[str, Any]]
#: What a volume comes to: kind, account, name, endpoint, key.
Address = tuple[str, str, str, str, str]


def without_none(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, "")}


def share(url: str, account: str = "", credentials: Any = None) -> Given:
    return "azureFileShares", without_none(azureFileUrl=url, accountName=account, credentials=credentials)


def container(account: str, name: str, credentials: Any = None) -> Given:
    return "azureBlobFileSystems", without_none(
        accountName=account, containerName=name, credentials=credentials
    )


def server(host: str, directory: str | None = None) -> Given:
    return "fileServers", without_none(fileServer={"id": host}, sourceDirectory=directory)


def unmanaged(command: str) -> Given:
    return "unmanagedFileSystems", {"mountCommand": command}


NAMES = st.sampled_from(["logs", "data", "jobs", "accepted", "content-1", "$logs", "azure-webjobs-secrets"])
HOSTS = st.sampled_from(
    [
        "10.0.0.4",
        "nfs.example",
        f"{OWN}.blob.core.windows.net",
        f"{OWN}.file.core.windows.net",
        *(f"{SERVERS}/{name}" for name in ("known", "inner", "unplaced", "missing")),
    ]
)
DIRECTORIES = st.sampled_from([None, "data", "/data/", f"{OWN}/accepted", f"/{OWN}/jobs/deep", f"{OWN}/data"])
VOLUMES = st.one_of(
    st.builds(share, URLS, ACCOUNTS, CREDENTIALS),
    st.builds(
        lambda account, name, key: share(f"https://{account}.file.core.windows.net/{name}", "", key),
        st.sampled_from([OWN, "acct"]),
        NAMES,
        CREDENTIALS,
    ),
    st.builds(container, ACCOUNTS, NAMES, CREDENTIALS),
    st.builds(server, HOSTS, DIRECTORIES),
    st.builds(unmanaged, st.sampled_from(["mount -t tmpfs x", "sshfs a:/b"])),
)


def find_server(workspace: str, name: str) -> Row:
    """The rows of file servers: one on a machine, one that is the installation's account, one nowhere."""
    places = {"known": "10.0.0.9", "inner": f"{OWN}.blob.core.windows.net", "unplaced": ""}
    if name not in places:
        raise NotFoundError("none")
    mount = {"fileServerInternalIP": places[name], "mountPoint": f"/{OWN}/accepted"}
    return Row(Kind.FILE_SERVER, workspace, name, CREATED, {"mountSettings": mount} if places[name] else {})


def mount_volumes(volumes: list[Given]) -> dict[str, Any]:
    """A mountVolumes object; the volume number n is at `vn`."""
    found: dict[str, Any] = {}
    for number, (kind, volume) in enumerate(volumes):
        found.setdefault(kind, []).append(volume | {"relativeMountPath": f"v{number}"})
    return found


def linted(volumes: list[Given], of: str) -> tuple[Parsed[Any], MountVolumes | None]:
    """What the linter says of a document with these volumes, and they as they were accepted."""
    mounts, known = mount_volumes(volumes), DocumentSettings.of(HERE)
    if of == "job":
        properties = changed(JOB, mountVolumes=mounts, stdOutErrPathPrefix="/tmp", outputDirectories=ABSENT)
        job = parse_job(json.dumps({"properties": properties}), known)
        return job, job.spec.mount_volumes if job.spec else None
    properties = changed(CLUSTER, nodeSetup={"mountVolumes": mounts})
    cluster = parse_cluster(json.dumps({"properties": properties}), known)
    return cluster, cluster.spec.node_setup.mount_volumes if cluster.spec else None


def one(mounts: MountVolumes, path: str) -> MountVolumes:
    """Only the volume at `path`."""
    fields = type(mounts).model_fields
    return mounts.model_copy(
        update={
            field: type(getattr(mounts, field))(
                v for v in getattr(mounts, field) if v.relative_mount_path == path
            )
            for field in fields
        }
    )


def mounted(mounts: MountVolumes, path: str) -> Volume | MountError:
    """What the node makes of a volume."""
    try:
        (volume,) = from_document.volumes_of(one(mounts, path), HERE, find_server)
    except MountError as error:
        return error
    return volume


def listed(mounts: MountVolumes, path: str, of: str) -> Address | None:
    """Where the function app lists a folder on a volume, or None."""
    root = "$AZ_BATCHAI_JOB_MOUNT_ROOT" if of == "job" else "$AZ_BATCHAI_MOUNT_ROOT"
    properties = changed(JOB, mountVolumes={}, outputDirectories=ABSENT)
    spec = parse_job(json.dumps({"properties": properties | {"stdOutErrPathPrefix": "/tmp"}})).spec
    assert spec is not None
    spec = spec.model_copy(update={"std_out_err_path_prefix": f"{root}/{path}"})
    cluster = mounts if of == "cluster" else MountVolumes()
    if of == "job":
        spec = spec.model_copy(update={"mount_volumes": mounts})
    try:
        found = output_places.output_place(a_job(), spec, cluster, HERE, "stdouterr", ".")
    except RequestError:
        return None
    return found.kind, found.account, found.name, found.endpoint, found.key


def address(volume: Volume) -> Address | None:
    """Of what can be listed."""
    if not volume.share and not volume.container:
        assert (volume.account, volume.key, volume.endpoint) == ("", "", ""), "no credential is sent to it"
        return None
    kind = "share" if volume.share else "container"
    return kind, volume.account, volume.share or volume.container, volume.endpoint, volume.key


def reported_of(parsed: Parsed[Any], volumes: list[Given], number: int, *severities: Severity) -> str:
    """What is said of one volume, in words."""
    kind = volumes[number][0]
    index = sum(1 for other, _ in volumes[:number] if other == kind)
    of_it = [problem for problem in parsed.problems if f".{kind}[{index}]" in problem.path]
    return " ".join(str(problem) for problem in of_it if problem.severity in severities)


def only_a_node_knows(error: MountError, volume: dict[str, Any]) -> bool:
    """Whether a node refuses for a reason that no document shows: where a file server runs, and to whom the
    node's identity is shown."""
    named = str(volume.get("fileServer", {}).get("id", "")).startswith("/")
    return named or "has no credentials" in str(error)


def check_accepted(parsed: Parsed[Any], mounts: MountVolumes, volumes: list[Given], of: str) -> None:
    for number, (_, volume) in enumerate(volumes):
        path = f"v{number}"
        found = mounted(mounts, path)
        if isinstance(found, MountError):
            assert only_a_node_knows(found, volume), f"the linter let pass: {found}"
            assert listed(mounts, path, of) is None
            continue
        assert listed(mounts, path, of) == address(found)
        reported = reported_of(parsed, volumes, number, Severity.WARNING)
        check_account_and_key(volume, found, "is not the account of azureFileUrl" in reported)


def check_account_and_key(volume: dict[str, Any], found: Volume, warned: bool) -> None:
    named, key = volume.get("accountName", ""), (volume.get("credentials") or {}).get("accountKey", "")
    if found.share and named and "<" not in named:
        assert warned == (named != found.account), "the linter warns where another account counts"
    if key and "<" not in key:
        assert found.key == key
    elif found.account:
        own = found.account == OWN or bool(key)  # a placeholder stands for the installation's own
        assert found.key == (HERE.data_key if own else "")


def check_refused(parsed: Parsed[Any], volumes: list[Given]) -> None:
    """What belongs to the installation is refused by the linter if and only if the node refuses it."""
    try:
        mounts = MountVolumes.model_validate(mount_volumes(volumes))
    except ValidationError:
        assert parsed.spec is None, "the linter lets pass what no model takes"
        return
    for number, (_, volume) in enumerate(volumes):
        found = mounted(mounts, f"v{number}")
        if "<" in json.dumps(volume) or (isinstance(found, MountError) and only_a_node_knows(found, volume)):
            continue
        closed = isinstance(found, MountError) and "is not mounted." in str(found)
        reported = reported_of(parsed, volumes, number, Severity.ERROR)
        assert closed == ("installation" in reported.lower()), (found, reported)


@settings(deadline=None, max_examples=examples(150), database=None, report_multiple_bugs=False)
@given(volumes=st.lists(VOLUMES, min_size=1, max_size=5), of=st.sampled_from(["job", "cluster"]))
@example([share("https://acct.file.core.windows.net/logs", OWN, {"accountKey": "a2V5"})], "job")
@example([share("https://acct.file.core.windows.net/logs", "acct")], "cluster")
@example([container("acct", "data", {"accountKey": "a2V5"})], "cluster")
@example([container(OWN, "accepted")], "job")
@example([server(f"{OWN}.blob.core.windows.net", f"{OWN}/accepted")], "job")
@example([server(f"{SERVERS}/inner"), server(f"{SERVERS}/known"), unmanaged("mount x")], "job")
def test_linter_node_and_listing_agree_on_every_volume(volumes: list[Given], of: str) -> None:
    parsed, mounts = linted(volumes, of)
    if mounts is not None:
        check_accepted(parsed, mounts, volumes, of)
    check_refused(parsed, volumes)


def with_place(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, **changes: Any) -> None:
    """One side reads addresses by a rule of its own."""
    right: Callable[[Any, Settings], StoragePlace] = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given: dataclasses.replace(right(*given), **changes))


def another_account(url: str) -> FileShareUrl:
    return dataclasses.replace(file_share(url), account="acct2")


@pytest.mark.parametrize("module", [from_document, output_places])
@pytest.mark.parametrize("name", ["share_place", "container_place"])
@pytest.mark.parametrize("change", [{"account": "a2"}, {"endpoint": "http://10.0.0.4"}, {"key": "b2Rk"}])
def test_another_address_on_one_side_is_found(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, change: dict[str, str]
) -> None:
    with_place(monkeypatch, module, name, **change)
    with pytest.raises(AssertionError):
        test_linter_node_and_listing_agree_on_every_volume()


@pytest.mark.parametrize("module", [from_document, output_places])
@pytest.mark.parametrize("name", ["share_place", "container_place"])
def test_one_side_that_forgets_what_is_closed_is_found(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    with_place(monkeypatch, module, name, closed="it is mine")
    with pytest.raises(AssertionError):
        test_linter_node_and_listing_agree_on_every_volume()


def test_a_linter_that_forgets_what_is_closed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "own_place_rules", lambda *_: ())
    with pytest.raises(AssertionError):
        test_linter_node_and_listing_agree_on_every_volume()


def test_a_linter_that_reads_another_account_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume_rules, "file_share", another_account)
    with pytest.raises(AssertionError, match="another account counts"):
        test_linter_node_and_listing_agree_on_every_volume()


def test_a_listing_of_what_no_node_mounts_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """An NFS server or an unmanaged volume that were listed as somebody's container."""
    right = output_places._points

    def points(root: str, mounts: MountVolumes, known: Settings) -> Any:
        for point, place in right(root, mounts, known):
            yield point, place or output_places.OutputPlace("container", "acct", "data", "", "", "")

    monkeypatch.setattr(output_places, "_points", points)
    with pytest.raises(AssertionError):
        test_linter_node_and_listing_agree_on_every_volume()
