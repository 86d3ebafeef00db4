"""local.files.sharedkey and local.files.sas: strings to sign written out by the reference's rules."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.files import sas, sharedkey
from local.files.errors import FilesError
from local.files.sas import Need, Policy
from local.files.targets import Target
from tests.support.cases import cases

KEY = b"secret key"
NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
DATE = "Sat, 31 Jan 2026 12:00:00 GMT"
READ = Need("o", "r", "sf")


def test_the_string_to_sign_of_a_put() -> None:
    headers = {
        "content-length": "4",
        "content-type": "application/octet-stream",
        "host": "127.0.0.1",
        "x-ms-date": DATE,
        "date": "ignored where x-ms-date is",
        "x-ms-range": " bytes=0-3 ",
        "if-match": '"0x1"',
    }
    (text,) = sharedkey.strings_to_sign("PUT", headers, "/acc/share/a%20b", "comp=range&Timeout=5", "acc")
    assert text == (
        "PUT\n\n\n4\n\napplication/octet-stream\n\n\n"
        '"0x1"\n\n\n\n'
        f"x-ms-date:{DATE}\nx-ms-range:bytes=0-3\n"
        "/acc/acc/share/a%20b\ncomp:range\ntimeout:5"
    )


def test_an_empty_body_has_no_length_in_it() -> None:
    (text,) = sharedkey.strings_to_sign("GET", {"content-length": "0"}, "/acc", "", "acc")
    assert text == "GET" + "\n" * 12 + "/acc/acc"


def test_both_orders_of_headers_are_candidates() -> None:
    headers = {"x-ms-meta-ab": "1", "x-ms-meta-a-c": "2", "x-ms-meta-a_c": "3", "x-ms-meta-a1": "4"}
    texts = sharedkey.strings_to_sign("GET", headers, "/acc", "", "acc")
    orders = [[line.split(":")[0][10:] for line in text.split("\n") if ":" in line] for text in texts]
    assert orders == [["a_c", "a1", "ab", "a-c"], ["a-c", "a1", "a_c", "ab"]]


def test_a_plus_in_a_query_is_a_plus_or_a_space() -> None:
    texts = sharedkey.strings_to_sign("GET", {}, "/acc", "prefix=a+b%2Bc", "acc")
    assert [text.rpartition("\n")[2] for text in texts] == ["prefix:a+b+c", "prefix:a b+c"]


def signed(now: datetime = NOW, **changes: str) -> dict[str, str]:
    headers = {"x-ms-date": DATE}
    (text,) = sharedkey.strings_to_sign("GET", headers, "/acc/s", "", "acc")
    return {**headers, "authorization": f"SharedKey acc:{sharedkey.sign(KEY, text)}", **changes}


def check_key(headers: dict[str, str], now: datetime = NOW) -> None:
    sharedkey.check("GET", headers, "/acc/s", "", account="acc", key=KEY, now=now)


def test_a_good_signature_is_let_in_for_a_quarter_of_an_hour() -> None:
    check_key(signed())
    check_key(signed(), NOW + timedelta(minutes=14))
    for late in (NOW + timedelta(minutes=16), NOW - timedelta(minutes=16)):
        with pytest.raises(FilesError, match="15 minutes"):
            check_key(signed(), late)


@cases(
    "changes",
    [
        {"authorization": "SharedKey acc:"},
        {"authorization": "SharedKey acc:bm9uc2Vuc2U="},
        {"authorization": "SharedKey acc:é"},
        {"authorization": "SharedKey other:x"},
        {"authorization": "Bearer x"},
        {"authorization": ""},
        {"x-ms-date": "yesterday"},
        {"x-ms-date": ""},
        {"x-ms-extra": "1"},
    ],
)
def test_anything_else_is_not(changes: dict[str, Any]) -> None:
    with pytest.raises(FilesError) as refused:
        check_key(signed(**changes))
    assert refused.value.status == 403


def service_sas(**changes: str) -> dict[str, str]:
    query = {"sp": "r", "se": "2026-01-31T13:00:00Z", "sv": "2026-10-06", "sr": "f", **changes}
    path = "/s/d/f" if query["sr"] == "f" else "/s"
    lines = [query.get(name, "") for name in ("sp", "st", "se")]
    lines += [f"/file/acc{path}"]
    lines += [
        query.get(name, "") for name in ("si", "sip", "spr", "sv", "rscc", "rscd", "rsce", "rscl", "rsct")
    ]
    return {**query, "sig": sharedkey.sign(KEY, "\n".join(lines))}


def account_sas(**changes: str) -> dict[str, str]:
    query = {"sp": "rl", "ss": "bf", "srt": "co", "se": "2026-01-31T13:00:00Z", "sv": "2026-10-06", **changes}
    names = ["sp", "ss", "srt", "st", "se", "sip", "spr", "sv"] + (["ses"] if query["sv"] > "2020-12" else [])
    lines = ["acc", *(query.get(name, "") for name in names), ""]
    return {**query, "sig": sharedkey.sign(KEY, "\n".join(lines))}


def check_sas(
    query: dict[str, str], need: Need = READ, client: str = "10.0.0.5", stored: Policy | None = None
) -> None:
    sas.check(
        query,
        Target("s", "d/f"),
        need,
        account="acc",
        key=KEY,
        now=NOW,
        client=client,
        policy=lambda name: stored if name == "known" else None,
    )


def test_good_signatures() -> None:
    check_sas(service_sas())
    check_sas(service_sas(sr="s"))
    check_sas(account_sas())
    check_sas(account_sas(sv="2019-02-02"))
    check_sas(service_sas(sip="10.0.0.1-10.0.0.9", spr="https,http", st="2026-01-31"))
    check_sas(service_sas(se="2026-01-31T14:30:00+02:00"))
    check_sas(service_sas(sp="", se="", si="known"), stored=Policy("r", "", "2026-01-31T13:00Z"))


@cases(
    ("query", "need", "code"),
    [
        (service_sas() | {"sp": "rw"}, READ, "AuthenticationFailed"),
        (service_sas() | {"sr": "s"}, READ, "AuthenticationFailed"),
        (service_sas() | {"sig": "é"}, READ, "AuthenticationFailed"),
        (service_sas(sr="b"), READ, "AuthenticationFailed"),
        (service_sas(se="2026-01-31T11:59:59Z"), READ, "AuthenticationFailed"),
        (service_sas(st="2026-01-31T12:00:01Z"), READ, "AuthenticationFailed"),
        (service_sas(se=""), READ, "AuthenticationFailed"),
        (service_sas(se="soon"), READ, "AuthenticationFailed"),
        (service_sas(si="unknown"), READ, "AuthenticationFailed"),
        (service_sas() | {"skoid": "x"}, READ, "AuthenticationFailed"),
        (service_sas(sp="wdlc"), READ, "AuthorizationPermissionMismatch"),
        (service_sas(), Need("c", "l", "s"), "AuthorizationResourceTypeMismatch"),
        (service_sas(sr="s"), Need("c", "r"), "AuthorizationResourceTypeMismatch"),
        (service_sas(spr="https"), READ, "AuthorizationProtocolMismatch"),
        (service_sas(sip="10.0.0.6"), READ, "AuthorizationSourceIPMismatch"),
        (service_sas(sip="nonsense"), READ, "AuthorizationSourceIPMismatch"),
        (service_sas(sip="::1"), READ, "AuthorizationSourceIPMismatch"),
        (account_sas(ss="bqt"), READ, "AuthorizationServiceMismatch"),
        (account_sas(srt="sc"), READ, "AuthorizationResourceTypeMismatch"),
        (account_sas(sp="wdlc"), READ, "AuthorizationPermissionMismatch"),
        (account_sas() | {"srt": "sco"}, READ, "AuthenticationFailed"),
    ],
)
def test_refusals(query: dict[str, str], need: Need, code: str) -> None:
    with pytest.raises(FilesError) as refused:
        check_sas(query, need)
    assert refused.value.code == code


def test_what_a_stored_policy_lacks_must_be_in_the_signature() -> None:
    with pytest.raises(FilesError, match="no expiry"):
        check_sas(service_sas(se="", si="known"), stored=Policy("r"))
    with pytest.raises(FilesError) as refused:
        check_sas(service_sas(sp="", si="known"), stored=Policy())
    assert refused.value.code == "AuthorizationPermissionMismatch"
