"""tests.support.parts: what `make test` runs beside what."""

import heapq
import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from xdist.remote import Producer

from tests.support.cases import cases
from tests.support.parts import LONG, PARTS, next_part, part_of
from tests.support.scheduling import Parts
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
    assert part_of(f"{GANGS}::test_the_leader_is_killed_at[opened]")[0] == 0
    assert part_of("tests/integration/test_stores.py::test_x")[0] == len(PARTS)


def test_every_beginning_is_that_of_a_test() -> None:
    missing = [name for name in PARTS if not list(PROJECT.glob(f"{name.partition('::')[0]}*"))]
    assert not missing


def test_a_long_part_is_a_part() -> None:
    assert {part or beginning for beginning, part in PARTS.items()} >= LONG


def test_behind_a_long_part_comes_the_least_urgent() -> None:
    left = ["chaos", "gangs", "tests/e2e/test_x.py", "tests/e2e/test_y.py"]
    assert next_part(left, "") == "chaos"
    assert next_part(left, "tests/e2e/test_z.py") == "chaos"
    assert next_part(left, "gangs that lose more") == "tests/e2e/test_y.py"
    assert next_part(["chaos"], "gangs") == "chaos"


class Worker:
    """A worker as a scheduler sees it; it begins a test when it knows the next one, or that there is none."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.known: list[int] = []
        self.begun: list[int] = []
        self.shutting_down = False

    def send_runtest_some(self, numbers: list[int]) -> None:
        self.known += numbers

    def shutdown(self) -> None:
        self.shutting_down = True

    def begin(self) -> int | None:
        """The test that is begun now; None: it waits."""
        if len(self.known) < (1 if self.shutting_down else 2):
            return None
        self.begun.append(self.known.pop(0))
        return self.begun[-1]


Began = list[tuple[str, float]]


def scheduled(tests: list[str], workers: int, seconds: Callable[[str], float]) -> list[Began]:
    """(test, when it began) of each worker."""
    config: Any = SimpleNamespace(
        getvalue=lambda name: ["popen"] * workers, option=SimpleNamespace(loadscopereorder=False)
    )
    parts, nodes = Parts(config, Producer("test", enabled=False)), [Worker(f"gw{n}") for n in range(workers)]
    for node in nodes:
        parts.add_node(node)
        parts.add_node_collection(node, tests)
    parts.schedule()
    began: list[Began] = [[] for _ in nodes]
    running: list[tuple[float, int, int]] = []  # (when it ends, worker, test)
    time = 0.0
    while True:
        busy = {worker for _, worker, _ in running}
        for number, node in enumerate(nodes):
            if number not in busy and (test := node.begin()) is not None:
                began[number].append((tests[test], time))
                heapq.heappush(running, (time + seconds(tests[test]), number, test))
        if not running:
            assert parts.tests_finished and not parts.has_pending
            return began
        time, worker, test = heapq.heappop(running)
        parts.mark_test_complete(nodes[worker], test)


def test_long_parts_begin_together_and_every_test_runs_once_in_its_part() -> None:
    """Four long parts of one or two tests, and files of many short ones."""
    leader, chaos = f"{GANGS}::test_the_leader", "tests/e2e/chaos/test_faults.py"
    scaling, more = "tests/e2e/test_scaling.py", f"{GANGS}::test_a_helper"
    long = [
        f"{leader}_a",
        f"{leader}_b",
        f"{chaos}::test_a",
        f"{scaling}::test_a",
        f"{scaling}::test_b",
        more,
    ]
    short = [f"tests/e2e/test_{file}.py::test_{n}" for file in "uvwxyz" for n in range(5)]
    began = scheduled(long + short, 3, lambda test: 100.0 if test in long else 1.0)
    assert sorted(test for tests in began for test, _ in tests) == sorted(long + short)
    starts = {test: when for tests in began for test, when in tests}
    assert [starts[each] for each in (f"{leader}_a", f"{chaos}::test_a", f"{scaling}::test_a")] == [0, 0, 0]
    assert starts[more] == 105, "it begins when the first long part is over, and five short tests behind it"
    for tests in began:
        parts = [part_of(test)[1] for test, _ in tests]
        assert len(set(parts)) == len(list(itertools.groupby(parts))), "a part is not interrupted"
    assert {
        len({w for w, tests in enumerate(began) for t, _ in tests if part_of(t)[1] == part})
        for part in {part_of(test)[1] for test in long + short}
    } == {1}


def test_what_a_worker_leaves_that_crashes_is_run_by_another() -> None:
    tests = [f"tests/e2e/test_{file}.py::test_{n}" for file in "abc" for n in range(3)]
    config: Any = SimpleNamespace(
        getvalue=lambda name: ["popen"] * 2, option=SimpleNamespace(loadscopereorder=False)
    )
    parts, nodes = Parts(config, Producer("test", enabled=False)), [Worker("gw0"), Worker("gw1")]
    for node in nodes:
        parts.add_node(node)
        parts.add_node_collection(node, tests)
    parts.schedule()
    assert [node.known for node in nodes] == [[0, 1, 2], [3, 4, 5]]
    parts.mark_test_complete(nodes[0], 0)
    assert parts.remove_node(nodes[0]) == tests[1]
    for number in (3, 4, 5, 6, 7):
        parts.mark_test_complete(nodes[1], number)
    assert nodes[1].known == [3, 4, 5, 6, 7, 8, 1, 2]
