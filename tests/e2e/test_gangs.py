"""Jobs on several nodes, end to end: real runners of one machine, each with an address of its own."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.jobs.model import Job, State
from tests.e2e.chaos.arena import Arena, no_process_of, wait_for
from tests.e2e.chaos.place import Place
from tests.support.waiting import eventually


@pytest.fixture
def arena(tmp_path: Path, arena_place: Place) -> Iterator[Arena]:
    with Arena(tmp_path, runners=2, at=arena_place) as made:
        yield made
    eventually(lambda: no_process_of(tmp_path) == [], 5)


def logs_of(arena: Arena, name: str, node: int = 0) -> Path:
    """The stdouterr folder of a run on one node: the arena's jobs keep their logs there."""
    job = arena.job(name)
    root = arena.folder / f"root-{node}" / "jobs" / str(job.id) / "mounts"
    return next(root.rglob("stdouterr"))


def ended(arena: Arena, name: str, seconds: float = 40) -> Job:
    wait_for(lambda: not arena.job(name).state.live, arena, seconds)
    return arena.job(name)


PYTORCH: dict[str, Any] = {
    "customToolkitSettings": None,
    "nodeCount": 2,
}


def pytorch(script: Path, **more: Any) -> dict[str, Any]:
    settings = {"pythonScriptFilePath": str(script), "communicationBackend": "gloo"}
    return PYTORCH | {"pyTorchSettings": settings | more}


def test_two_ranks_on_two_nodes(arena: Arena, tmp_path: Path) -> None:
    script = tmp_path / "rank.py"
    script.write_text(
        "import os, sys\n"
        "names = ('AZ_BATCH_NODE_ID', 'AZ_BATCHAI_TASK_INDEX', 'AZ_BATCH_HOST_LIST')\n"
        "print(*[os.environ[name] for name in names])\n"
    )
    arena.submit("job", text="true", **pytorch(script))
    job = ended(arena, "job")
    assert job.state is State.SUCCEEDED, (job.errors, arena.logs())
    nodes = job.events[1].detail.split()
    assert set(nodes) == {"node-0", "node-1"}
    said = {}
    for rank, node in enumerate(nodes):
        text = (logs_of(arena, "job", int(node[-1])) / f"stdout-{rank}.txt").read_text()
        said[node] = text.split()
    addresses = ",".join(f"127.0.0.{int(node[-1]) + 1}" for node in nodes)
    assert said == {node: [node, str(rank), addresses] for rank, node in enumerate(nodes)}
    names = {seal.name for seal in job.seals}
    assert {"stdout-0.txt", "stdout-1.txt", f"execution-{nodes[0]}.log", f"execution-{nodes[1]}.log"} <= names
    assert all(seal.complete for seal in job.seals)


@pytest.mark.parametrize("rank", [0, 1])
def test_one_node_that_fails_ends_the_job_on_all_and_is_named(
    arena: Arena, tmp_path: Path, rank: int
) -> None:
    script = tmp_path / "rank.py"
    script.write_text(
        "import os, sys, time\n"
        f"if os.environ['AZ_BATCHAI_TASK_INDEX'] == '{rank}': sys.exit(7)\n"
        f"open(r'{tmp_path}/other', 'w').write('begun')\n"
        "time.sleep(300)\n"
    )
    arena.submit("job", text="true", **pytorch(script))
    begun = time.monotonic()
    job = ended(arena, "job")
    assert time.monotonic() - begun < 20
    node = job.events[1].detail.split()[rank]
    assert (job.state, job.exit_code, job.errors[0].code) == (State.FAILED, 7, "JobFailed")
    assert job.errors[0].message == f"Node {node}: Job failed with non-zero exit code"
    assert ("Node", node) in job.errors[0].details
    assert eventually(lambda: not running(script)), "nothing of it is left anywhere"
    wait_for(lambda: arena.world.messages() == 0, arena)
    wait_for(lambda: gang_rows(arena) == 0, arena)


def running(script: Path) -> list[str]:
    return [words for words in no_process_of(script.parent) if str(script) in words]


def gang_rows(arena: Arena) -> int:
    look = arena.world.stores.gangs.look(arena.world.cluster)
    return len(look.gangs) + len(look.strays)


def test_preparation_runs_on_every_node_before_any_process(arena: Arena, tmp_path: Path) -> None:
    """The slower node holds the faster one up; each has logs of its own."""
    script = tmp_path / "rank.py"
    script.write_text(f"import os\nprint(len(os.listdir(r'{tmp_path}/prepared')))\n")
    (tmp_path / "prepared").mkdir()
    slow = (
        f"[ $AZ_BATCH_NODE_ID = node-1 ] && sleep 1; echo ready; touch {tmp_path}/prepared/$AZ_BATCH_NODE_ID"
    )
    arena.submit("job", text="true", jobPreparation={"commandLine": slow}, **pytorch(script))
    job = ended(arena, "job")
    assert job.state is State.SUCCEEDED, (job.errors, arena.logs())
    for rank, node in enumerate(job.events[1].detail.split()):
        folder = logs_of(arena, "job", int(node[-1]))
        assert (folder / f"stdout-{rank}.txt").read_text() == "2\n"
        assert (folder / f"stdout-job_prep-{node}.txt").read_text() == "ready\n"


def test_a_preparation_that_fails_on_one_node_fails_the_job(arena: Arena, tmp_path: Path) -> None:
    script = tmp_path / "rank.py"
    script.write_text(f"open(r'{tmp_path}/ran', 'a')\n")
    bad = "[ $AZ_BATCH_NODE_ID = node-0 ] || exit 3"
    arena.submit("job", text="true", jobPreparation={"commandLine": bad}, **pytorch(script))
    job = ended(arena, "job")
    assert (job.exit_code, job.errors[0].code) == (3, "JobPreparationFailed")
    assert ("Node", "node-1") in job.errors[0].details
    assert not (tmp_path / "ran").exists(), "no process started anywhere"


def test_a_mount_that_fails_on_one_node_fails_the_job(arena: Arena, tmp_path: Path) -> None:
    arena.runner(1).stop(10)
    arena.start(1, {"BATCHAI_ALLOWED_MOUNT_COMMANDS": "mount -t tmpfs"})
    volumes = {
        "unmanagedFileSystems": [{"mountCommand": "mount -t tmpfs none", "relativeMountPath": "scratch"}]
    }
    script = tmp_path / "rank.py"
    script.write_text(f"open(r'{tmp_path}/ran', 'a')\n")
    arena.submit("job", text="true", mountVolumes=volumes, **pytorch(script))
    job = ended(arena, "job")
    assert job.errors[0].code == "UnmanagedMountError"
    assert ("Node", "node-0") in job.errors[0].details
    assert not (tmp_path / "ran").exists()


def test_the_master_decides_and_what_serves_is_ended(arena: Arena, tmp_path: Path) -> None:
    """TensorFlow with a parameter server: the servers run until every worker has ended."""
    script = tmp_path / "tf.py"
    script.write_text(
        "import json, os, socket, sys, time\n"
        "config = json.loads(os.environ['TF_CONFIG'])\n"
        "task = config['task']\n"
        "kind = 'worker' if task['type'] == 'master' else task['type']\n"
        "host, port = config['cluster'][kind][task['index']].rsplit(':', 1)\n"
        "server = socket.create_server((host, int(port)))\n"
        "if task['type'] == 'ps': time.sleep(600)\n"
        "for peer in config['cluster']['ps']:\n"
        "    for _ in range(200):\n"
        "        try: socket.create_connection(peer.rsplit(':', 1)).close(); break\n"
        "        except OSError: time.sleep(0.05)\n"
        "    else: sys.exit(4)\n"
        "print(task['type'], 'done')\n"
    )
    settings = {"pythonScriptFilePath": str(script), "workerCount": 2, "parameterServerCount": 2}
    arena.submit("job", text="true", customToolkitSettings=None, nodeCount=2, tensorFlowSettings=settings)
    job = ended(arena, "job")
    assert job.state is State.SUCCEEDED, (job.errors, arena.logs())
    assert eventually(lambda: not running(script))
    names = {seal.name for seal in job.seals}
    assert {"stdout-ps-0.txt", "stdout-ps-1.txt", "stdout-wk-0.txt"} <= names, names


def test_terminate_reaches_every_node(arena: Arena, tmp_path: Path) -> None:
    script = tmp_path / "rank.py"
    script.write_text(f"import time, os\nopen(r'{tmp_path}/begun', 'a').write('x')\ntime.sleep(300)\n")
    arena.submit("job", text="true", **pytorch(script))
    wait_for(lambda: len(running(script)) >= 2, arena)
    arena.world.manager.terminate(arena.world.id("job"))
    job = ended(arena, "job", 15)
    assert (job.errors[0].code, job.exit_code) == ("JobTerminated", None)
    assert eventually(lambda: not running(script))
    wait_for(lambda: states(arena) == {"node-0": "idle", "node-1": "idle"}, arena)


def states(arena: Arena) -> dict[str, str]:
    return {n.node_id: n.state for n in arena.world.backend.clusters.alive_nodes(arena.world.cluster)}


def test_the_wall_clock_is_kept_on_all_nodes(arena: Arena, tmp_path: Path) -> None:
    script = tmp_path / "rank.py"
    script.write_text("import time\ntime.sleep(300)\n")
    limit = {"maxWallClockTime": "PT2S"}
    arena.submit("job", text="true", constraints=limit, **pytorch(script))
    assert ended(arena, "job").errors[0].code == "JobWallClockTimeExceeded"
    assert eventually(lambda: not running(script))


def test_nodes_of_a_job_are_reported_while_it_runs(arena: Arena, tmp_path: Path) -> None:
    script = tmp_path / "rank.py"
    script.write_text("import time\ntime.sleep(300)\n")
    arena.submit("job", text="true", **pytorch(script))
    job = arena.job("job")
    clusters = arena.world.backend.clusters

    def at_work() -> dict[str, str]:
        nodes = clusters.alive_nodes(arena.world.cluster)
        return {n.node_id: n.address for n in nodes if n.job == job.uuid and n.state == "running"}

    wait_for(lambda: at_work() == {"node-0": "127.0.0.1", "node-1": "127.0.0.2"}, arena)
    arena.world.manager.terminate(arena.world.id("job"))
    wait_for(lambda: at_work() == {}, arena)


def test_a_job_waits_for_the_nodes_that_lack_and_says_so(tmp_path: Path, arena_place: Place) -> None:
    with Arena(tmp_path, runners=3, at=arena_place) as arena:
        arena.submit("single", text="sleep 300")
        wait_for(lambda: arena.job("single").state is State.RUNNING, arena)
        script = tmp_path / "rank.py"
        script.write_text("print('here')\n")
        arena.submit("gang", text="true", **pytorch(script) | {"nodeCount": 3})
        wait_for(
            lambda: arena.world.status("gang").get("waiting", {}).get("message", "")[:6] == "2 of 3", arena
        )
        waiting = arena.world.status("gang")["waiting"]
        assert waiting["reason"] == "GangIncomplete"
        assert (arena.job("gang").state, arena.job("gang").attempt) == (State.QUEUED, 1)
        arena.world.manager.terminate(arena.world.id("single"))
        assert ended(arena, "gang").state is State.SUCCEEDED, arena.logs()


def test_a_queued_gang_that_is_terminated_frees_its_nodes(tmp_path: Path, arena_place: Place) -> None:
    with Arena(tmp_path, runners=2, at=arena_place) as arena:
        arena.submit("single", text="sleep 300")
        wait_for(lambda: arena.job("single").state is State.RUNNING, arena)
        arena.submit("gang", text="true", **pytorch(tmp_path / "none.py"))
        wait_for(lambda: arena.job("gang").held, arena)
        arena.world.manager.terminate(arena.world.id("gang"))
        assert arena.job("gang").state is State.FAILED
        arena.submit("next", text="true")
        assert ended(arena, "next").state is State.SUCCEEDED, arena.logs()


def test_a_gang_larger_than_the_cluster_lets_others_pass_and_starts_when_nodes_come(
    tmp_path: Path, arena_place: Place
) -> None:
    with Arena(tmp_path, runners=1, at=arena_place) as arena:
        script = tmp_path / "rank.py"
        script.write_text("print('here')\n")
        arena.submit("gang", text="true", **pytorch(script))
        arena.submit("single", text="true")
        assert ended(arena, "single").state is State.SUCCEEDED, arena.logs()
        assert (arena.job("gang").attempt, arena.job("gang").owner) == (0, None)
        assert arena.world.manager.why(arena.job("gang")).reason == "GangTooLarge"
        arena.start(1)
        assert ended(arena, "gang").state is State.SUCCEEDED, arena.logs()


@pytest.mark.parametrize("who", ["helper", "leader"])
def test_a_drained_node_hands_the_job_back(arena: Arena, tmp_path: Path, who: str) -> None:
    arena.start(2)
    script = tmp_path / "rank.py"
    script.write_text("import os, time\nif os.environ['AZ_BATCHAI_ATTEMPT'] == '1': time.sleep(300)\n")
    arena.submit("job", text="true", **pytorch(script))
    wait_for(lambda: len(running(script)) >= 2, arena)
    nodes = arena.job("job").events[1].detail.split()
    drained = int(nodes[who == "helper"][-1])
    arena.signal(drained, signal.SIGTERM)
    assert arena.runner(drained).process.wait(20) == 0
    job = ended(arena, "job")
    assert (job.state, job.attempt) == (State.SUCCEEDED, 2), arena.logs()
    assert job.max_attempts == 51, "no attempt was used up"
    back = next(event for event in job.events if event.kind == "HandedBack")
    assert ("leaves" in back.detail) == (who == "helper")
