"""Paths from documents never leave their root."""

import posixpath
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.names.paths import leaves_root, prefix_fault, relative_fault, rooted
from tests.support.cases import cases


@cases(
    "path",
    [
        "..",
        "a/../b",
        "../a",
        "/a",
        "a//b",
        "./a",
        "a/.",
        "a\\b",
        "a\0b",
        "a\nb",
        " ",
        "",
        "//",
        "a" * 256,
        "é" * 128,
        "a/" * 2001,
        "\uff0e\uff0e/a",
        "\u2025/a",
        "a\uff0fb",
        "a\u2215b",
        "a\u200bb",
        "a\u202eb",
        "a\u2028b",
    ],
)
def test_a_path_that_is_not_plain_is_refused(path: str) -> None:
    assert relative_fault(path)


@cases("path", ["a", "a/b", "a/", "größe/日本", "a b", "a.b", "..a", "a..", "$x", "-a", "a" * 255])
def test_a_plain_path_is_let_pass(path: str) -> None:
    assert relative_fault(path) is None


@given(st.text(st.characters() | st.sampled_from("./\\\uff0e\uff0f\u2025"), max_size=30))
@example("a/../../b")
def test_what_passes_stays_below_its_root(path: str) -> None:
    if relative_fault(path) is None:
        for form in (path, unicodedata.normalize("NFKC", path), unicodedata.normalize("NFC", path)):
            joined = posixpath.normpath(posixpath.join("/root/of/it", form))
            assert joined.startswith("/root/of/it/")
        assert all(unicodedata.category(c) not in ("Cc", "Cf") for c in path)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("$AZ_BATCHAI_MOUNT_ROOT/a", False),
        ("${AZ_BATCHAI_MOUNT_ROOT}/a", False),
        ("/mnt/a", False),
        ("logs", True),
        ("$A/../b", True),
        ("$A/\u202eb", True),
    ],
)
def test_prefixes(path: str, fault: bool) -> None:
    assert bool(prefix_fault(path)) is fault


@pytest.mark.parametrize(
    ("path", "leaves"),
    [
        ("..", True),
        ("../a", True),
        ("$A/b/../c", False),
        ("$A/..", True),
        ("$A/b/../../c", True),
        ("/x/./y", False),
    ],
)
def test_dots_of_inputs(path: str, leaves: bool) -> None:
    assert leaves_root(path) is leaves


def test_a_rooted_path_is_taken_apart() -> None:
    found = rooted("${AZ_X}/logs//a/./b")

    assert found is not None
    assert (found.variable, found.parts) == ("AZ_X", ("logs", "a", "b"))
    assert found.is_below("logs/a")
    assert not found.is_below("log")
    assert rooted("$AZ_X-y/logs") is None
