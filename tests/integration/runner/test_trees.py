"""Folders that somebody has made to be hard to remove."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.machine import tree_removal

LEVELS = 1200  #: more than Python calls itself


def deep(root: Path, levels: int, name: str) -> None:
    """Folders in each other, a file and a link in the last: by descending, as the path would be too long."""
    root.mkdir()
    here = os.open(root, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.symlink("/etc", "link", dir_fd=here)
    os.close(here)


@pytest.mark.parametrize("name", ["d", "n" * 255])
def test_no_depth_is_too_deep(tmp_path: Path, name: str) -> None:
    deep(tmp_path / "tree", LEVELS, name)
    tree_removal.remove(tmp_path / "tree")
    assert not any(tmp_path.iterdir())


def test_folders_with_many_entries_and_names_of_any_bytes(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for number in range(20):
        (tree / str(number) / os.fsdecode(b"\xff\xfe\n") / "x").mkdir(parents=True)
        for file in range(20):
            (tree / str(number) / os.fsdecode(b"%d \xe9" % file)).touch()
    for file in range(1200):
        (tree / f"file {file}").touch()
    tree_removal.remove(tmp_path / "tree")
    assert not any(tmp_path.iterdir())


def test_each_folder_on_a_way_without_turnings_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of a job's logs lies ten levels deep."""
    deep(tmp_path / "tree", 10, "d")
    read: list[int] = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: [read.append(folder), scan(folder)][1])
    tree_removal.remove(tmp_path / "tree")
    assert not any(scan(tmp_path))
    assert len(read) == 11


def test_what_comes_meanwhile_is_removed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into a folder in which nothing was left but the one that has just been emptied."""
    deep(tmp_path / "tree", 3, "d")
    remove = os.rmdir
    before: list[str] = []

    def rmdir(name: str, *, dir_fd: int) -> None:
        remove(name, dir_fd=dir_fd)
        if not before:
            before.append(name)
            os.close(os.open("late", os.O_CREAT | os.O_WRONLY, dir_fd=dir_fd))

    monkeypatch.setattr(os, "rmdir", rmdir)
    tree_removal.remove(tmp_path / "tree")
    assert before == ["d"]
    assert not any(tmp_path.iterdir())


def test_what_lies_beside_is_not_touched(tmp_path: Path) -> None:
    deep(tmp_path / "tree", 3, "d")
    (tmp_path / "beside").mkdir()
    tree_removal.remove(tmp_path / "tree")
    assert [path.name for path in tmp_path.iterdir()] == ["beside"]


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "link").symlink_to(kept)
    (tree / "dangling").symlink_to("nowhere")
    os.mkfifo(tree / "fifo")
    (tmp_path / "itself").symlink_to(kept)
    tree_removal.remove(tree)
    tree_removal.remove(tmp_path / "itself")
    tree_removal.remove(tmp_path / "missing")
    tree_removal.remove(tmp_path / "missing/too")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"] and (kept / "file").exists()


def _closed(tree: Path) -> None:
    (tree / "a/b/c").mkdir(parents=True)
    (tree / "a/b/file").touch(mode=0o000)
    (tree / "a/sticky").mkdir(mode=0o1000)
    for folder, mode in (("a/b/c", 0o000), ("a/b", 0o000), ("a", 0o500), ("", 0o600)):
        (tree / folder).chmod(mode)


def _remove_as_nobody(tree: Path) -> None:
    """As a runner that is not root, for which closed folders are closed."""
    user = 65534 if os.geteuid() == 0 else os.geteuid()
    tree.parent.chmod(0o777)
    code = (
        "import os; from pathlib import Path; from runner.machine import tree_removal\n"
        "from tests.integration.runner import test_trees\n"
        f"os.setresgid({user}, {user}, {user}); os.setresuid({user}, {user}, {user})\n"
        f"tree = Path({str(tree)!r}); tree.mkdir(); test_trees._closed(tree); tree_removal.remove(tree)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def _remove_as_ourselves(tree: Path) -> None:
    tree.mkdir()
    _closed(tree)
    tree_removal.remove(tree)


@pytest.mark.parametrize("as_whom", [_remove_as_ourselves, _remove_as_nobody])
def test_modes_close_nothing_to_who_made_it(as_whom: Callable[[Path], None]) -> None:
    # Not below pytest's folder, which another user cannot reach.
    place = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    try:
        as_whom(place / "tree")
        assert not any(place.iterdir())
    finally:
        tree_removal.remove(place)


def _attributes_can_be_set(folder: Path) -> bool:
    return subprocess.run(["chattr", "+i", folder], check=False, capture_output=True).returncode == 0


def test_immutable_files_and_folders_go(tmp_path: Path) -> None:
    probe = tmp_path / "probe"
    probe.mkdir()
    if not _attributes_can_be_set(probe):
        pytest.skip("only root may make files immutable, and not on every file system")
    (tmp_path / "tree/inner").mkdir(parents=True)
    (tmp_path / "tree/inner/file").touch()
    subprocess.run(["chattr", "+i", tmp_path / "tree/inner/file"], check=True)
    subprocess.run(["chattr", "+a", tmp_path / "tree/inner", tmp_path / "tree"], check=True)
    tree_removal.remove(tmp_path / "tree")
    tree_removal.remove(probe)
    assert not any(tmp_path.iterdir())


def test_what_is_mounted_stays(tmp_path: Path) -> None:
    """Whoever asks has looked whether anything is: this is for what has come meanwhile."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    data, place = tmp_path / "data", tmp_path / "tree/a/mount"
    data.mkdir()
    (data / "file").touch()
    place.mkdir(parents=True)
    subprocess.run(["mount", "--bind", data, place], check=True)  # of the same file system
    try:
        with pytest.raises(OSError, match="something is mounted at 'mount'"):
            tree_removal.remove(tmp_path / "tree")
        assert (data / "file").exists()
    finally:
        subprocess.run(["umount", place], check=True)
    tree_removal.remove(tmp_path / "tree")


def test_what_cannot_be_removed_is_reported_or_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(OSError):
        tree_removal.remove(Path("/proc/self/fdinfo"))
    tree_removal.discard(Path("/proc/self/fdinfo"))
    assert "/proc/self/fdinfo is left behind" in caplog.text


def test_files_below_a_folder_are_found_at_any_depth(tmp_path: Path) -> None:
    deep(tmp_path / "tree", 1100, "d")
    assert [path.name for path in tree_removal.files(tmp_path / "tree")] == ["file"]
    tree_removal.remove(tmp_path / "tree")
