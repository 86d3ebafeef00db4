"""Clearing the folder of a run on a share and in a container: the services' own listings and refusals."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient
from azure.storage.fileshare import ShareClient, ShareServiceClient

from local.azurite import Endpoints
from local.files.server import FilesServer
from shared.errors import RequestError, StoreError
from shared.stores.connection import CallCounter
from shared.stores.volumes import removal
from shared.stores.volumes.folders import Folder
from shared.stores.volumes.removal import Budget, clear

RUN, OTHER = str(uuid.uuid4()), str(uuid.uuid4())
OWN = f"deep/jobs/job/{RUN}"
#: Names that a job may give its files.
NAMES = ("a", "ü", "a b", "%2e%2e", "#", "x?y=1&z", "..a", "a" * 200, "~", "\u2603")
#: On a share '?' stands in no name.
SHARE_NAMES = tuple(name.replace("?", "") for name in NAMES)


def plenty() -> Budget:
    return Budget(10_000, float("inf"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilesServer]:
    with FilesServer(tmp_path_factory.mktemp("shares")) as made:
        yield made


@pytest.fixture
def share(server: FilesServer) -> Iterator[ShareClient]:
    with ShareServiceClient.from_connection_string(server.connection_string, retry_total=0) as service:
        yield service.create_share(f"test-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def container(azurite: Endpoints) -> Iterator[ContainerClient]:
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        yield service.create_container(f"test-{uuid.uuid4().hex[:12]}")


def of(client: ShareClient | ContainerClient, name: str, folder: str = OWN, key: str = "") -> Folder:
    account = client.credential.account_name
    url = client.url.rpartition("/")[0]
    return Folder(account, name, folder, url, key or client.credential.account_key)


def write(share: ShareClient, path: str) -> None:
    folders = path.split("/")[:-1]
    for depth in range(1, len(folders) + 1):
        directory = share.get_directory_client("/".join(folders[:depth]))
        if not directory.exists():
            directory.create_directory()
    share.get_file_client(path).upload_file(b"x")


def tree(share: ShareClient, path: str = "") -> set[str]:
    """The files of a share, and its empty folders with a slash."""
    found = set()
    for item in share.list_directories_and_files(path):
        inner = f"{path}/{item.name}".lstrip("/")
        found |= (tree(share, inner) or {f"{inner}/"}) if item.is_directory else {inner}
    return found


def test_a_folder_of_a_share_is_removed_with_all_that_is_in_it(share: ShareClient) -> None:
    beside = {f"{OWN}x/a", f"deep/jobs/job/{OTHER}/a", "deep/jobs/a"}
    for path in (*beside, *(f"{OWN}/{name}" for name in SHARE_NAMES), f"{OWN}/b/c/d/e", f"{OWN}/b/f"):
        write(share, path)
    share.get_directory_client(f"{OWN}/empty").create_directory()
    assert clear("share", of(share, share.share_name), plenty())
    assert tree(share) == beside
    assert clear("share", of(share, share.share_name), plenty()), "what is gone is done"


def test_a_log_that_a_lost_attempt_has_leased_is_removed_too(share: ShareClient) -> None:
    write(share, f"{OWN}/stdouterr/stdout.txt")
    share.get_file_client(f"{OWN}/stdouterr/stdout.txt").acquire_lease()
    assert clear("share", of(share, share.share_name), plenty())
    assert tree(share) == {"deep/jobs/job/"}


def test_the_folder_of_another_run_in_it_stays(share: ShareClient) -> None:
    inner = f"{OWN}/outputs/jobs/else/{OTHER}/a"
    again = f"{OWN}/stdouterr/jobs/job/{RUN}/a"
    for path in (inner, again, f"{OWN}/outputs/b"):
        write(share, path)
    assert clear("share", of(share, share.share_name), plenty())
    assert tree(share) == {inner}
    assert clear("share", of(share, share.share_name), plenty())


def test_on_a_share_a_spent_budget_leaves_the_rest_to_the_next_one(share: ShareClient) -> None:
    for number in range(7):
        write(share, f"{OWN}/{number}/a")
    done = [clear("share", of(share, share.share_name), Budget(4, float("inf"))) for _ in range(4)]
    assert done == [False, False, False, True]
    assert tree(share) == {"deep/jobs/job/"}


def test_pages_of_a_share(share: ShareClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "_PAGE", 2)
    kept = {f"{OWN}/{n}/jobs/else/{OTHER}/a" for n in range(5)}
    for path in (*kept, *(f"{OWN}/{n}.txt" for n in range(5))):
        write(share, path)
    assert clear("share", of(share, share.share_name), plenty())
    assert tree(share) == kept


def test_a_folder_of_a_container_is_removed_with_all_that_is_in_it(
    container: ContainerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "_PAGE", 3)
    beside = {f"{OWN}x/a", f"{OWN}.txt", f"deep/jobs/job/{OTHER}/a", f"{OWN}/o/jobs/else/{OTHER}/a"}
    for path in (*beside, *(f"{OWN}/{name}" for name in NAMES), f"{OWN}/b/c/d"):
        container.upload_blob(path, b"x")
    container.upload_blob(f"{OWN}/versions", b"x").create_snapshot()
    assert clear("container", of(container, container.container_name), plenty())
    assert set(container.list_blob_names()) == beside
    assert clear("container", of(container, container.container_name), plenty())


def test_in_a_container_the_marker_of_the_folder_is_removed_last(container: ContainerClient) -> None:
    container.upload_blob(OWN, b"", metadata={"hdi_isfolder": "true"})
    container.upload_blob(f"{OWN}/a", b"x")
    counter = CallCounter()
    folder = of(container, container.container_name)
    assert not clear("container", folder, Budget(1, float("inf")), counter)
    assert set(container.list_blob_names()) == {OWN}
    assert clear("container", folder, Budget(1, float("inf")), counter)
    assert set(container.list_blob_names()) == set()
    assert counter.snapshot() == {"GET data": 2, "DELETE data": 2}


def test_what_is_locked_is_named_after_the_rest_was_removed(container: ContainerClient) -> None:
    held = container.upload_blob(f"{OWN}/held", b"x")
    held.acquire_lease()
    container.upload_blob(f"{OWN}/a", b"x")
    with pytest.raises(StoreError, match="clearing container"):
        clear("container", of(container, container.container_name), plenty())
    assert set(container.list_blob_names()) == {f"{OWN}/held"}


def test_a_missing_container_is_done(container: ContainerClient) -> None:
    assert clear("container", of(container, "nothing-here"), plenty())


def test_whom_the_account_lets_not_in_learns_what_it_lacks(container: ContainerClient) -> None:
    with pytest.raises(RequestError, match="cannot be cleared: it refuses the key"):
        clear("container", of(container, container.container_name, key="b3RoZXI="), plenty())


def test_no_whole_share_is_cleared(share: ShareClient, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="whole"):
        clear("share", of(share, share.share_name, folder=""), plenty())
