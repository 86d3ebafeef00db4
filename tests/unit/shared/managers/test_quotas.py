"""Limits of workspaces and submitters: jobs that are over are refused or wait, and who is next is fair."""

import json
from collections import Counter

import pytest

from shared.jobs import transitions
from shared.jobs.model import AttemptReport, Job, Outcome, Reason, State
from shared.managers.admission import Source
from shared.managers.submission import Fault, Submission
from shared.names.limits import REFUSE, WAIT, Limit, Limits
from tests.support.examples import examples
from tests.support.memory.faults import Call
from tests.support.memory.world import MemoryWorld, every_crash, memory_world
from tests.support.world import document


def limited(over: str = WAIT, submitters: Limit | None = None, workspace: Limit | None = None) -> MemoryWorld:
    lines = {"*": workspace} if workspace else {}
    others = {"*": submitters} if submitters else {}
    return memory_world(limits=Limits(over, lines, others))


def submit(world: MemoryWorld, name: str, by: str = "ada", mark: str = "0x1", nodes: int = 1) -> Submission:
    data = document(f"echo {name}", nodeCount=nodes)
    answer: Submission = world.manager.submit(world.id(name), data, Source(world.place(name), mark, by))
    return answer


def accept(world: MemoryWorld, name: str, by: str = "ada", nodes: int = 1) -> Job:
    job = submit(world, name, by, nodes=nodes).job
    assert job is not None
    return job


def sweep(world: MemoryWorld) -> int:
    world.clock.move(60)
    report = world.backend.sweeper.sweep()
    assert not report.faults
    return report.let_go


def test_without_limits_nothing_is_counted() -> None:
    world = memory_world()
    world.accept()
    calls = world.calls(lambda: world.accept("second"))
    assert not [call for call in calls if call.verb == "query" and call.name.startswith("jobs")]


def test_what_is_over_waits_without_a_message_and_says_why() -> None:
    world = limited(submitters=Limit(live_jobs=1))
    accept(world, "first")
    second = accept(world, "second")
    accept(world, "others", by="bob")
    assert (second.state, world.messages()) == (State.QUEUED, 2)
    waits = world.manager.why(second)
    assert waits is not None
    assert waits.reason == "QuotaReached"
    assert "submitter ada in workspace ws has 1 live jobs of 1" in waits.message
    assert sweep(world) == 0
    assert world.status("second")["waiting"]["reason"] == "QuotaReached"
    # However long: the sweep takes its message for withheld, not for lost.
    for _ in range(5):
        assert sweep(world) == 0
    assert world.messages() == 2


def test_it_is_let_go_once_there_is_space() -> None:
    world = limited(workspace=Limit(live_jobs=1))
    accept(world, "first")
    accept(world, "second")
    world.finish(world.must_claim())
    assert world.claim() is None
    assert sweep(world) == 1
    claim = world.must_claim()
    assert (claim.job.id.job, claim.job.withheld) == ("second", "")
    assert world.finish(claim).state is State.SUCCEEDED
    assert world.messages() == 0


def test_what_is_over_is_refused_where_so_configured() -> None:
    world = limited(REFUSE, workspace=Limit(nodes=2))
    accept(world, "first", nodes=1)
    refused = submit(world, "second", nodes=2)
    assert (refused.job, refused.fault) == (None, Fault.QUOTA)
    problem = refused.problems[-1]
    assert "jobs for 1 nodes of 2, and this one needs 2" in problem.message
    assert "BATCHAI_LIMITS" in str(problem)
    assert world.status("second")["state"] == "refused"
    world.finish(world.must_claim())
    accept(world, "second", nodes=2)


def test_a_job_that_was_accepted_is_not_refused_when_it_is_delivered_again() -> None:
    world = limited(REFUSE, workspace=Limit(live_jobs=1))
    first = accept(world, "first")
    again = submit(world, "first")
    assert again.job is not None and again.job.uuid == first.uuid
    assert world.status("first")["state"] == "queued"


def test_a_job_that_would_wait_for_ever_is_refused() -> None:
    world = limited(WAIT, submitters=Limit(nodes=2))
    assert submit(world, "huge", nodes=3).fault is Fault.QUOTA


def test_a_job_that_waits_can_be_terminated_and_deleted() -> None:
    world = limited(submitters=Limit(live_jobs=1))
    accept(world, "first")
    accept(world, "second")
    accept(world, "third")
    assert world.manager.terminate(world.id("second")).state is State.FAILED
    world.manager.delete(world.id("third"))
    assert world.job_or_none("third") is None
    world.finish(world.must_claim())
    assert sweep(world) == 0


def test_jobs_that_wait_for_a_limit_ask_for_no_machines() -> None:
    world = limited(submitters=Limit(live_jobs=1))
    for number in range(5):
        accept(world, f"job-{number}")
    row = world.backend.clusters.get(world.cluster)
    assert world.backend.live.demand(row).nodes == 1


def test_limits_that_are_lifted_let_everything_go() -> None:
    world = limited(submitters=Limit(live_jobs=1))
    for number in range(5):
        accept(world, f"job-{number}")
    world.settings = memory_world().settings
    world.restart()
    assert sweep(world) == 4
    assert world.messages() == 5


def test_gpu_hours_of_the_month_count_and_a_new_month_begins_anew() -> None:
    world = limited(submitters=Limit(gpu_hours=1.0))
    accept(world, "first")
    claim = world.must_claim()
    hour = AttemptReport(gpu_seconds=3600.0)
    world.backend.attempts.finish(claim.job, claim.lease, Outcome(Reason.SUCCEEDED, 0), hour)
    world.clock.move(61)
    second = accept(world, "second")
    assert "has used 1.0 GPU hours of 1 this month" in second.withheld
    assert not accept(world, "others", by="bob").withheld
    assert sweep(world) == 0
    world.clock.move(32 * 86_400.0)
    assert sweep(world) == 1


def test_counting_costs_no_call_for_each_job() -> None:
    world = limited(submitters=Limit(live_jobs=1000))
    accept(world, "first")
    counted = world.calls(lambda: [accept(world, f"job-{n}") for n in range(10)])
    lists = [call for call in counted if call.verb == "query" and call.name.startswith("jobs")]
    assert lists == []
    world.clock.move(6)
    counted = world.calls(lambda: accept(world, "later"))
    assert len([call for call in counted if call.verb == "query" and call.name.startswith("jobs")]) == 1


def test_a_limit_is_kept_exactly_by_one_process() -> None:
    world = limited(workspace=Limit(live_jobs=7))
    for number in range(20):
        accept(world, f"job-{number}")
    assert world.messages() == 7


def test_the_sweep_lets_go_no_more_than_fits_though_others_submit_meanwhile() -> None:
    world = limited(workspace=Limit(live_jobs=2))
    for number in range(6):
        accept(world, f"job-{number}")
    world.finish(world.must_claim())
    assert sweep(world) == 1
    assert world.messages() == 2


def test_a_sweep_that_ends_at_any_call_loses_no_job() -> None:
    def made() -> MemoryWorld:
        world = limited(workspace=Limit(live_jobs=1))
        accept(world, "first")
        accept(world, "second")
        world.finish(world.must_claim())
        return world

    crashes = every_crash(made, sweep)
    for world, where in crashes:
        for _ in range(4):
            sweep(world)
        world.finish(world.must_claim())
        assert world.job("second").state is State.SUCCEEDED, where
    assert len(crashes) > 3


def test_who_is_let_go_was_not_changed_meanwhile() -> None:
    world = limited(workspace=Limit(live_jobs=1))
    accept(world, "first")
    accept(world, "second")
    world.finish(world.must_claim())

    def writes(call: Call) -> bool:
        return call.service == "table" and call.writes and call.name.startswith("jobs")

    world.faults.meanwhile(writes, lambda: world.manager.terminate(world.id("second")))
    assert sweep(world) == 0
    assert world.job("second").state is State.FAILED


def test_while_storage_is_away_no_job_is_let_go() -> None:
    world = limited(workspace=Limit(live_jobs=1))
    accept(world, "first")
    accept(world, "second")
    world.finish(world.must_claim())
    seen: list[str] = []

    def second_listing(call: Call) -> bool:
        if call.service == "table" and call.verb == "query" and call.name.startswith("jobs"):
            seen.append(call.name)
            return len(seen) == 2
        return False

    world.faults.refuse(second_listing, 500, "InternalError", times=1)
    world.clock.move(60)
    assert world.backend.sweeper.sweep().faults == 1
    world.faults.heal()
    assert sweep(world) == 1


def test_fair_share_between_submitters() -> None:
    """Ada submits many jobs, later Bob 10: of four places Bob has two from the next ends on, until his ten
    are done; first come, first served, he would wait for all of hers."""
    world = limited(workspace=Limit(live_jobs=4))
    many = max(30, examples(100))
    for number in range(many):
        accept(world, f"ada-{number:02}")
    for number in range(10):
        accept(world, f"bob-{number}", by="bob")
    shares: list[Counter[str]] = []
    ended: list[str] = []
    while len(ended) < many + 10:
        places = [world.must_claim() for _ in range(world.messages())]
        shares.append(Counter(claim.job.submitted_by for claim in places))
        for claim in places:
            ended.append(world.finish(claim).submitted_by)
        sweep(world)
    assert shares[0] == {"ada": 4}
    assert [share["bob"] for share in shares[1:6]] == [2, 2, 2, 2, 2]
    assert "bob" in ended[4:8] and ended.count("bob") == 10
    assert max(place for place, by in enumerate(ended) if by == "bob") < 24
    assert json.dumps(shares[6]) == '{"ada": 4}'


@pytest.mark.parametrize("over", [WAIT, REFUSE])
def test_over_http_it_is_said_as_well(over: str) -> None:
    world = limited(over, submitters=Limit(live_jobs=1))
    accept(world, "first", by="ada")
    answer = world.manager.submit_http(world.id("second"), document("echo 2"), "ada")
    assert (answer.job is None) == (over == REFUSE)
    assert answer.job is None or answer.job.withheld


def test_why_shows_the_shares_in_numbers() -> None:
    """Ada has all four places and 36 jobs more when Bob comes with ten."""
    world = limited(workspace=Limit(live_jobs=4))

    def submitted(name: str, by: str) -> Job:
        world.clock.move(0.1)
        return accept(world, name, by)

    hers = [submitted(f"ada-{number:02}", "ada") for number in range(40)]
    his = [submitted(f"bob-{number}", "bob") for number in range(10)]
    said = world.manager.why(his[0])
    assert said is not None
    assert said.message == (
        "workspace ws has 4 live jobs of 4; bob has 0, a fair share is 2; it is the first of 46 that wait"
    )
    last = world.manager.why(hers[-1])
    assert last is not None
    assert (
        "ada has 4, a fair share is 2; place 46 of 46 that wait, 35 ahead by ada; bob is next" in last.message
    )
    for claim in [world.must_claim() for _ in range(4)]:
        world.finish(claim)
    assert sweep(world) == 4
    then = world.manager.why(hers[-1])
    assert then is not None
    assert "ada has 2, a fair share is 2; place 42 of 42" in then.message


def test_why_of_many_that_wait_costs_one_look_at_the_workspace() -> None:
    world = limited(submitters=Limit(live_jobs=1))
    jobs = [accept(world, f"job-{number}") for number in range(20)]
    counted = world.calls(lambda: [world.manager.why(job, 5.0) for job in jobs[1:]])
    assert len(counted) == 1
    assert len(world.calls(lambda: world.manager.shares("ws", 5.0))) == 0
    world.clock.move(6)
    assert len(world.calls(lambda: world.manager.shares("ws", 5.0))) == 1


def test_a_message_that_an_earlier_function_app_sends_for_a_job_that_waits_runs_nothing() -> None:
    world = limited(workspace=Limit(live_jobs=1))
    accept(world, "first")
    second = accept(world, "second")
    first = world.must_claim()
    world.stores.queues.send(second)
    assert world.messages() == 2
    assert world.claim() is None
    assert (world.job("second").state, world.messages()) == (State.QUEUED, 1)
    world.finish(first)
    assert sweep(world) == 1
    assert world.must_claim().job.id.job == "second"


def test_what_an_earlier_runner_has_claimed_all_the_same_counts() -> None:
    world = limited(workspace=Limit(live_jobs=1))
    accept(world, "first")
    accept(world, "second")
    waits = world.job("second")
    world.finish(world.must_claim())
    claimed = transitions.claim(waits, "node-9", "message-9", world.clock(), (), 90.0)
    world.stores.jobs.update(claimed)
    accept(world, "third")
    assert world.job("third").withheld
    assert sweep(world) == 0


def test_hours_of_the_month_are_looked_up_once_a_minute() -> None:
    world = limited(submitters=Limit(gpu_hours=1.0))
    accept(world, "first")
    world.clock.move(61)
    # The live jobs; the experiments, of which there is one; the jobs of that one.
    assert len(world.calls(lambda: world.manager.shares("ws", 5.0))) == 3
    world.clock.move(6)
    assert len(world.calls(lambda: world.manager.shares("ws", 5.0))) == 1
