"""Who is let in: SharedKey, account, share and file SAS, stored policies; and plain GETs on SAS links."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.storage.fileshare import (
    AccessPolicy,
    ShareClient,
    ShareServiceClient,
    generate_account_sas,
    generate_file_sas,
    generate_share_sas,
)

from local.files.server import ACCOUNT, KEY, FilesServer, connection_string
from tests.support.refusals import error_code

NOW = datetime.now(UTC)
HOURS = timedelta(hours=6)  # NOW is read at collection; the last test may run long after
WRONG_KEY = KEY.replace("Eby8", "Fby8")


@pytest.fixture
def share(share: ShareClient) -> ShareClient:
    share.create_directory("d")
    share.get_file_client("d/f.txt").upload_file(b"0123456789")
    return share


@pytest.fixture
def as_bearer(emulator: FilesServer) -> Callable[[str], ShareServiceClient]:
    """A client that has nothing but a SAS."""
    return lambda sas: ShareServiceClient(emulator.url, credential=sas, retry_total=0)


def file_sas(share: ShareClient, **options: object) -> str:
    given: dict[str, Any] = {"permission": "r", "expiry": NOW + HOURS, **options}
    return generate_file_sas(ACCOUNT, share.share_name, ["d", "f.txt"], account_key=KEY, **given)


def link(emulator: FilesServer, share: ShareClient, sas: str, path: str = "d/f.txt") -> str:
    return f"{emulator.url}/{share.share_name}/{path}?{sas}"


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers["x-ms-error-code"]


def test_a_wrong_key_is_refused(emulator: FilesServer) -> None:
    wrong = connection_string(emulator.url, key=WRONG_KEY)
    with ShareServiceClient.from_connection_string(wrong, retry_total=0) as client:
        for action in (
            lambda: list(client.list_shares()),
            lambda: client.create_share("never"),
            lambda: (
                client.get_share_client("never").get_file_client("f").upload_range(b"x" * 2**20, 0, 2**20)
            ),
        ):
            with pytest.raises(ClientAuthenticationError) as refused:
                action()
            assert refused.value.status_code == 403
            assert error_code(refused.value) == "AuthenticationFailed"


def test_another_account_is_refused(emulator: FilesServer) -> None:
    with (
        ShareServiceClient(
            emulator.url, credential={"account_name": "other", "account_key": KEY}, retry_total=0
        ) as client,
        pytest.raises(ClientAuthenticationError) as refused,
    ):
        list(client.list_shares())
    assert refused.value.status_code == 403


def test_nobody_is_refused(emulator: FilesServer, share: ShareClient) -> None:
    answer = httpx.get(f"{emulator.url}/{share.share_name}/d/f.txt")
    assert refusal(answer) == (401, "NoAuthenticationInformation")
    assert b"<Code>NoAuthenticationInformation</Code>" in answer.content
    head = httpx.head(f"{emulator.url}/{share.share_name}/d/f.txt")
    assert refusal(head) == (401, "NoAuthenticationInformation")


def test_a_changed_request_is_refused(emulator: FilesServer, share: ShareClient) -> None:
    """A signature covers method, path, query and headers: none of them can be exchanged."""
    seen: list[Any] = []
    client = share.get_file_client("d/f.txt")
    client.get_file_properties(raw_response_hook=lambda response: seen.append(response.http_request))
    url, headers = str(seen[0].url), dict(seen[0].headers)
    assert httpx.head(url, headers=headers).status_code == 200
    assert httpx.get(url, headers=headers).status_code == 403
    assert httpx.head(f"{url}?comp=metadata", headers=headers).status_code == 403
    assert httpx.head(url.replace("f.txt", "g.txt"), headers=headers).status_code == 403
    assert httpx.head(url, headers={**headers, "x-ms-range": "bytes=0-1"}).status_code == 403


def test_an_old_request_is_refused(emulator: FilesServer, share: ShareClient) -> None:
    headers = {"x-ms-date": "Fri, 26 Jun 2015 23:39:12 GMT", "Authorization": f"SharedKey {ACCOUNT}:x"}
    answer = httpx.get(f"{emulator.url}/{share.share_name}/d/f.txt", headers=headers)
    assert refusal(answer) == (403, "AuthenticationFailed")
    assert "15 minutes" in answer.text


@pytest.mark.parametrize(
    ("wanted", "status", "content", "said"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=8-1000", 206, b"89", "bytes 8-9/10"),
        (None, 200, b"0123456789", None),
    ],
)
def test_plain_gets_on_a_sas_link_honour_range(
    emulator: FilesServer,
    share: ShareClient,
    wanted: str | None,
    status: int,
    content: bytes,
    said: str | None,
) -> None:
    url = link(emulator, share, file_sas(share))
    answer = httpx.get(url, headers={"Range": wanted} if wanted else {})
    assert (answer.status_code, answer.content) == (status, content)
    assert answer.headers.get("Content-Range") == said
    assert answer.headers["Content-Length"] == str(len(content))
    assert answer.headers["ETag"]


def test_a_range_behind_the_end_is_416(emulator: FilesServer, share: ShareClient) -> None:
    answer = httpx.get(link(emulator, share, file_sas(share)), headers={"Range": "bytes=10-"})
    assert refusal(answer) == (416, "InvalidRange")
    assert answer.headers["Content-Range"] == "bytes */10"


def test_a_file_cut_short_while_it_is_sent_breaks_the_connection_off(
    emulator: FilesServer, emulator_root: Path, share: ShareClient
) -> None:
    """Its length was promised: a client must not take what came for the whole."""
    path = emulator_root / share.share_name / "d" / "f.txt"
    path.write_bytes(b"x" * 64 * 2**20)
    with (
        pytest.raises(httpx.RemoteProtocolError),
        httpx.stream("GET", link(emulator, share, file_sas(share))) as answer,
    ):
        os.truncate(path, 10)
        answer.read()


def test_a_sas_link_can_name_the_content_type(emulator: FilesServer, share: ShareClient) -> None:
    sas = file_sas(share, content_type="text/x-log", content_disposition="attachment; filename=log.txt")
    answer = httpx.get(link(emulator, share, sas))
    assert answer.headers["Content-Type"] == "text/x-log"
    assert answer.headers["Content-Disposition"] == "attachment; filename=log.txt"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"expiry": NOW - timedelta(minutes=1)}, "AuthenticationFailed"),
        ({"start": NOW + timedelta(days=1)}, "AuthenticationFailed"),
        ({"permission": "w"}, "AuthorizationPermissionMismatch"),
        ({"ip": "203.0.113.7"}, "AuthorizationSourceIPMismatch"),
        ({"protocol": "https"}, "AuthorizationProtocolMismatch"),
        ({"policy_id": "unknown"}, "AuthenticationFailed"),
    ],
)
def test_a_sas_is_held_to_its_word(
    emulator: FilesServer, share: ShareClient, options: dict[str, object], code: str
) -> None:
    assert refusal(httpx.get(link(emulator, share, file_sas(share, **options)))) == (403, code)


def test_a_sas_that_says_where_from_and_since_when(emulator: FilesServer, share: ShareClient) -> None:
    sas = file_sas(share, ip="127.0.0.1-127.0.0.9", start=NOW - HOURS, protocol="https,http")
    assert httpx.get(link(emulator, share, sas)).status_code == 200


def test_a_forged_sas_is_refused(emulator: FilesServer, share: ShareClient) -> None:
    sas = file_sas(share)
    wrong_key = generate_file_sas(
        ACCOUNT, share.share_name, ["d", "f.txt"], account_key=WRONG_KEY, permission="r", expiry=NOW + HOURS
    )
    later = sas.replace(f"{(NOW + HOURS):%Y}", f"{NOW.year + 1}")
    assert later != sas
    for url in (
        link(emulator, share, wrong_key),
        link(emulator, share, later),
        link(emulator, share, sas.replace("sp=r", "sp=rw")),
        link(emulator, share, sas, path="d/other.txt"),
        link(emulator, share, sas.replace("sr=f", "sr=s")),
    ):
        assert refusal(httpx.get(url)) == (403, "AuthenticationFailed")


def test_a_share_sas_is_for_one_share(
    service: ShareServiceClient, share: ShareClient, as_bearer: Callable[[str], ShareServiceClient]
) -> None:
    sas = generate_share_sas(ACCOUNT, share.share_name, KEY, permission="rcwdl", expiry=NOW + HOURS)
    other = service.create_share(f"{share.share_name}-2")
    with as_bearer(sas) as bearer:
        mine = bearer.get_share_client(share.share_name)
        assert [item.name for item in mine.list_directories_and_files("d")] == ["f.txt"]
        mine.create_directory("e")
        mine.get_file_client("e/g").upload_file(b"written by SAS")
        moved = mine.get_file_client("e/g").rename_file("e/h")
        assert moved.download_file().readall() == b"written by SAS"
        mine.get_file_client("e/copy").start_copy_from_url(f"{moved.url}")
        moved.delete_file()
        with pytest.raises(ClientAuthenticationError):
            list(bearer.get_share_client(other.share_name).list_directories_and_files())
        with pytest.raises(HttpResponseError) as refused:
            mine.delete_share()
        assert error_code(refused.value) == "AuthorizationResourceTypeMismatch"


def test_a_copy_needs_leave_to_read_its_source(
    share: ShareClient, as_bearer: Callable[[str], ShareServiceClient]
) -> None:
    writer = generate_share_sas(ACCOUNT, share.share_name, KEY, permission="cw", expiry=NOW + HOURS)
    source = f"{share.url}/d/f.txt"
    with as_bearer(writer) as bearer:
        target = bearer.get_share_client(share.share_name).get_file_client("copy")
        for url, code in (
            (source, "CannotVerifyCopySource"),
            (f"{source}?{writer}", "AuthorizationPermissionMismatch"),
            (f"{source}?{file_sas(share, expiry=NOW - HOURS)}", "AuthenticationFailed"),
        ):
            with pytest.raises(HttpResponseError) as refused:
                target.start_copy_from_url(url)
            assert (refused.value.status_code, error_code(refused.value)) == (403, code)
        target.start_copy_from_url(f"{source}?{file_sas(share)}")
    assert share.get_file_client("copy").download_file().readall() == b"0123456789"


def test_a_reader_may_not_write(share: ShareClient, as_bearer: Callable[[str], ShareServiceClient]) -> None:
    sas = generate_share_sas(ACCOUNT, share.share_name, KEY, permission="r", expiry=NOW + HOURS)
    with as_bearer(sas) as bearer:
        client = bearer.get_share_client(share.share_name).get_file_client("d/f.txt")
        assert client.download_file().readall() == b"0123456789"
        for action in (
            lambda: client.upload_range(b"x", 0, 1),
            lambda: client.resize_file(1),
            lambda: client.set_file_metadata({"a": "1"}),
            lambda: client.delete_file(),
            lambda: client.create_file(1),
            lambda: client.rename_file("d/g"),
            lambda: client.acquire_lease(),
        ):
            with pytest.raises(HttpResponseError) as refused:
                action()
            assert (refused.value.status_code, error_code(refused.value)) == (
                403,
                "AuthorizationPermissionMismatch",
            )


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"expiry": NOW - HOURS}, "AuthenticationFailed"),
        ({"permission": "w"}, "AuthorizationPermissionMismatch"),
        ({"resource_types": "sc"}, "AuthorizationResourceTypeMismatch"),
        ({"services": "bq"}, "AuthorizationServiceMismatch"),
    ],
)
def test_an_account_sas_is_held_to_its_word(
    emulator: FilesServer, share: ShareClient, options: dict[str, object], code: str
) -> None:
    least = {"resource_types": "sco", "permission": "rl", "expiry": NOW + HOURS, "services": "f"}
    given: dict[str, Any] = least | options
    sas = generate_account_sas(ACCOUNT, KEY, **given)
    assert refusal(httpx.get(link(emulator, share, sas))) == (403, code)


def test_an_account_sas_opens_everything_it_names(
    share: ShareClient, as_bearer: Callable[[str], ShareServiceClient]
) -> None:
    sas = generate_account_sas(ACCOUNT, KEY, "sco", "rwdlc", NOW + HOURS)
    with as_bearer(sas) as bearer:
        assert share.share_name in [found.name for found in bearer.list_shares()]
        mine = bearer.get_share_client(share.share_name)
        assert mine.get_share_properties().name == share.share_name
        mine.get_file_client("new").upload_file(b"x")
        mine.delete_share()


def test_a_stored_policy_gives_and_takes(emulator: FilesServer, share: ShareClient) -> None:
    policy = AccessPolicy(permission="r", expiry=NOW + HOURS)
    share.set_share_access_policy({"readers": policy})
    sas = generate_file_sas(ACCOUNT, share.share_name, ["d", "f.txt"], account_key=KEY, policy_id="readers")
    assert httpx.get(link(emulator, share, sas)).content == b"0123456789"
    assert httpx.delete(link(emulator, share, sas)).status_code == 403
    share.set_share_access_policy({})
    assert refusal(httpx.get(link(emulator, share, sas))) == (403, "AuthenticationFailed")
