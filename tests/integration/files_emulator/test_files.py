"""Files through the SDK: content, properties, ETags, leases, what other processes do to them."""

import hashlib
import os
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.fileshare import (
    ContentSettings,
    ShareClient,
    ShareFileClient,
    ShareServiceClient,
    generate_account_sas,
)

from local.files.server import FilesServer
from tests.support.refusals import error_code

MIB = 1024**2


def ranges_of(client: ShareFileClient, **options: Any) -> list[tuple[int, int]]:
    return [(found.start, found.end) for found in client.list_ranges(**options)]


def code_of(error: HttpResponseError) -> tuple[int | None, object]:
    return error.status_code, error_code(error)


def test_forty_mebibytes_there_and_back(share: ShareClient, folder: Path) -> None:
    data = random.Random(1).randbytes(40 * MIB)
    client = share.get_file_client("big.bin")
    client.upload_file(data, max_concurrency=4)
    assert hashlib.sha256((folder / "big.bin").read_bytes()).digest() == hashlib.sha256(data).digest()
    assert client.download_file(max_concurrency=4).readall() == data


def test_uploads_and_downloads_with_md5(share: ShareClient) -> None:
    client = share.get_file_client("f")
    client.upload_file(b"checked" * 1000, validate_content=True)
    assert client.download_file(validate_content=True).readall() == b"checked" * 1000


def test_an_empty_file(share: ShareClient) -> None:
    client = share.get_file_client("empty")
    client.upload_file(b"")
    assert client.download_file().readall() == b""
    with pytest.raises(HttpResponseError) as refused:
        client.download_file(offset=0, length=10)
    assert code_of(refused.value) == (416, "InvalidRange")


def test_ranges(share: ShareClient) -> None:
    client = share.get_file_client("f")
    client.upload_file(b"0123456789")
    assert client.download_file(offset=3, length=4).readall() == b"3456"
    assert client.download_file(offset=7).readall() == b"789"
    assert client.download_file(offset=8, length=100).readall() == b"89"
    client.upload_range(b"ABC", 2, 3)
    assert client.download_file().readall() == b"01ABC56789"
    client.upload_file(b"x" * 1536)
    client.clear_range(512, 512)
    assert client.download_file().readall() == b"x" * 512 + bytes(512) + b"x" * 512


def test_a_write_never_makes_a_file_longer(share: ShareClient) -> None:
    client = share.get_file_client("f")
    client.create_file(4)
    with pytest.raises(HttpResponseError) as refused:
        client.upload_range(b"12345", 0, 5)
    assert code_of(refused.value) == (416, "InvalidRange")
    client.resize_file(5)
    client.upload_range(b"12345", 0, 5)
    client.resize_file(2)
    assert client.download_file().readall() == b"12"


def test_the_range_list_shows_data_not_holes(share: ShareClient) -> None:
    client = share.get_file_client("sparse")
    client.create_file(3 * MIB)
    assert ranges_of(client) == []
    client.upload_range(b"x" * MIB, MIB, MIB)
    assert ranges_of(client) == [(MIB, 2 * MIB - 1)]
    client.upload_range(b"x" * 4096, 0, 4096)
    assert ranges_of(client, results_per_page=1) == [(0, 4095), (MIB, 2 * MIB - 1)]
    assert ranges_of(client, offset=MIB + 8192, length=4096) == [(MIB + 8192, MIB + 12287)]
    client.clear_range(0, 3 * MIB)
    assert ranges_of(client) == []


def test_content_settings_and_times(share: ShareClient) -> None:
    client = share.get_file_client("f")
    settings = ContentSettings(
        content_type="text/plain",
        content_encoding="identity",
        content_language="en",
        cache_control="no-cache",
        content_disposition="inline",
        content_md5=bytearray(b"0" * 16),
    )
    moment = datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)
    client.upload_file(b"x", content_settings=settings, file_last_write_time=moment)
    found = client.get_file_properties().content_settings
    assert (found.content_type, found.content_encoding, found.cache_control) == (
        "text/plain",
        "identity",
        "no-cache",
    )
    assert (found.content_language, found.content_disposition) == ("en", "inline")
    assert found.content_md5 == bytearray(b"0" * 16)
    client.set_http_headers(ContentSettings(content_type="text/html"), file_last_write_time=moment)
    properties = client.get_file_properties()
    assert properties.content_settings.content_type == "text/html"
    assert properties.content_settings.cache_control is None
    written = properties.last_write_time
    assert isinstance(written, datetime) and written.replace(tzinfo=UTC) == moment


def test_the_last_write_time_is_that_of_the_file(share: ShareClient, folder: Path) -> None:
    moment = datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)
    share.get_file_client("f").create_file(1, file_last_write_time=moment)
    assert (folder / "f").stat().st_mtime == moment.timestamp()


def test_metadata(share: ShareClient) -> None:
    client = share.get_file_client("f")
    client.upload_file(b"x", metadata={"a": "1", "with_underscore": "two words"})
    assert client.get_file_properties().metadata == {"a": "1", "with_underscore": "two words"}
    client.set_file_metadata({"b": "2"})
    assert client.get_file_properties().metadata == {"b": "2"}
    assert client.download_file().properties.metadata == {"b": "2"}


def test_creating_again_empties_the_file_and_its_metadata(share: ShareClient) -> None:
    client = share.get_file_client("f")
    client.upload_file(b"old", metadata={"a": "1"})
    client.create_file(2)
    assert client.download_file().readall() == b"\0\0"
    assert client.get_file_properties().metadata == {}


def test_missing_things_are_404(share: ShareClient) -> None:
    client = share.get_file_client("missing")
    assert client.exists() is False
    for action in (client.get_file_properties, client.delete_file, client.download_file):
        with pytest.raises(ResourceNotFoundError) as refused:
            action()
        assert error_code(refused.value) == "ResourceNotFound"
    with pytest.raises(ResourceNotFoundError) as refused:
        share.get_file_client("no/such/parent").create_file(1)
    assert error_code(refused.value) == "ParentNotFound"


def test_a_directory_is_no_file_and_a_file_no_directory(share: ShareClient) -> None:
    share.create_directory("d")
    share.get_file_client("f").create_file(1)
    with pytest.raises(ResourceNotFoundError):
        share.get_file_client("d").get_file_properties()
    with pytest.raises(ResourceNotFoundError):
        share.get_directory_client("f").get_directory_properties()
    with pytest.raises(HttpResponseError) as refused:
        share.get_file_client("d").create_file(1)
    assert code_of(refused.value) == (409, "ResourceTypeMismatch")
    with pytest.raises(ResourceExistsError):
        share.create_directory("f")


def test_delete(share: ShareClient, folder: Path) -> None:
    client = share.get_file_client("f")
    client.upload_file(b"x", metadata={"a": "1"})
    client.delete_file()
    assert not (folder / "f").exists()
    client.create_file(1)
    assert client.get_file_properties().metadata == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda client, path: client.upload_range(b"y", 0, 1),
        lambda client, path: client.upload_range(b"y", 0, 1, file_last_write_mode="preserve"),
        lambda client, path: client.resize_file(4),
        lambda client, path: client.set_file_metadata({"a": "1"}),
        lambda client, path: client.set_http_headers(ContentSettings(content_type="a/b")),
        lambda client, path: path.write_bytes(b"longer than before"),
    ],
    ids=["range", "range-preserving-time", "resize", "metadata", "headers", "other-process"],
)
def test_every_change_gives_another_etag(
    share: ShareClient, folder: Path, change: Callable[[ShareFileClient, Path], object]
) -> None:
    client = share.get_file_client("f")
    client.upload_file(b"x")
    before = client.get_file_properties().etag
    change(client, folder / "f")
    after = client.get_file_properties().etag
    assert after != before
    assert client.get_file_properties().etag == after


def test_conditions(share: ShareClient) -> None:
    client = share.get_file_client("f")
    client.upload_file(b"x")
    old = client.get_file_properties().etag
    client.upload_range(b"y", 0, 1, headers={"If-Match": old})
    with pytest.raises(ResourceModifiedError) as refused:
        client.upload_range(b"z", 0, 1, headers={"If-Match": old})
    assert code_of(refused.value) == (412, "ConditionNotMet")
    with pytest.raises(HttpResponseError) as exists:
        client.create_file(1, headers={"If-None-Match": "*"})
    assert code_of(exists.value) == (412, "ConditionNotMet")
    with pytest.raises(HttpResponseError) as unchanged:
        client.get_file_properties(headers={"If-None-Match": client.get_file_properties().etag})
    assert unchanged.value.status_code == 304
    assert client.download_file().readall() == b"y"


def test_a_download_in_many_pieces(emulator: FilesServer, share: ShareClient) -> None:
    """The SDK compares the ETag of every piece: it must not change while nobody writes."""
    with ShareServiceClient.from_connection_string(
        emulator.connection_string, retry_total=0, max_single_get_size=4, max_chunk_get_size=4
    ) as service:
        client = service.get_share_client(share.share_name).get_file_client("f")
        client.upload_file(b"0123456789" * 5)
        assert client.download_file().readall() == b"0123456789" * 5


def test_leases(share: ShareClient) -> None:
    client = share.get_file_client("f")
    client.upload_file(b"x")
    before = client.get_file_properties().etag
    lease = client.acquire_lease()
    leased = client.get_file_properties()
    assert (leased.lease.state, leased.etag) == ("leased", before)  # a lease is no change of the file
    for action in (
        lambda: client.upload_range(b"y", 0, 1),
        lambda: client.resize_file(3),
        lambda: client.set_file_metadata({"a": "1"}),
        lambda: client.delete_file(),
        lambda: client.create_file(1),
        lambda: client.rename_file("other"),
    ):
        with pytest.raises(HttpResponseError) as refused:
            action()
        assert code_of(refused.value) == (412, "LeaseIdMissing")
    assert client.download_file().readall() == b"x"
    client.upload_range(b"y", 0, 1, lease=lease)
    changed = "11111111-2222-3333-4444-555555555555"
    lease.change(changed)
    client.upload_range(b"z", 0, 1, lease=lease)
    lease.release()
    client.upload_range(b"a", 0, 1)
    with pytest.raises(HttpResponseError) as refused:
        client.upload_range(b"b", 0, 1, lease=changed)
    assert code_of(refused.value) == (412, "LeaseNotPresentWithFileOperation")


def test_a_client_of_a_version_without_leases_sees_none(emulator: FilesServer, share: ShareClient) -> None:
    share.get_file_client("f").upload_file(b"x")
    ends = datetime.now(UTC) + timedelta(hours=1)
    sas = generate_account_sas(emulator.account, emulator.key, "sco", "rl", ends)

    def headers(version: str, path: str) -> set[str]:
        """The lease headers of a GET of that version."""
        answer = httpx.get(f"{emulator.url}/{path}&{sas}", headers={"x-ms-version": version})
        assert answer.status_code == 200, answer.text
        return {name for name in answer.headers if name.startswith("x-ms-lease")}

    file, whole = f"{share.share_name}/f?", f"{share.share_name}?restype=share"
    both = {"x-ms-lease-state", "x-ms-lease-status"}
    assert headers("2018-03-28", file) == headers("2018-03-28", whole) == set()
    assert headers("2019-02-02", file) == both and headers("2019-02-02", whole) == set()
    assert headers("2020-02-10", file) == headers("2020-02-10", whole) == both


def test_a_broken_lease_no_longer_binds(share: ShareClient) -> None:
    client = share.get_file_client("f")
    client.upload_file(b"x")
    lease = client.acquire_lease()
    with pytest.raises(ResourceExistsError):
        client.acquire_lease()
    assert lease.break_lease() == 0
    client.upload_range(b"y", 0, 1)
    client.acquire_lease()


def test_copies(share: ShareClient, folder: Path) -> None:
    source = share.get_file_client("source")
    source.upload_file(b"copied", metadata={"a": "1"}, content_settings=ContentSettings(content_type="a/b"))
    target = share.get_file_client("target")
    assert target.start_copy_from_url(source.url)["copy_status"] == "success"
    properties = target.get_file_properties()
    assert (folder / "target").read_bytes() == b"copied"
    assert (properties.metadata, properties.content_settings.content_type) == ({"a": "1"}, "a/b")
    assert properties.copy.status == "success"
    # The az command names the source by its host in Azure, whatever the endpoint.
    alias = f"https://devstoreaccount1.file.core.windows.net/{share.share_name}/source"
    assert share.get_file_client("third").start_copy_from_url(alias)["copy_status"] == "success"
    source.start_copy_from_url(source.url)
    assert source.download_file().readall() == b"copied"
    with pytest.raises(ResourceNotFoundError):
        target.start_copy_from_url(source.url + "-missing")
    with pytest.raises(HttpResponseError) as refused:
        target.start_copy_from_url("http://example.org/devstoreaccount1/a/b")
    assert code_of(refused.value) == (403, "CannotVerifyCopySource")
    with pytest.raises(HttpResponseError) as refused:
        target.abort_copy("123")
    assert code_of(refused.value) == (409, "NoPendingCopyOperation")


def test_a_range_from_another_file(share: ShareClient) -> None:
    source, target = share.get_file_client("source"), share.get_file_client("target")
    source.upload_file(b"0123456789")
    target.create_file(4)
    target.upload_range_from_url(source.url, offset=1, length=3, source_offset=5)
    assert target.download_file().readall() == b"\x00567"


def test_handles_are_none(share: ShareClient) -> None:
    client = share.get_file_client("f")
    client.create_file(1)
    assert list(client.list_handles()) == []
    assert client.close_all_handles() == {"closed_handles_count": 0, "failed_handles_count": 0}


def test_what_other_processes_write_is_seen_at_once(share: ShareClient, folder: Path) -> None:
    client = share.get_file_client("log.txt")
    with (folder / "log.txt").open("ab", buffering=0) as log:
        for number in range(20):
            log.write(b"line %d\n" % number)
            assert client.get_file_properties().size == log.tell()
    assert client.download_file().readall() == (folder / "log.txt").read_bytes()


def test_a_file_another_process_replaced_has_no_old_metadata(share: ShareClient, folder: Path) -> None:
    client = share.get_file_client("f")
    client.upload_file(b"x", metadata={"a": "1"})
    (folder / "new").write_bytes(b"new")
    os.replace(folder / "new", folder / "f")  # noqa: PTH105 - the call that programs make
    assert client.get_file_properties().metadata == {}
