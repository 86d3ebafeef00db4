"""The data directory of the local stack."""

from pathlib import Path

import pytest

from local.layout import DataDirectory


@pytest.mark.parametrize("before", [None, 0o755])
def test_it_is_its_users_alone(tmp_path: Path, before: int | None) -> None:
    root = tmp_path / "above/.local"
    if before is not None:
        root.mkdir(parents=True)
        root.chmod(before)
    DataDirectory(root).make()
    assert root.stat().st_mode & 0o777 == 0o700
    (root / "kept").touch()
    DataDirectory(root).make()
    assert (root / "kept").exists()
