"""The name of a node is that of its virtual machine, and the host's elsewhere."""

import socket

import pytest

from runner.machine import instance


def test_off_azure_it_is_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance, "is_azure_machine", lambda: False)
    assert instance.machine_name() == socket.gethostname()


def test_on_azure_it_is_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance, "is_azure_machine", lambda: True)
    asked: list[str] = []
    monkeypatch.setattr(instance, "_asked", lambda url: asked.append(url) or "gpus_0")
    assert instance.machine_name() == "gpus_0"
    assert asked[0].startswith("http://169.254.169.254/metadata/instance/compute/name?")


def test_a_silent_service_leaves_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance, "is_azure_machine", lambda: True)
    monkeypatch.setattr(instance, "_asked", lambda url: "")
    assert instance.machine_name() == socket.gethostname()
