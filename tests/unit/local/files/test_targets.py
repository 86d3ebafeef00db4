"""local.files.targets: no URL, however encoded, names anything outside a share."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.files import targets
from local.files.errors import FilesError
from local.files.targets import Target
from tests.support.cases import cases


@cases(
    ("path", "expected"),
    [
        ("/acc", Target("", "")),
        ("/acc/", Target("", "")),
        ("/acc/share", Target("share", "")),
        ("/acc/share/", Target("share", "")),
        ("/acc/share/a/b", Target("share", "a/b")),
        ("/acc/share/a%2Fb", Target("share", "a/b")),
        ("/acc/share/a//b/", Target("share", "a/b")),
        ("/acc/share/%C3%BC%20%25%2B+%23", Target("share", "ü %++#")),
        ("/acc/share/%2541", Target("share", "%41")),
        ("/acc/share/a./b..", Target("share", "a/b")),
        ("/acc/share/..a/.b", Target("share", "..a/.b")),
    ],
)
def test_what_urls_name(path: str, expected: Target) -> None:
    assert targets.parse(path, ("acc",)) == expected


def test_trailing_dots_are_kept_on_request() -> None:
    assert targets.parse("/acc/share/a./b..", ("acc",), keep_trailing_dots=True) == Target("share", "a./b..")


@cases(
    "path",
    [
        "/",
        "/other/share",
        "/acc/UPPER",
        "/acc/.meta/records.sqlite",
        "/acc/%2emeta/x",
        "/acc/a%2Fb/x",
        "/acc/..",
        "/acc/share/..",
        "/acc/share/../other",
        "/acc/share/a/%2e%2e/b",
        "/acc/share/a%2f..%2f..%2fb",
        "/acc/share/.",
        "/acc/share/...",
        "/acc/share/a%00b",
        "/acc/share/%ff",
        "/acc/share/%ed%a0%80",
        "/acc//path",
    ],
)
@cases("keep", [True, False])
def test_what_is_refused(path: str, keep: bool) -> None:
    if path == "/acc/share/..." and keep:
        return  # three dots are a file name where trailing dots are kept
    with pytest.raises(FilesError) as refused:
        targets.parse(path, ("acc",), keep_trailing_dots=keep)
    assert refused.value.status == 400


@given(st.text(), st.sets(st.sampled_from("/.%\0ab ")), st.booleans())
def test_no_path_leaves_its_share(text: str, safe: set[str], keep: bool) -> None:
    raw = quote(text.encode("utf-8", "surrogatepass"), safe="".join(safe))
    try:
        target = targets.parse(f"/acc/share/{raw}", ("acc",), keep_trailing_dots=keep)
    except FilesError as error:
        assert error.status == 400
        return
    assert target.share == "share"
    assert not target.path.startswith("/")
    assert "\0" not in target.path
    assert not {"", ".", ".."} & set(target.path.split("/")) or target.path == ""


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1)))
def test_every_other_name_arrives_as_it_is(names: list[str]) -> None:
    kept = [name for name in names if name not in (".", "..")]
    for separator in ("/", "%2F"):
        raw = separator.join(quote(name, safe="") for name in kept)
        parsed = targets.parse(f"/acc/share/{raw}", ("acc",), keep_trailing_dots=True)
        assert parsed == Target("share", "/".join(kept))


@cases("name", ["a:b", "a\\b", 'a"', "a|b", "<", ">", "*", "?", "tab\t", "x" * 256, "a/" * 250 + "a"])
def test_names_that_cannot_be_created(name: str) -> None:
    with pytest.raises(FilesError):
        targets.check_new_name(Target("share", name))


@pytest.mark.parametrize("name", ["a b", "ü%+#&'()[]{}~!@$^;=,", "漢字", "x" * 255, "a/" * 249 + "a"])
def test_names_that_can(name: str) -> None:
    targets.check_new_name(Target("share", name))


@pytest.mark.parametrize("name", ["abc", "a-b-c", "0ab", "x" * 63])
def test_share_names(name: str) -> None:
    assert targets.is_share_name(name)


@cases("name", ["", "ab", "x" * 64, "a--b", "-ab", "ab-", "Abc", "a_b", "a.b", "abc\n", "äbc"])
def test_no_share_names(name: str) -> None:
    assert not targets.is_share_name(name)
