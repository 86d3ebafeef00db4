"""Directories, listing and renaming through the SDK; odd names; paths that try to leave the share."""

import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.fileshare import ShareClient

from local.files.server import FilesServer
from tests.support.refusals import error_code

ODD_NAMES = [
    "two words",
    " leading and trailing ",
    "ümlaut é 漢字 😀",
    "100%",
    "%41",
    "a+b",
    "a#b",
    "a&b=c;d,e",
    "a'b(c)[d]{e}~!@$^",
    "...dots.inside",
    "-dash",
]


def names(share: ShareClient, directory: str = "", **options: Any) -> list[str]:
    return [item.name for item in share.list_directories_and_files(directory, **options)]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names(share: ShareClient, folder: Path, name: str) -> None:
    directory = share.create_directory(name)
    inner = directory.create_subdirectory(name)
    client = inner.get_file_client(name)
    client.upload_file(b"odd", metadata={"a": "1"})
    assert (folder / name / name / name).read_bytes() == b"odd"
    assert client.download_file().readall() == b"odd"
    assert [item.name for item in inner.list_directories_and_files()] == [name]
    assert names(share, f"{name}/{name}") == [name]
    assert [item.name for item in directory.list_directories_and_files(name_starts_with=name[:2])] == [name]
    moved = client.rename_file(f"{name}/moved {name}")
    assert moved.get_file_properties().metadata == {"a": "1"}
    copied = share.get_file_client(f"{name}/copied {name}")
    copied.start_copy_from_url(moved.url)
    assert copied.download_file().readall() == b"odd"


@pytest.mark.parametrize("name", ["a:b", "a|b", 'a"b', "a<b", "a*b", "a?b", "a\\b", "x" * 256])
def test_names_azure_does_not_allow_are_refused(share: ShareClient, name: str) -> None:
    with pytest.raises(HttpResponseError) as refused:
        share.get_file_client(name).create_file(1)
    assert (refused.value.status_code, error_code(refused.value)) == (400, "InvalidResourceName")


def test_what_another_process_named_so_can_be_read(share: ShareClient, folder: Path) -> None:
    (folder / "12:30.log").write_text("x")
    (folder / "bell\a").write_text("y")
    assert names(share) == ["12:30.log", "bell\a"]
    for name in ("12:30.log", "bell\a"):
        assert share.get_file_client(name).get_file_properties().size == 1


def test_trailing_dots_are_dropped_as_by_the_service(share: ShareClient) -> None:
    share.get_file_client("name..").upload_file(b"x")
    assert names(share) == ["name"]


def test_deep_directories(share: ShareClient, folder: Path) -> None:
    path = ""
    for level in range(40):
        path = f"{path}/level-{level}".lstrip("/")
        share.create_directory(path)
    share.get_file_client(f"{path}/leaf").upload_file(b"deep")
    assert (folder / path / "leaf").read_bytes() == b"deep"
    assert names(share, path) == ["leaf"]


def test_create_and_delete(share: ShareClient, folder: Path) -> None:
    with pytest.raises(ResourceNotFoundError) as missing:
        share.create_directory("no/parent")
    assert error_code(missing.value) == "ParentNotFound"
    directory = share.create_directory("d", metadata={"a": "1"})
    assert directory.exists()
    with pytest.raises(ResourceExistsError) as twice:
        share.create_directory("d")
    assert error_code(twice.value) == "ResourceAlreadyExists"
    directory.upload_file("f", b"x")
    with pytest.raises(HttpResponseError) as full:
        directory.delete_directory()
    assert (full.value.status_code, error_code(full.value)) == (409, "DirectoryNotEmpty")
    directory.delete_file("f")
    directory.delete_directory()
    assert not (folder / "d").exists()


def test_metadata_and_properties(share: ShareClient) -> None:
    directory = share.create_directory("d", metadata={"a": "1"})
    directory.set_directory_metadata({"b": "2"})
    directory.set_http_headers(file_attributes="Hidden|Directory")
    properties = directory.get_directory_properties()
    assert (properties.metadata, properties.file_attributes) == ({"b": "2"}, "Hidden|Directory")
    root = share.get_directory_client()
    root.set_directory_metadata({"root": "yes"})
    assert root.get_directory_properties().metadata == {"root": "yes"}
    assert share.get_share_properties().metadata == {}


def test_listing_pages_without_loss_while_names_come_and_go(share: ShareClient, folder: Path) -> None:
    expected = [f"f{number:03}" for number in range(25)]
    for name in expected:
        (folder / name).write_bytes(b"12345")
    pages = share.list_directories_and_files(results_per_page=10).by_page()
    first = [item.name for item in next(pages)]
    (folder / "f000").unlink()
    (folder / "a-new-one").touch()
    rest = [[item.name for item in page] for page in pages]
    assert [*first, *rest[0], *rest[1]] == expected
    assert [len(page) for page in rest] == [10, 5]


def test_listing_says_what_is_asked(share: ShareClient, folder: Path) -> None:
    directory = share.create_directory("d")
    directory.create_subdirectory("sub")
    directory.upload_file("f.txt", b"12345")
    (folder / "d" / "foreign").write_bytes(b"1")
    plain: dict[str, Any] = {item.name: item for item in directory.list_directories_and_files()}
    assert [(item.name, item.is_directory) for item in plain.values()] == [
        ("sub", True),
        ("f.txt", False),
        ("foreign", False),
    ]
    assert (plain["f.txt"].size, plain["foreign"].size) == (5, 1)
    include = ["timestamps", "Etag", "Attributes", "PermissionKey"]
    full = {item.name: item for item in directory.list_directories_and_files(include=include)}
    properties = directory.get_file_client("f.txt").get_file_properties()
    assert full["f.txt"].etag == properties.etag
    assert full["f.txt"].file_id == properties.file_id
    assert (full["f.txt"].file_attributes, full["sub"].file_attributes) == ("Archive", "Directory")
    assert full["foreign"].last_modified is not None
    assert full["foreign"].permission_key
    assert names(share, "d", name_starts_with="f") == ["f.txt", "foreign"]


def test_rename_a_file(share: ShareClient, folder: Path) -> None:
    client = share.get_file_client("old")
    client.upload_file(b"x", metadata={"a": "1"})
    (folder / "taken").write_bytes(b"y")
    with pytest.raises(ResourceExistsError) as refused:
        client.rename_file("taken")
    assert error_code(refused.value) == "ResourceAlreadyExists"
    moved = client.rename_file("taken", overwrite=True)
    assert moved.download_file().readall() == b"x"
    assert moved.get_file_properties().metadata == {"a": "1"}
    assert names(share) == ["taken"]
    with pytest.raises(ResourceNotFoundError):
        client.rename_file("again")
    with pytest.raises(ResourceNotFoundError) as parent:
        moved.rename_file("no/parent")
    assert error_code(parent.value) == "ParentNotFound"


def test_rename_a_directory_takes_everything_along(share: ShareClient, folder: Path) -> None:
    directory = share.create_directory("old")
    directory.create_subdirectory("sub")
    share.get_file_client("old/sub/f").upload_file(b"x", metadata={"a": "1"})
    for neighbour in ("old-neighbour", "old2", "older"):
        share.get_file_client(neighbour).upload_file(b"x", metadata={"b": "2"})
    moved = directory.rename_directory("new")
    assert moved.exists()
    assert share.get_file_client("new/sub/f").get_file_properties().metadata == {"a": "1"}
    for neighbour in ("old-neighbour", "old2", "older"):
        assert share.get_file_client(neighbour).get_file_properties().metadata == {"b": "2"}
    with pytest.raises(HttpResponseError) as refused:
        moved.rename_directory("new/sub/inside")
    assert refused.value.status_code == 400
    assert (folder / "new" / "sub" / "f").is_file()


def test_links_out_of_the_share_lead_nowhere(share: ShareClient, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (folder / "file-link").symlink_to(tmp_path / "secret")
    (folder / "directory-link").symlink_to(tmp_path)
    (folder / "dangling").symlink_to(tmp_path / "new")
    (folder / "inside").write_text("fine")
    (folder / "inside-link").symlink_to("inside")
    assert names(share) == ["inside", "inside-link"]
    assert share.get_file_client("inside-link").download_file().readall() == b"fine"
    for path in ("file-link", "directory-link/secret"):
        with pytest.raises(ResourceNotFoundError):
            share.get_file_client(path).download_file()
    for path in ("file-link", "directory-link/new", "dangling"):
        with pytest.raises(HttpResponseError):
            share.get_file_client(path).upload_file(b"overwritten")
    with pytest.raises(ResourceNotFoundError):
        share.get_file_client("inside").rename_file("directory-link/stolen")
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert (tmp_path / "secret").read_text() == "secret"


@pytest.mark.parametrize(
    "path", ["..%2f..%2fetc%2fpasswd", "a/../../x", "%2e%2e/x", "d%2F..%2F..%2Fx", "x%00y", "%ff"]
)
def test_paths_cannot_leave_the_share(emulator: FilesServer, share: ShareClient, path: str) -> None:
    host = emulator.url.removeprefix("http://").split("/")[0]
    url = httpx.URL(
        scheme="http",
        host=host.split(":")[0],
        port=int(host.split(":")[1]),
        raw_path=f"/devstoreaccount1/{share.share_name}/{path}".encode(),
    )
    answer = httpx.get(url)
    assert answer.status_code == 400
    assert answer.headers["x-ms-error-code"] in ("InvalidResourceName", "InvalidUri")


def test_pipes_are_not_listed_and_block_nobody(share: ShareClient, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert names(share) == []
    with pytest.raises(ResourceNotFoundError):
        share.get_file_client("pipe").download_file()
