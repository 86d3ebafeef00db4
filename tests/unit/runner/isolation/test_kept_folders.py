"""Of the last job's folders what the next one has, too, is left, and nothing else."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.isolation import kept_folders
from tests.support.examples import examples


def _tree(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """As the last job leaves it."""
    root = tmp_path / "jobs"
    folder = root / "ws/exp/j1/mounts/sub/jobs/j1/uuid1/stdouterr"
    folder.mkdir(parents=True)
    (folder / "stdout.txt").write_text("of the last job")
    (root / "ws/exp/j1/wd").mkdir()
    (root / "ws/exp/j1/wd/left").write_text("")
    return root


_NEXT = "ws/exp/j2/mounts/sub/jobs/j2/uuid2/stdouterr"


def test_the_same_folders_are_there_under_the_next_jobs_names(root: Path) -> None:
    inodes = [path.stat().st_ino for path in sorted(root.rglob("*")) if path.is_dir() and path.name != "wd"]
    kept_folders.keep(root, f"{root}/{_NEXT}")
    folders = [Path(_NEXT), *Path(_NEXT).parents][:-1]
    assert _tree(root) == sorted(map(str, folders))
    assert sorted(path.stat().st_ino for path in root.rglob("*")) == sorted(inodes)


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o500, 0o1755, 0o2755])
def test_a_folder_that_was_changed_is_removed_with_all_in_it(root: Path, mode: int) -> None:
    (root / "ws/exp/j1/mounts").chmod(mode)
    kept_folders.keep(root, f"{root}/{_NEXT}")
    assert _tree(root) == ["ws", "ws/exp", "ws/exp/j2"]


def test_a_link_in_the_place_of_a_folder_leads_nowhere(root: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "sub").mkdir(parents=True)
    (elsewhere / "sub/data").write_text("somebody's")
    (root / "ws/exp/j1/mounts").rename(tmp_path / "moved")
    (root / "ws/exp/j1/mounts").symlink_to(elsewhere)
    kept_folders.keep(root, f"{root}/{_NEXT}")
    assert _tree(root) == ["ws", "ws/exp", "ws/exp/j2"]
    assert (elsewhere / "sub/data").read_text() == "somebody's"


@pytest.mark.parametrize("kind", ["file", "fifo", "nothing"])
def test_what_is_no_folder_is_removed(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "jobs"
    if kind == "file":
        root.write_text("")
    elif kind == "fifo":
        os.mkfifo(root)
    kept_folders.keep(root, f"{root}/{_NEXT}")
    assert not root.exists()


def test_more_entries_than_are_read_at_once_are_removed(root: Path) -> None:
    for number in range(1200):
        (root / f"ws/exp/j1/mounts/sub/{number}").write_text("")
    kept_folders.keep(root, f"{root}/{_NEXT}")
    assert not [path for path in root.rglob("*") if not path.is_dir()]


_NAMES = st.sampled_from(["ws", "exp", "j1", "j2", "mounts", "uuid2", "x"])
_ENTRIES = st.lists(
    st.tuples(
        st.lists(_NAMES, min_size=1, max_size=5),
        st.sampled_from(["folder", "file", "link"]),
        st.sampled_from([0o755, 0o700, 0o750, 0o777, 0o000]),
    ),
    max_size=12,
)


@settings(max_examples=examples(300))
@given(entries=_ENTRIES)
def test_whatever_was_there_only_empty_folders_on_the_way_are_left(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[list[str], str, int]]
) -> None:
    root = tmp_path_factory.mktemp("kept") / "jobs"
    root.mkdir()
    for names, kind, mode in entries:
        path = root.joinpath(*names)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == "folder":
                path.mkdir()
                path.chmod(mode)
            elif kind == "file":
                path.write_text("left")
            else:
                path.symlink_to(root)
        except OSError:
            continue  # below a file, a link, or a closed folder
    kept_folders.keep(root, f"{root}/{_NEXT}")
    way = {_NEXT, *map(str, Path(_NEXT).parents)}
    assert set(_tree(root)) <= way
    for path in [root, *root.rglob("*")]:
        found = path.lstat()
        assert stat.S_ISDIR(found.st_mode) and found.st_mode & 0o022 == 0
