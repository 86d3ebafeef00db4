"""A stack of two nodes and a browser for all tests of the console."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import chain, islice

import pytest
from azure.data.tables import TableClient, TableServiceClient

from shared.names.ids import ClusterId
from shared.stores.job_table import TABLE
from tests.support import console_stack
from tests.support.many_jobs import ended_jobs, listed
from tests.support.needs import need
from tests.support.stack_client import ROOT, StackClient

Look = Callable[[str], None]


@pytest.fixture(scope="session")
def browser() -> Iterator[str]:
    """The address of a Chromium."""
    need(console_stack.missing())
    with console_stack.driven() as address:
        yield address


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackClient]:
    """A stack with two runners that nothing else uses."""
    need(console_stack.missing())
    with console_stack.served(tmp_path_factory.mktemp("console")) as client:
        yield client


@pytest.fixture(scope="module")
def filled(console: StackClient) -> Iterator["Future[None]"]:
    """Done when 10,000 jobs that have ended are there; they are written while other tests run."""
    with (
        ThreadPoolExecutor(1) as pool,
        TableServiceClient.from_connection_string(console.state.storage) as tables,
    ):
        console.put(f"{ROOT}/default/experiments/exp", {})
        yield pool.submit(_fill, tables.get_table_client(TABLE))


def _fill(table: TableClient) -> None:
    jobs = ended_jobs(ClusterId("default", "default"), 10_000, datetime.now(UTC))
    rows = chain.from_iterable(map(listed, jobs))
    while part := list(islice(rows, 100)):
        table.submit_transaction([("create", entity) for entity in part])


@pytest.fixture
def look(console: StackClient, browser: str) -> Look:
    """look(script): run the tests of a script of tests/browser. Fails where one does."""
    return lambda script: print(console_stack.run(script, console.state.http, browser))
