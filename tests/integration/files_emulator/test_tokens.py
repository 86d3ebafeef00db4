"""Bearer tokens: whose are taken, and which links the keys sign that they are given."""

import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest
from azure.storage.fileshare import ShareServiceClient, UserDelegationKey, generate_file_sas

from local.files.server import ACCOUNT, FilesServer

VERSION = "2025-07-05"
STORAGE = "https://storage.azure.com"
CONTENT = b"0123456789"


def token(**changes: object) -> str:
    """A token as Entra issues it, signed by nobody; a claim that is None is left out."""
    now = int(time.time())
    claims: dict[str, object] = {"aud": STORAGE, "oid": "o", "tid": "t", "nbf": now - 60, "exp": now + 3600}
    kept = {name: value for name, value in (claims | changes).items() if value is not None}
    part = base64.urlsafe_b64encode(json.dumps(kept).encode()).decode().rstrip("=")
    return f"e30.{part}.c2ln"


def headers(bearer: str, intent: str | None = "backup") -> dict[str, str]:
    said = {"x-ms-file-request-intent": intent} if intent is not None else {}
    return {"Authorization": f"Bearer {bearer}", "x-ms-version": VERSION} | said


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilesServer]:
    """An account whose key opens nothing, with a file in it."""
    root: Path = tmp_path_factory.mktemp("closed")
    with FilesServer(root, takes_keys=False) as server:
        made = httpx.put(f"{server.url}/one?restype=share", headers=headers(token()))
        assert made.status_code == 201, made.text
        (root / "one" / "f.txt").write_bytes(CONTENT)
        yield server


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("x-ms-error-code", "")


@pytest.mark.parametrize("audience", [STORAGE, f"{STORAGE}/", f"https://{ACCOUNT}.file.core.windows.net"])
def test_a_token_for_storage_is_taken(closed: FilesServer, audience: str) -> None:
    answer = httpx.get(f"{closed.url}/one/f.txt", headers=headers(token(aud=audience)))
    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://vault.azure.net"},
        {"aud": "https://other.file.core.windows.net"},
        {"aud": f"https://{ACCOUNT}.blob.core.windows.net"},
        {"aud": None},
        {"exp": int(time.time()) - 1},
        {"exp": None},
        {"exp": "later"},
        {"nbf": int(time.time()) + 3600},
        {"nbf": None},
    ],
)
def test_a_token_for_something_else_or_another_time_is_refused(
    closed: FilesServer, claims: dict[str, object]
) -> None:
    answer = httpx.get(f"{closed.url}/one/f.txt", headers=headers(token(**claims)))
    assert refusal(answer) == (401, "InvalidAuthenticationInfo")
    assert CONTENT not in answer.content


@pytest.mark.parametrize("text", ["x", "a.b.c", "e30.W10.c2ln", "e30.ew.c2ln"])
def test_what_is_no_token_is_refused(closed: FilesServer, text: str) -> None:
    answer = httpx.get(f"{closed.url}/one/f.txt", headers=headers(text))
    assert refusal(answer) == (401, "InvalidAuthenticationInfo")


@pytest.mark.parametrize("intent", [None, "", "restore"])
def test_a_token_without_the_intent_of_a_backup_is_refused(closed: FilesServer, intent: str | None) -> None:
    for method, path in (("GET", "one/f.txt"), ("PUT", "two?restype=share"), ("DELETE", "one/f.txt")):
        answer = httpx.request(method, f"{closed.url}/{path}", headers=headers(token(), intent))
        assert answer.status_code == 400, path
        assert answer.headers["x-ms-error-code"] == "MissingRequiredHeader"
    assert httpx.get(f"{closed.url}/one/f.txt", headers=headers(token())).content == CONTENT


def test_the_key_of_an_account_that_takes_tokens_only_is_refused(closed: FilesServer) -> None:
    with (
        ShareServiceClient.from_connection_string(closed.connection_string, retry_total=0) as client,
        pytest.raises(Exception) as refused,
    ):
        client.create_share("by-key")
    assert getattr(refused.value, "error_code", "") == "KeyBasedAuthenticationNotPermitted"


def delegation_key(server: FilesServer, begin: datetime, end: datetime) -> UserDelegationKey:
    times = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (begin, end))
    body = "<KeyInfo><Start>{}</Start><Expiry>{}</Expiry></KeyInfo>".format(*times)
    url = f"{server.url}/?restype=service&comp=userdelegationkey"
    answer = httpx.post(url, content=body, headers=headers(token(), None))
    assert answer.status_code == 200, answer.text
    found = ElementTree.fromstring(answer.content)
    key = UserDelegationKey()
    for name in ("oid", "tid", "start", "expiry", "service", "version"):
        setattr(key, f"signed_{name}", found.findtext(f"Signed{name.capitalize()}"))
    key.value = found.findtext("Value")
    return key


def link(server: FilesServer, key: UserDelegationKey) -> str:
    soon = datetime.now(UTC) + timedelta(minutes=5)
    sas = generate_file_sas(ACCOUNT, "one", ["f.txt"], user_delegation_key=key, permission="r", expiry=soon)
    return f"{server.url}/one/f.txt?{sas}"


def test_a_link_signed_by_a_user_delegation_key_is_taken(closed: FilesServer) -> None:
    now = datetime.now(UTC)
    opened = link(closed, delegation_key(closed, now - timedelta(minutes=1), now + timedelta(hours=1)))
    assert httpx.get(opened).content == CONTENT
    forged = opened.replace("skoid=o", "skoid=p")
    assert forged != opened
    assert refusal(httpx.get(forged)) == (403, "AuthenticationFailed")


def test_a_link_of_a_key_whose_time_is_over_is_refused(closed: FilesServer) -> None:
    now = datetime.now(UTC)
    over = link(closed, delegation_key(closed, now - timedelta(hours=2), now - timedelta(hours=1)))
    assert refusal(httpx.get(over)) == (403, "AuthenticationFailed")


def test_a_user_delegation_key_is_for_bearers_only(emulator: FilesServer) -> None:
    """Not for whoever has the account's key, whose links say so."""
    with ShareServiceClient.from_connection_string(emulator.connection_string, retry_total=0) as client:
        begin = datetime.now(UTC)
        with pytest.raises(Exception) as refused:
            client.get_user_delegation_key(start=begin, expiry=begin + timedelta(hours=1))
    assert getattr(refused.value, "error_code", "") == "AuthenticationFailed"
