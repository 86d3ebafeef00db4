"""Reading /proc/self/mountinfo."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.machine import mountinfo
from runner.machine.mountinfo import Mount, holding, parse
from runner.mounts import write_back

LINES = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
42 27 0:39 / /tmp/m\\040x rw,nosuid,nodev,relatime shared:7 master:1 - fuse.rclone vol{-KJe7}:data rw
43 27 0:40 / /mnt/a\\134b\\012c rw - cifs //a.file.core.windows.net/s\\040t rw,vers=3.1.1
44 27 0:41 / /mnt/old rw - nfs4 host:/x rw
nonsense
1 2 3
"""


def test_the_fields_of_a_line() -> None:
    found = parse(LINES)
    assert found[1] == Mount(
        "/tmp/m x", "fuse.rclone", "vol{-KJe7}:data", ("rw", "nosuid", "nodev", "relatime"), True, "0:39"
    )
    assert found[2].target == "/mnt/a\\b\nc" and found[2].source == "//a.file.core.windows.net/s t"
    assert [mount.fstype for mount in found] == ["proc", "fuse.rclone", "cifs", "nfs4"]


def test_the_mount_that_a_path_lies_on_is_the_deepest_and_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tuple(
        Mount(target, kind, "", ())
        for target, kind in (
            ("/", "ext4"),
            ("/mnt", "nfs4"),
            ("/mnt/a", "cifs"),
            ("/mnt", "tmpfs"),
            ("/mnt/ab", "fuse"),
        )
    )
    monkeypatch.setattr(mountinfo, "current", lambda: mounts)
    wanted = {"/mnt/a/b": "cifs", "/mnt/x": "tmpfs", "/mnt": "tmpfs", "/home": "ext4", "/mnt/abc": "tmpfs"}
    assert {path: getattr(holding(Path(path)), "fstype", "") for path in wanted} == wanted


def test_what_has_farther_to_go_than_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kinds = tmp_path / "filesystems"
    kinds.write_text("nodev\tsysfs\nnodev\toverlay\n\text4\n\tfuseblk\nnodev\tfuse\nnodev\tcifs\n")
    monkeypatch.setattr(write_back, "_FILESYSTEMS", kinds)
    remote = [
        k
        for k in ("ext4", "fuseblk", "overlay", "tmpfs", "cifs", "nfs4", "fuse.rclone")
        if write_back.is_remote(Mount("/", k, "", ()))
    ]
    assert remote == ["cifs", "nfs4", "fuse.rclone"]


def test_what_counts_as_fuse() -> None:
    kinds = ("fuse", "fuse.sshfs", "fuseblk", "fusectl", "nfs4", "cifs")
    assert [Mount("/", kind, "", ()).is_fuse for kind in kinds] == [True, True, True, False, False, False]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_path_survives_the_kernels_escapes(name: str) -> None:
    path = f"/{name}"  # a mount point is absolute; a word "-" of its own ends the optional fields
    escaped = "".join(f"\\{ord(c):03o}" if c in " \t\n\\" else c for c in path)
    if any(c in escaped for c in "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"):
        return  # splitlines() would split there; the kernel writes bytes and knows \\n only
    assert parse(f"1 2 0:1 / {escaped} rw - tmpfs none rw")[0].target == path
