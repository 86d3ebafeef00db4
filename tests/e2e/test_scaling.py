"""Machines come with the jobs and go after them: the real function app, the real SDK, the stand-in of ARM."""

import json
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from local import environment
from local.layout import DataDirectory, StackState
from local.stack import Stack
from tests.support.command_line import command_line
from tests.support.runners import directory_of
from tests.support.stack_client import CLUSTER, ROOT, StackClient, job
from tests.support.waiting import eventually

#: A minute of CI is what a quarter of an hour is to an installation.
PRICE = 36.0  #: an hour
PRICES = {"currency": "EUR", "prices": {CLUSTER["properties"]["vmSize"]: {"lowpriority": PRICE}}}
HASTE = {
    "BATCHAI_SCALE_IN_SECONDS": "3",
    "BATCHAI_NODE_START_SECONDS": "60",
    "BATCHAI_NODE_PRICES": json.dumps(PRICES),
}
ENDED = ("succeeded", "failed")


class Machines:
    """The machines of a running stack, from the side of the cloud."""

    def __init__(self, client: StackClient) -> None:
        self.client = client
        state = client.state
        token = environment.arm_token(directory_of(state))
        self.http = httpx.Client(base_url=state.arm, headers={"Authorization": f"Bearer {token}"})

    def names(self) -> list[str]:
        found: list[dict[str, str]] = self.http.get("/control/machines").json()
        return [machine["name"] for machine in found]

    def faults(self, **members: Any) -> None:
        assert self.http.patch("/control/faults", json=members).status_code == 200

    def evict(self, name: str, seconds: float) -> None:
        answer = self.http.post(f"/control/evictions/{name}", json={"seconds": seconds})
        assert answer.status_code == 200, answer.text

    def try_to_evict(self, name: str, seconds: float) -> None:
        """As `evict`; a machine that has gone by itself meanwhile is fine."""
        answer = self.http.post(f"/control/evictions/{name}", json={"seconds": seconds})
        assert answer.status_code in (200, 404), answer.text

    def cluster(self, name: str, **scale: int) -> None:
        """A cluster that follows its jobs, of Spot machines."""
        auto = {"minimumNodeCount": 0, "maximumNodeCount": 3} | scale
        properties = CLUSTER["properties"] | {
            "scaleSettings": {"autoScale": auto},
            "vmPriority": "lowpriority",
        }
        assert self.client.drop_cluster(name, {"properties": properties})["state"] == "accepted"

    def nodes(self, cluster: str) -> list[str]:
        status, body = self.client.get(f"{ROOT}/default/clusters/{cluster}")
        assert status == 200
        return [str(body["properties"]["currentNodeCount"])]

    def drop(self, cluster: str, name: str, command: str, nodes: int = 1) -> None:
        where = {"id": f"{ROOT}/default/clusters/{cluster}"}
        self.client.drop("jobs", f"default/x/{name}/job.json", job(command, nodeCount=nodes, cluster=where))

    def ended(self, *names: str, seconds: float = 90) -> list[dict[str, Any]]:
        """status.json of each job once all have ended; a look asks for one that has not."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            while len(found) < len(names):
                status = self.client.status("jobs", f"default/x/{names[len(found)]}")
                assert status and status["state"] in ENDED, (names[len(found)], status and status["state"])
                found.append(status)
            return True

        eventually(look, seconds, 0.3)
        return found

    def state_of(self, name: str) -> str:
        status = self.client.status("jobs", f"default/x/{name}")
        return str(status["state"]) if status else ""

    def none(self, seconds: float = 60) -> None:
        """Wait until no machine is left over."""
        eventually(lambda: not self.names() or _fail(self.names()), seconds, 0.3)


def _fail(left: object) -> None:
    raise AssertionError(left)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackState]:
    stack = Stack(DataDirectory(tmp_path_factory.mktemp("zero")), print, machines=3, overrides=HASTE)
    yield stack.start()
    stack.stop()


@pytest.fixture
def machines(state: StackState) -> Iterator[Machines]:
    with ExitStack() as opened:
        client = opened.enter_context(StackClient(state))
        client.share("logs")
        found = Machines(client)
        opened.callback(found.http.close)
        yield found
        found.faults(down=False, quota=None, available=None, throttled=0, lost_answers=0)
        found.none()


def test_from_none_to_three_and_back_to_none(machines: Machines) -> None:
    machines.cluster("three")
    assert machines.names() == []
    names = [f"three-{number}" for number in range(4)]
    for name in names:
        machines.drop("three", name, "sleep 5; echo on $AZ_BATCH_NODE_ID")
    eventually(lambda: len(machines.names()) == 3, 40)
    assert [one["state"] for one in machines.ended(*names)] == ["succeeded"] * 4
    machines.none()
    # Their rows are gone too, and the cluster says so
    eventually(lambda: machines.nodes("three") == ["0"], 20)


def test_a_gang_of_two_begins_on_no_machine(machines: Machines) -> None:
    machines.cluster("gang")
    machines.drop("gang", "pair", "echo $AZ_BATCHAI_WORKER_HOSTS", nodes=2)
    [ended] = machines.ended("pair")
    assert (ended["state"], ended["attempt"]) == ("succeeded", 1)


def test_a_cluster_without_scale_settings_follows_its_jobs(machines: Machines) -> None:
    machines.client.drop_cluster("plain")
    machines.drop("plain", "plain", "true")
    assert machines.ended("plain")[0]["state"] == "succeeded"


def test_what_it_cost_is_reported_with_the_time_that_no_job_had(machines: Machines, tmp_path: Path) -> None:
    machines.cluster("paid")
    machines.drop("paid", "paid", "sleep 2")
    machines.ended("paid")
    machines.none()

    def line() -> dict[str, Any] | None:
        status, body = machines.client.get(f"{ROOT}/default/usage?by=cluster")
        assert (status, body["currency"]) == (200, "EUR")
        found = next((one for one in body["value"] if one["name"] == "default/paid"), None)
        return found if found and found.get("idleNodeHours") else None

    used = eventually(line, 20) or {}
    assert used["jobs"] == 1 and used["nodeHours"] * 3600 >= 2
    expected = (used["nodeHours"] + used["idleNodeHours"]) * PRICE
    assert used["estimatedCost"] == pytest.approx(expected, abs=0.01)
    # And by the command
    batchai = command_line(tmp_path, machines.client.state)
    lines = batchai.json("usage", "-w", "default", "--by", "cluster")
    assert next(one for one in lines if one["name"] == "default/paid")["currency"] == "EUR"
    assert {one["name"] for one in batchai.json("usage", "-w", "default", "--by", "user")} == {"storage"}
    table = batchai("usage", "-w", "default", "-o", "table")
    assert "Idle Node Hours" in table and "Estimated Cost" in table


def test_while_the_cloud_does_not_answer_jobs_wait_and_then_run(machines: Machines) -> None:
    machines.cluster("down")
    machines.faults(down=True)
    machines.drop("down", "patient", "true")
    machines.client.await_state("default/x/patient", "queued")
    with pytest.raises(AssertionError):  # two sweeps and more
        eventually(machines.names, 12)
    _, body = machines.client.get(f"{ROOT}/default/experiments/x/jobs/patient")
    waiting = body["properties"]["waiting"]
    assert waiting["reason"] == "ClusterCannotGrow" and "has not answered since" in waiting["message"]
    machines.faults(down=False)
    assert machines.ended("patient")[0]["state"] == "succeeded"


def test_a_lost_answer_doubles_no_machine(machines: Machines) -> None:
    machines.cluster("lost")
    # The scale set is made before answers get lost
    machines.drop("lost", "first", "true")
    machines.ended("first")
    machines.none()
    machines.faults(lost_answers=1)
    machines.drop("lost", "second", "sleep 3")
    assert machines.ended("second")[0]["state"] == "succeeded"
    assert len(machines.names()) <= 1


def test_a_refusal_is_reported_in_the_words_of_the_cloud(machines: Machines) -> None:
    machines.cluster("refused")
    machines.faults(quota=0)
    machines.drop("refused", "refused", "true")

    def reason() -> dict[str, Any] | None:
        _, body = machines.client.get(f"{ROOT}/default/experiments/x/jobs/refused")
        waiting: dict[str, Any] = body.get("properties", {}).get("waiting") or {}
        return waiting if waiting.get("reason") == "ClusterCannotGrow" else None

    reported = eventually(reason, 30)
    assert "exceeding approved STANDARD_NC6 Cores quota" in str(reported)
    assert "Submit a request for Quota increase" in str(reported)
    machines.client.post(f"{ROOT}/default/experiments/x/jobs/refused/terminate")


def test_where_there_is_capacity_for_one_machine_it_does_the_work_of_two(machines: Machines) -> None:
    machines.cluster("narrow")
    machines.faults(available=1)
    for name in ("narrow-1", "narrow-2"):
        machines.drop("narrow", name, "sleep 3")
    assert {one["state"] for one in machines.ended("narrow-1", "narrow-2")} == {"succeeded"}
    # Also what was never allocated is deleted
    machines.none()


def test_an_evicted_spot_machine_is_replaced_and_its_job_runs_elsewhere(machines: Machines) -> None:
    machines.cluster("spot")
    machines.drop("spot", "evicted", "test $AZ_BATCHAI_ATTEMPT -gt 1 || sleep 60")
    machines.client.await_state("default/x/evicted", "queued", "running")
    [first] = eventually(machines.names, 40)
    eventually(lambda: machines.state_of("evicted") == "running", 40)
    machines.evict(first, 4)
    [ended] = machines.ended("evicted")
    assert ended["state"] == "succeeded"
    assert first not in machines.names()


@pytest.mark.timeout(600)
def test_forty_mixed_jobs_on_spot_machines_that_are_taken_away_at_random(machines: Machines) -> None:
    """Nothing is lost, nothing runs twice at once, nothing is stuck, and no machine is left over."""
    chance, began = random.Random(7), time.monotonic()
    machines.cluster("mixed")
    names = [f"mixed-{number}" for number in range(40)]
    ledger = "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs/$AZ_BATCHAI_JOB_NAME"
    for name in names:
        nodes = 2 if chance.random() < 0.1 else 1
        work = chance.choice((0.2, 1, 3))
        command = f"echo $AZ_BATCHAI_ATTEMPT >> {ledger}; sleep {work}"
        machines.drop("mixed", name, command, nodes)
    evicted = 0
    while time.monotonic() - began < 120:
        eventually(machines.names, 90)
        machines.try_to_evict(chance.choice(machines.names() or [""]), chance.choice((0, 2, 6)))
        evicted += 1
        # The pause is part of what is tried: evictions come at random moments
        time.sleep(chance.uniform(4, 12))
        if all(machines.state_of(name) in ENDED for name in names):
            break
    ended = machines.ended(*names, seconds=300)
    assert evicted >= 3
    assert {one["state"] for one in ended} == {"succeeded"}, ended
    logs = directory_of(machines.client.state).shares / "logs"
    for name in names:
        attempts = (logs / name).read_text().split()
        assert attempts == sorted(set(attempts), key=int), f"{name} ran twice in one attempt: {attempts}"
    machines.none(120)
    eventually(lambda: machines.nodes("mixed") == ["0"], 30)
