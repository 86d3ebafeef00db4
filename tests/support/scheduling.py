"""What a worker of `pytest -n` runs next: a part after the other, and no long one behind another long one."""

from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

from tests.support.parts import next_part, part_of

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController


class Parts(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Whole parts are given away, each when the worker before has but one test left.

    A worker begins a test when it knows what follows, so the last of a part waits for the next part. xdist's
    own scheduler gives a worker its next part two tests earlier, by the order alone: of the first parts, of
    few and long tests, each worker got two at once. With every test that ends it also counts all those
    that a worker was ever given.
    """

    def _split_scope(self, nodeid: str) -> str:
        return part_of(nodeid)[1]

    def _reschedule(self, node: "WorkerController") -> None:
        """Another part for a worker that has one test left, or the end where there is none."""
        if node.shutting_down:
            return
        if not self.workqueue:
            node.shutdown()
        elif self._pending_of(self.assigned_work[node]) <= 1:
            self._assign_work_unit(node)

    def _assign_work_unit(self, node: "WorkerController") -> None:
        given = self.assigned_work[node]
        last = next(reversed(given), "")
        for part in [part for part, tests in given.items() if all(tests.values())]:
            del given[part]
        part = next_part(list(self.workqueue), last)
        tests = given[part] = self.workqueue.pop(part)
        places = self._places()
        node.send_runtest_some([places[test] for test, ended in tests.items() if not ended])

    def _places(self) -> dict[str, int]:
        """Test -> its number; all workers have collected the same."""
        if not self._numbers:
            self._numbers = {test: number for number, test in enumerate(self.collection or ())}
        return self._numbers

    _numbers: dict[str, int] = {}  # noqa: RUF012
