"""A function app for the published clients, with short leases so that terminate is quick."""

from collections.abc import Iterator

import pytest

from local import azurite
from tests.support.rest_api import RestApi
from tests.support.rest_api import rest_api as start


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestApi]:
    times = {"BATCHAI_LEASE_SECONDS": "6", "BATCHAI_RENEW_SECONDS": "0.5"}
    own = {"AZURE_BATCHAI_STORAGE_ACCOUNT": azurite.ACCOUNT, "AZURE_BATCHAI_STORAGE_KEY": azurite.KEY}
    with start(tmp_path_factory.mktemp("rest"), **times, **own) as running:
        yield running
