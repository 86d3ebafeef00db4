"""shared.jobs.queue_order against the plain sum over all that waits ahead."""

from hypothesis import given
from hypothesis import strategies as st

from shared.jobs.model import State
from shared.jobs.queue_order import Ahead, QueuedEntry, QueueOrder
from shared.names.ids import priority_rank
from tests.support.jobs import a_job, after

_ENTRIES = st.lists(
    st.builds(
        lambda number, state, priority, nodes, seconds: QueuedEntry(
            f"u{number}", state, priority, nodes, after(seconds)
        ),
        st.integers(0, 9),
        st.sampled_from([State.QUEUED, State.QUEUED, State.RUNNING]),
        st.sampled_from(["low", "normal", "high"]),
        st.integers(1, 5),
        st.integers(-5, 5),
    ),
    max_size=12,
)


@given(_ENTRIES, st.sampled_from(["low", "normal", "high"]), st.integers(0, 5))
def test_it_is_what_counting_gives(entries: list[QueuedEntry], priority: str, nodes: int) -> None:
    job = a_job(priority=priority)
    mine = (priority_rank(priority), job.created)
    before = [
        e.node_count
        for e in entries
        if e.state is State.QUEUED and (priority_rank(e.priority), e.created) < mine
    ]
    served = [count for count in before if count <= nodes]
    expected = Ahead(len(before), len(served), sum(served), max(served, default=0))
    assert QueueOrder(entries).ahead_of(job, nodes) == expected
