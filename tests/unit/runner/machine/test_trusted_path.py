"""A path of a document on what can be trusted."""

from runner.machine.trusted_path import TrustedPath


def test_a_path_is_written_as_root_and_inner() -> None:
    assert str(TrustedPath("/mnt/volume", "a/b")) == "/mnt/volume/a/b"
    assert str(TrustedPath("", "/tmp/x")) == "/tmp/x"
