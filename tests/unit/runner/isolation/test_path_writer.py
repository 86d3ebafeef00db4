"""What the writer child does, without the child."""

import io
import json
from pathlib import Path

from runner.isolation.path_writer import main

Request = tuple[dict[str, object], bytes]


def ask(folder: Path, *requests: Request) -> list[str]:
    sent = b"".join(
        json.dumps({"root": "/", "inner": str(folder), "user": None, "length": len(data)} | request).encode()
        + b"\n"
        + data
        for request, data in requests
    )
    answers = io.BytesIO()
    main(io.BytesIO(sent), answers)
    return answers.getvalue().decode().splitlines()


START: dict[str, object] = {"do": "start", "name": "out.txt", "previous": ""}


def append(offset: int) -> dict[str, object]:
    return {"do": "append", "name": "out.txt", "offset": offset}


def test_a_file_grows_and_a_repeated_append_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "a/b"
    requests: list[tuple[dict[str, object], bytes]] = [
        ({"do": "create"}, b""),
        (START, b""),
        (append(0), b"one\n"),
        (append(4), b"t\nwo\0"),
    ]
    assert ask(folder, *requests, (append(4), b"t\nwo\0")) == ["ok"] * 5
    assert (folder / "out.txt").read_bytes() == b"one\nt\nwo\0"


def test_an_earlier_attempt_is_kept(tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("first")
    again = START | {"previous": "out.attempt-1.txt"}
    assert ask(tmp_path, (again, b""), (append(0), b"second")) == ["ok", "ok"]
    assert (tmp_path / "out.attempt-1.txt").read_text() == "first"
    assert (tmp_path / "out.txt").read_text() == "second"


def test_a_fault_is_reported_and_a_link_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("untouched")
    (tmp_path / "out.txt").symlink_to(outside)
    first, second = ask(tmp_path / "missing", (START, b""), ({"do": "create"}, b""))
    assert "No such file" in first and second == "ok"
    (reported,) = ask(tmp_path, (START, b""))
    assert reported != "ok" and outside.read_text() == "untouched"


def test_no_link_on_the_way_is_followed_below_the_root(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "volume"
    root.mkdir()
    (root / "climb").symlink_to("../outside")
    below: dict[str, object] = {"root": str(root), "inner": "climb/logs"}
    made, started = ask(root, ({"do": "create"} | below, b""), (START | below, b""))
    assert made == started == "'climb' is a symbolic link, which is not followed"
    assert not any(outside.iterdir())


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    (tmp_path / "premounted").symlink_to(share)
    below: dict[str, object] = {"root": str(tmp_path / "premounted"), "inner": "a/b"}
    assert ask(share, ({"do": "create"} | below, b""), (START | below, b"")) == ["ok", "ok"]
    assert (share / "a/b/out.txt").exists()
