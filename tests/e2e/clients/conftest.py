"""A function app for the published clients, with short leases so that terminate is quick."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import azurite
from tests.support.installing import is_installed
from tests.support.rest_api import PROJECT, RestApi
from tests.support.rest_api import rest_api as start

_ENVIRONMENTS = PROJECT / ".venvs"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestApi]:
    times = {"BATCHAI_LEASE_SECONDS": "6", "BATCHAI_RENEW_SECONDS": "0.5"}
    own = {"AZURE_BATCHAI_STORAGE_ACCOUNT": azurite.ACCOUNT, "AZURE_BATCHAI_STORAGE_KEY": azurite.KEY}
    with start(tmp_path_factory.mktemp("rest"), **times, **own) as running:
        yield running


def python_of(name: str, options: str = "") -> Path:
    """The interpreter of a client's environment; without it a test skips, or fails where CI is set."""
    python = _ENVIRONMENTS / name / "bin" / "python"
    if not is_installed(_ENVIRONMENTS / name, "clients"):
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing(f"no {python}: run scripts/client-envs {options}".rstrip())
    return python
