"""URLs of file shares, as Azure and as emulators write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.names.file_urls import FileShareUrl, account_of, file_share
from tests.support.cases import cases


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "https://acct.file.core.windows.net/share",
            FileShareUrl("acct", "share", "https://acct.file.core.windows.net"),
        ),
        (
            "https://acct.file.core.windows.net/share/",
            FileShareUrl("acct", "share", "https://acct.file.core.windows.net"),
        ),
        (
            "https://acct.file.core.chinacloudapi.cn/s-1",
            FileShareUrl("acct", "s-1", "https://acct.file.core.chinacloudapi.cn"),
        ),
        (
            "http://127.0.0.1:10003/devstoreaccount1/share",
            FileShareUrl("devstoreaccount1", "share", "http://127.0.0.1:10003/devstoreaccount1"),
        ),
        ("http://localhost:1/acct/share", FileShareUrl("acct", "share", "http://localhost:1/acct")),
        ("http://[::1]:1/acct/share", FileShareUrl("acct", "share", "http://[::1]:1/acct")),
        (
            "http://emu.example.org:1/acct/share",
            FileShareUrl("acct", "share", "http://emu.example.org:1/acct"),
        ),
    ],
)
def test_a_share_is_read(url: str, expected: FileShareUrl) -> None:
    assert file_share(url) == expected
    assert account_of(url) == expected.account


@cases(
    "url",
    [
        "",
        "share",
        "//acct.file.core.windows.net/share",
        "ftp://acct.file.core.windows.net/share",
        "https://acct.file.core.windows.net",
        "https://acct.file.core.windows.net/a/b",
        "https://acct.file.core.windows.net/share?sv=1&sig=secret",
        "https://u:secret@acct.file.core.windows.net/share",
        "https://acct.file.core.windows.net/UPPER",
        "https://acct.file.core.windows.net/a--b",
        "https://acct.file.core.windows.net:x/share",
        "http://127.0.0.1:10003/share",
        "https://[::1/share",
    ],
)
def test_an_ill_formed_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"^Ill-formed Azure File URL$"):
        file_share(url)


def test_the_account_of_a_template_is_the_placeholder() -> None:
    """The original took the account from the URL before it filled the placeholder in."""
    assert account_of("https://<AZURE_BATCHAI_STORAGE_ACCOUNT>.file.core.windows.net/logs") == (
        "<AZURE_BATCHAI_STORAGE_ACCOUNT>"
    )


@given(st.text() | st.from_regex(r"https?://\S*", fullmatch=True))
def test_nothing_but_value_error(url: str) -> None:
    account_of(url)
    try:
        file_share(url)
    except ValueError as fault:
        assert str(fault) == "Ill-formed Azure File URL"
