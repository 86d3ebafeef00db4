"""Unit tests touch nothing: no network, no child process, no settings of the machine."""

import gc
import os
import platform
import socket
import subprocess
from collections.abc import Generator, Iterator
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from tests.support.examples import examples

#: `make unit` tries a few examples of each property; `make test` does so with coverage, and then all examples
#: of what is marked `more_examples` without (--hypothesis-profile=thorough).
settings.register_profile(
    "quick",
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.register_profile(
    "thorough",
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("quick")

# SDK clients put this into their user agent; the first call runs `uname`, later ones remember.
platform.platform()

_OURS = ("AZ_", "AZURE_", "AzureWebJobs", "BATCHAI_")
#: Where the collection of real documents lies is no setting of the program.
_KEPT = ("BATCHAI_CORPUS",)


class YouForgotThatUnitTestsConnectToNothing(AssertionError):
    """This test opens a connection. Move it to tests/integration, or hand the code a value instead."""


class YouForgotThatUnitTestsStartNothing(AssertionError):
    """This test starts a process. Move it to tests/integration, or test the plan instead of the process."""


@pytest.fixture(scope="package", autouse=True)
def nothing_outside() -> Iterator[None]:
    """Connections and processes raise, and settings of the environment are gone, for the tests below."""

    def no_connection(*_: object) -> NoReturn:
        raise YouForgotThatUnitTestsConnectToNothing(YouForgotThatUnitTestsConnectToNothing.__doc__)

    def no_process(*_: object, **__: object) -> NoReturn:
        raise YouForgotThatUnitTestsStartNothing(YouForgotThatUnitTestsStartNothing.__doc__)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(socket.socket, "connect", no_connection)
        patched.setattr(socket.socket, "connect_ex", no_connection)
        patched.setattr(subprocess.Popen, "__init__", no_process)
        patched.setattr(subprocess.Popen, "__del__", lambda _: None)  # it never came to be
        for name in [n for n in os.environ if n.startswith(_OURS) and n not in _KEPT]:
            patched.delenv(name)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what does more with all examples than with few."""
    for item in items:
        tries = isinstance(item, pytest.Function) and is_hypothesis_test(item.obj)
        if tries or getattr(getattr(item, "module", None), "examples", None) is examples:
            item.add_marker("more_examples")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What collecting makes stays to the end: looking for garbage in it again and again takes time, and so
    does looking after every 700 new objects in what tests make."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        gc.enable()
