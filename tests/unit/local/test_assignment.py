"""local.assignment: which runner of the stack works for which cluster."""

from local.assignment import JobStatus, Want, key, moves
from shared.names.ids import ClusterId
from tests.support.jobs import after

HOME, A, B = ClusterId("default", "default"), ClusterId("mine", "a"), ClusterId("mine", "b")
ALL = {key(HOME), key(A), key(B)}


def _node(name: str, cluster: ClusterId = HOME, busy: bool = False, movable: bool = True) -> JobStatus:
    return JobStatus(name, cluster, busy, movable)


def _want(cluster: ClusterId, seconds: float = 0, nodes: int = 1, priority: str = "normal") -> Want:
    return Want(cluster, nodes, priority, after(seconds))


def _taken(cluster: ClusterId, nodes: int = 1, running: bool = True) -> Want:
    return Want(cluster, nodes, "normal", after(0), taken=True, running=running)


def test_nothing_moves_without_work() -> None:
    assert moves([_node("n0"), _node("n1", A)], [], (), ALL, HOME) == {}


def test_a_free_runner_moves_to_where_the_work_is() -> None:
    assert moves([_node("n0")], [_want(A)]) == {"n0": A}


def test_a_runner_stays_where_its_own_cluster_has_the_older_job() -> None:
    assert moves([_node("n0")], [_want(A, 5), _want(HOME, 1)]) == {}
    assert moves([_node("n0")], [_want(A, 1), _want(HOME, 5)]) == {"n0": A}


def test_priority_comes_before_age() -> None:
    assert moves([_node("n0")], [_want(A, 1), _want(B, 5, priority="high")]) == {"n0": B}


def test_a_busy_runner_is_left_alone() -> None:
    assert moves([_node("n0", busy=True)], [_taken(HOME), _want(A)]) == {}


def test_names_of_clusters_ignore_case() -> None:
    assert moves([_node("n0", ClusterId("Mine", "A"))], [_want(A)]) == {}


def test_the_nodes_of_a_running_gang_stay_though_one_does_not_look_busy_yet() -> None:
    nodes = [_node("n0", A, busy=True), _node("n1", A)]
    assert moves(nodes, [_taken(A, nodes=2), _want(B)]) == {}


def test_a_gang_gets_as_many_runners_as_it_needs() -> None:
    assert moves([_node("n0"), _node("n1"), _node("n2")], [_want(A, nodes=2)]) == {"n0": A, "n1": A}
    assert moves([_node("n0"), _node("n1", A)], [_want(A, nodes=2)]) == {"n0": A}


def test_a_gang_that_assembles_still_draws_nodes() -> None:
    nodes = [_node("n0", A, busy=True), _node("n1")]
    assert moves(nodes, [_taken(A, nodes=2, running=False)]) == {"n1": A}


def test_two_gangs_do_not_take_each_others_halves() -> None:
    nodes = [_node("n0", A), _node("n1", B)]
    assert moves(nodes, [_want(A, 1, nodes=2), _want(B, 2, nodes=2)]) == {"n1": A}


def test_the_next_gang_keeps_free_nodes_until_the_busy_one_is_free() -> None:
    nodes = [_node("n0", busy=True), _node("n1")]
    assert moves(nodes, [_taken(HOME), _want(A, 1, nodes=2), _want(B, 2)]) == {"n1": A}


def test_a_gang_that_is_too_large_gets_what_nobody_else_needs() -> None:
    large, small = _want(A, 1, nodes=3), _want(B, 2)
    assert moves([_node("n0"), _node("n1")], [large, small]) == {"n0": B, "n1": A}
    # And two that are too large do not pull at the same node for ever.
    assert moves([_node("n0", A), _node("n1", A)], [large, _want(B, 2, nodes=3)]) == {}


def test_runners_started_by_hand_count_and_stay() -> None:
    extra = _node("extra-0", A, movable=False)
    assert moves([extra, _node("n0")], [_want(A)]) == {}
    assert moves([extra, _node("n0")], [_want(A, nodes=2)]) == {"n0": A}
    assert moves([extra], [_want(B)]) == {}


def test_a_cluster_on_which_runners_are_of_no_use_keeps_none_from_others() -> None:
    wants = [_want(A, 1), _want(B, 2)]
    assert moves([_node("n0", A)], wants, {key(A)}) == {"n0": B}
    assert moves([_node("n0", A)], [_want(A)], {key(A)}) == {}


def test_runners_nobody_else_asks_for_move_first() -> None:
    nodes = [_node("n0", B), _node("n1")]
    assert moves(nodes, [_want(A, 1), _want(B, 2)]) == {"n1": A}


def test_a_runner_of_a_cluster_that_is_gone_returns_home() -> None:
    assert moves([_node("n0", A)], [], (), {key(HOME)}, HOME) == {"n0": HOME}
    assert moves([_node("n0", A)], [], (), {key(B)}, HOME) == {}
