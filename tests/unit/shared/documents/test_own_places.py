"""No document reaches what the installation itself lives on, whatever spelling it finds."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from runner.mounts.from_document import volumes_of
from shared.documents.own_places import own_places
from shared.documents.parse import DocumentSettings
from shared.documents.spec import JobSpec, MountVolumes
from shared.errors import MountError, NotFoundError, RequestError, Severity
from shared.jobs.output_places import output_place
from shared.names.file_urls import file_share
from shared.names.ids import ClusterId
from shared.settings import AccountEndpoints, Settings
from shared.settings_reader import settings_from
from shared.stores.workspace_table import Row
from tests.support.cases import cases
from tests.support.documents import CLUSTER, changed, cluster, job, problems_of
from tests.support.jobs import SCOPE, a_job

KEY = "a2V5"
_URL = "http://127.0.0.1:1{}/state"
EMULATOR = Settings(
    storage=f"AccountName=state;AccountKey={KEY};BlobEndpoint={_URL.format('0000')};"
    f"QueueEndpoint={_URL.format('0001')};TableEndpoint={_URL.format('0002')};",
    data_account="state",
    data_key=KEY,
    endpoints={
        "state": AccountEndpoints(_URL.format("0000"), _URL.format("0003")),
        "alias": AccountEndpoints("http://localhost:10000/state", _URL.format("0003")),
        "other": AccountEndpoints("http://127.0.0.1:10000/other", "http://127.0.0.1:10003/other"),
    },
    reserved_names=("content-1",),
)
AZURE = Settings(
    storage=f"DefaultEndpointsProtocol=https;AccountName=state;AccountKey={KEY};EndpointSuffix=core.windows.net",
    endpoints={
        "alias": AccountEndpoints("https://state.privatelink.blob.core.windows.net"),
        "custom": AccountEndpoints("https://STATE.blob.core.chinacloudapi.cn/"),
    },
    reserved_names=("content-1",),
)
IDENTITY = Settings(storage_account="state")
NAMES = (
    "accepted",
    "jobs",
    "clusters",
    "azure-webjobs-hosts",
    "azure-webjobs-secrets",
    "scm-releases",
    "$logs",
)


def _container(account: str, name: str) -> dict[str, Any]:
    volume = {"accountName": account, "containerName": name, "relativeMountPath": "v"}
    return {"azureBlobFileSystems": [volume | {"credentials": {"accountKey": KEY}}]}


def _share(url: str, **more: str) -> dict[str, Any]:
    volume = {"azureFileUrl": url, "relativeMountPath": "v", **more}
    return {"azureFileShares": [volume | {"credentials": {"accountKey": KEY}}]}


def _server(host: str, directory: str = "") -> dict[str, Any]:
    volume = {"fileServer": {"id": host}, "relativeMountPath": "v"}
    return {"fileServers": [volume | ({"sourceDirectory": directory} if directory else {})]}


def _closed() -> Iterator[Any]:
    for settings in (EMULATOR, AZURE, IDENTITY):
        for name in NAMES:
            yield settings, _container("state", name)
    for settings in (EMULATOR, AZURE):
        yield settings, _container("state", "content-1")
        yield settings, _container("alias", "accepted")
        yield settings, _share("https://state.file.core.windows.net/content-1")
        yield settings, _share("https://state.file.core.chinacloudapi.cn/content-1")
        yield settings, _share("https://elsewhere.file.core.windows.net/content-1", accountName="state")
    yield AZURE, _container("elsewhere", "azure-webjobs-secrets")
    yield AZURE, _share("https://elsewhere.file.core.windows.net/app-package-x")
    for account in ("STATE", "state-secondary", "State-Secondary", "state.", "custom"):
        yield AZURE, _container(account, "accepted")
    for host in ("127.0.0.1", "localhost", "127.1", "[::1]", "2130706433", "127.9.9.9", "azurite"):
        for port in (10000, 10001, 10002):
            yield EMULATOR, _share(f"http://{host}:{port}/state/accepted")
    yield AZURE, _server("state.blob.core.windows.net", "state/accepted")
    yield AZURE, _server("STATE.blob.core.windows.net")
    yield AZURE, _server("state.privatelink.dfs.core.windows.net", "/state/jobs/deep")
    yield AZURE, _server("state.file.core.windows.net", "state/content-1")
    yield Settings(storage="UseDevelopmentStorage=true"), _container("devstoreaccount1", "accepted")
    sas = Settings(
        storage="BlobEndpoint=https://state.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=x"
    )
    yield sas, _container("state", "accepted")
    yield Settings(storage=AZURE.storage, accepted_container="vault"), _container("state", "vault")


CLOSED = list(_closed())
OPEN = [
    (EMULATOR, _container("state", "data")),
    (EMULATOR, _container("state", "acceptedly")),
    (EMULATOR, _container("other", "accepted")),
    (EMULATOR, _share("http://127.0.0.1:10003/state/jobs")),
    (EMULATOR, _share("https://state.file.core.windows.net/logs")),
    (AZURE, _container("elsewhere", "accepted")),
    (AZURE, _container("state2", "jobs")),
    (AZURE, _container("elsewhere", "$logs")),
    (AZURE, _share("https://state.file.core.windows.net/jobs")),
    (AZURE, _server("state.blob.core.windows.net", "state/data")),
    (AZURE, _server("nfs.example.com", "state/accepted")),
    (AZURE, _server("state", "state/accepted")),
    (Settings(), _container("acct", "accepted")),
]


def _errors(settings: Settings, mounts: dict[str, Any]) -> list[str]:
    reading = DocumentSettings.of(settings)
    of_job = problems_of(job(reading, mountVolumes=mounts), Severity.ERROR)
    of_cluster = problems_of(
        cluster(reading, **changed(CLUSTER, nodeSetup={"mountVolumes": mounts})), Severity.ERROR
    )
    assert [text.removeprefix("nodeSetup.") for text in of_cluster] == of_job
    return of_job


@cases(("settings", "mounts"), CLOSED)
def test_on_submission(settings: Settings, mounts: dict[str, Any]) -> None:
    (error,) = _errors(settings, mounts)
    assert "installation's" in error


@cases(("settings", "mounts"), OPEN)
def test_other_places_stay_open(settings: Settings, mounts: dict[str, Any]) -> None:
    assert [error for error in _errors(settings, mounts) if "installation" in error] == []
    assert len(volumes_of(MountVolumes.model_validate(mounts), settings, _no_server)) == 1


@cases(("settings", "mounts"), CLOSED)
def test_on_the_node_for_documents_that_were_accepted_before(
    settings: Settings, mounts: dict[str, Any]
) -> None:
    with pytest.raises(MountError, match="installation's"):
        volumes_of(MountVolumes.model_validate(mounts), settings, _no_server)


def _no_server(workspace: str, name: str) -> Row:
    raise NotFoundError("none")


def test_a_file_server_whose_address_somebody_has_set_to_the_installations_account() -> None:
    name = "/subscriptions/s/resourceGroups/g/providers/Microsoft.BatchAI/workspaces/w/fileServers/f"
    settings = {"fileServerInternalIP": "state.blob.core.windows.net", "mountPoint": "/state/accepted"}

    def find(workspace: str, name: str) -> Any:
        return type("Found", (), {"detail": {"mountSettings": settings}, "name": name})

    with pytest.raises(MountError, match="installation's own"):
        volumes_of(MountVolumes.model_validate(_server(name)), AZURE, find)


@pytest.mark.parametrize(
    "mounts", [_container("state", "accepted"), _share("http://127.0.0.1:10000/state/accepted")]
)
def test_when_outputs_are_listed(mounts: dict[str, Any]) -> None:
    document = JobSpec.model_validate(
        {
            "nodeCount": 1,
            "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/v",
            "customToolkitSettings": {"commandLine": "true"},
            "mountVolumes": mounts,
        }
    )
    with pytest.raises(RequestError, match="not present on a mount root"):
        output_place(a_job(cluster=ClusterId("w", "c")), document, MountVolumes(), EMULATOR, "stdouterr", ".")


@pytest.mark.parametrize("name", ["<x>/../accepted", "</../accepted", "accepted/", "accepted?x"])
def test_no_other_spelling_is_the_name_of_a_container(name: str) -> None:
    (error,) = _errors(AZURE, _container("state", name))
    assert "is no name of a blob container" in error


@pytest.mark.parametrize(
    "host", ["state.blob.core.windows.net", "state.z1.blob.storage.azure.net", "a.dfs.core.x"]
)
def test_the_address_of_another_service_is_none_of_a_share(host: str) -> None:
    with pytest.raises(ValueError, match="Ill-formed"):
        file_share(f"https://{host}/accepted")


def test_the_operator_names_further_places() -> None:
    key = base64.b64encode(b"k" * 32).decode()
    env = {"BATCHAI_STORAGE": AZURE.storage, "BATCHAI_SEALING_KEYS": key}
    more = {"BATCHAI_RESERVED_NAMES": "Backups, models-of-all", "WEBSITE_CONTENTSHARE": "App12ab"}
    assert settings_from(env).reserved_names == ()
    assert settings_from(env | more).reserved_names == ("backups", "models-of-all", "app12ab")


def test_a_file_server_of_the_installation_is_looked_up_later() -> None:
    """Where it runs is known on the node only, which asks again."""
    arm_id = f"{SCOPE.workspace('w')}/fileServers/state.blob.core.windows.net"
    assert parsed_faults(AZURE, _server(arm_id, "state/accepted")) == []


def test_an_address_with_a_port_that_is_none_names_no_service_of_ours() -> None:
    places = own_places(AZURE)
    assert places.share_fault(("state",), "http://state:port/", "data") is None
    assert places.share_fault(("state",), "http://state:99999/", "data") is None


def parsed_faults(settings: Settings, volumes: dict[str, Any]) -> list[str]:
    document = job(DocumentSettings.of(settings), mountVolumes=volumes, stdOutErrPathPrefix="/tmp")
    return problems_of(document, Severity.ERROR)
