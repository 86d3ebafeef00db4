"""Which file of the console a path means, in which form, and that no path leads out of the folder."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.static_files import SAFE_HEADERS, find

SECRET = b"not of the console"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("files")
    files = root / "console_files"
    (files / "assets").mkdir(parents=True)
    (files / "index.html").write_bytes(b"<!doctype html>")
    (files / "assets/index-Dx1_a-9Z.js").write_bytes(b"plain")
    (files / "assets/index-Dx1_a-9Z.js.br").write_bytes(b"brotli")
    (files / "assets/index-Dx1_a-9Z.js.gz").write_bytes(b"gzip")
    (files / "assets/only.css").write_bytes(b"css")
    (files / "assets/only.css.gz").write_bytes(b"css gz")
    (files / "strange.exe").write_bytes(b"exe")
    (files / ".hidden.json").write_bytes(SECRET)
    (root / "secret.json").write_bytes(SECRET)
    (files / "out.json").symlink_to(root / "secret.json")
    (files / "out").symlink_to(root)
    return files


@pytest.mark.parametrize(
    ("accepted", "body", "encoding"),
    [
        ("gzip, deflate, br, zstd", b"brotli", "br"),
        ("GZIP;q=1.0", b"gzip", "gzip"),
        ("br;q=0, gzip", b"gzip", "gzip"),
        ("br;q=0.000", b"plain", None),
        ("br;q=0.5", b"brotli", "br"),
        ("identity", b"plain", None),
        ("", b"plain", None),
        (";;,=,q=0", b"plain", None),
    ],
)
def test_the_smallest_form_that_is_accepted(
    folder: Path, accepted: str, body: bytes, encoding: str | None
) -> None:
    found = find("assets/index-Dx1_a-9Z.js", accepted, folder)
    assert found and (found.body, found.headers.get("Content-Encoding")) == (body, encoding)
    assert found.kind == "text/javascript"
    assert found.headers["Vary"] == "Accept-Encoding"


def test_a_form_that_was_not_made_is_not_missed(folder: Path) -> None:
    found = find("assets/only.css", "br, gzip", folder)
    assert found and found.body == b"css gz"


def test_the_index_is_asked_for_anew_and_hashed_files_are_kept(folder: Path) -> None:
    index, asset = find("", "", folder), find("assets/only.css", "", folder)
    assert index and asset
    assert index.headers["Cache-Control"] == "no-cache"
    assert "immutable" in asset.headers["Cache-Control"]
    assert index.etag != asset.etag and index.etag.startswith('"')
    assert index == find("index.html", "", folder)


def test_every_file_is_sent_with_what_keeps_a_page_safe(folder: Path) -> None:
    found = find("", "", folder)
    assert found and SAFE_HEADERS.items() <= found.headers.items()
    policy = found.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy
    assert "unsafe" not in policy and "http" not in policy


@pytest.mark.parametrize(
    "path",
    [
        "../secret.json", "..", ".", "./index.html", "assets/../../secret.json", "assets//only.css",
        "/index.html",
        "..\\secret.json", "%2e%2e/secret.json", "..%2Fsecret.json", "assets%2Fonly.css", "index.html/",
        ".hidden.json", "out.json", "out/secret.json", "index.html\0", "index.html\n", "strange.exe",
        "assets",
        "assets/index-Dx1_a-9Z.js.br", "none.html", "a" * 5000 + ".html", "/" * 300 + "x.html", "C:/x.json",
        "\ud800.json", "assets.json", "index.html/x.json",
    ],
)  # fmt: skip
def test_no_path_leads_elsewhere(folder: Path, path: str) -> None:
    assert find(path, "br, gzip", folder) is None


@given(st.lists(st.sampled_from(["..", ".", "/", "\\", "%2f", "secret.json", "out", "assets", "", "\0"])))
def test_whatever_is_made_of_such_parts(folder: Path, parts: list[str]) -> None:
    for path in ("/".join(parts), "".join(parts)):
        found = find(path, "", folder)
        assert found is None or found.body != SECRET


def test_where_nothing_is_built_there_is_nothing(tmp_path: Path) -> None:
    assert find("", "", tmp_path / "none") is None
