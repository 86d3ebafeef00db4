"""The fence around the unit tests stands."""

import os
import socket
import subprocess
import sys

import pytest

from tests.unit.conftest import YouForgotThatUnitTestsConnectToNothing, YouForgotThatUnitTestsStartNothing


def test_a_connection_is_refused_with_advice() -> None:
    advice = pytest.raises(YouForgotThatUnitTestsConnectToNothing, match="tests/integration")
    with socket.socket() as connection, advice:
        connection.connect(("127.0.0.1", 9))


def test_a_process_is_refused_with_advice() -> None:
    with pytest.raises(YouForgotThatUnitTestsStartNothing, match="tests/integration"):
        subprocess.run([sys.executable, "--version"], check=True)


def test_the_environment_say_nothing() -> None:
    ours = ("AZ_", "AZURE_", "AzureWebJobs", "BATCHAI_")
    assert [name for name in os.environ if name.startswith(ours)] in ([], ["BATCHAI_CORPUS"])
