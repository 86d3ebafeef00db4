"""tests.support.parts: what `make test` runs beside what."""

from tests.support.cases import cases
from tests.support.parts import MEASURED, PARTS, is_measured, part_of
from tests.support.sources import PROJECT

GANGS = "tests/e2e/chaos/test_gangs.py"


@cases(
    ("test", "part"),
    [
        (f"{GANGS}::test_the_leader_is_killed_at[opened]", "gangs that lose their leader"),
        (f"{GANGS}::test_a_helper_is_killed_at[joined]", "gangs that lose more"),
        ("tests/e2e/chaos/test_faults.py::test_x", "chaos"),
        ("tests/e2e/engines/test_on_nodes.py::test_x", "ports of a node"),
        ("tests/e2e/test_scaling.py::test_x[a::b]", "tests/e2e/test_scaling.py"),
        ("tests/integration/test_stores.py::test_x", "tests/integration/test_stores.py"),
    ],
)
def test_the_longest_beginning_says_which_part_a_test_belongs_to(test: str, part: str) -> None:
    assert part_of(test)[1] == part


def test_long_parts_begin_first_and_what_is_not_named_last() -> None:
    assert part_of("tests/integration/ssh/test_ssh.py::test_x")[0] == 0
    assert part_of("tests/integration/test_stores.py::test_x")[0] == len(PARTS)


def test_what_is_in_one_part_runs_in_one_fork() -> None:
    places = {(number, name) for number, name in map(part_of, PARTS) if name in PARTS.values()}
    assert len(places) == len({name for _, name in places})


def test_every_beginning_is_that_of_a_test() -> None:
    missing = [name for name in (*PARTS, *MEASURED) if not list(PROJECT.glob(f"{name.partition('::')[0]}*"))]
    assert not missing


@cases(
    ("test", "measured"),
    [
        ("tests/unit/shared/test_x.py::test_x", True),
        ("tests/integration/api/test_jobs.py::test_x", True),
        ("tests/e2e/test_cli.py::test_x", True),
        ("tests/e2e/test_cli_stream.py::test_x", False),
        ("tests/e2e/test_stack.py::test_the_demo_x", True),
        ("tests/e2e/test_stack.py::test_x", False),
        ("tests/e2e/chaos/test_gangs.py::test_x[a]", False),
    ],
)
def test_the_longest_beginning_says_whether_a_test_is_measured(test: str, measured: bool) -> None:
    assert is_measured(test) is measured
