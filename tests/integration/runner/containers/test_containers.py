"""Jobs in containers, with a real Docker daemon: what they find, what they leave, how they end."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import psutil

from runner.containers import container, options
from runner.containers.docker import Docker
from runner.isolation.node_config import NodeConfig
from runner.processes import process_table
from runner.processes.stop_signal import StopReason
from shared.jobs.model import Reason
from tests.integration.mounts.conftest import words_of
from tests.integration.runner.conftest import Shares
from tests.integration.runner.containers.boxes import IMAGE, Boxes, processes
from tests.integration.runner.stage import MOUNTS
from tests.support.docker_daemon import DockerDaemon
from tests.support.waiting import eventually
from tests.support.world import World


def test_what_preparation_installs_the_job_finds(boxes: Boxes) -> None:
    claim = boxes.claim(
        "tool; echo $FROM_IMAGE; pwd; id -u; cat /proc/self/status | grep -E '^(CapEff|NoNewPrivs)'",
        jobPreparation={
            "commandLine": "mkdir -p /opt/tools && echo 'echo installed' > /opt/tools/tool && "
            "chmod 755 /opt/tools/tool; echo prepared"
        },
    )
    result = boxes.run(claim)
    assert result.outcome is not None
    assert (result.outcome.reason, result.outcome.exit_code) == (Reason.SUCCEEDED, 0), boxes.diary
    assert result.node_fault == ""
    assert boxes.log("stdout-job_prep.txt") == "prepared\n"
    directory = f"{boxes.config.root}/jobs/{boxes.world.id()}/wd"
    capabilities = "CapEff:\t00000000a00405fb\nNoNewPrivs:\t1\n"
    assert boxes.log() == f"installed\nyes\n{directory}\n0\n{capabilities}"
    assert f"the image {IMAGE} is on this node already" in boxes.diary
    kinds = [str(event.kind) for event in result.report.events]
    assert kinds == [
        "Mounted",
        "ImageReady",
        "ContainerStarted",
        "PreparationStarted",
        "Prepared",
        "Started",
        "Stopped",
        "Uploaded",
    ]


def test_exit_codes_are_the_jobs(boxes: Boxes) -> None:
    assert boxes.outcome("echo before; echo oops >&2; exit 3") == (Reason.JOB_FAILED, 3)
    assert boxes.log() == "before\n"
    assert boxes.log("stderr.txt") == "oops\n"


def test_variables_of_any_form_arrive_and_show_nowhere(boxes: Boxes) -> None:
    # Given values that a shell, a file of variables or a command line would spoil
    values = {
        "LINES": "one\ntwo\n",
        "QUOTES": """it's "so" \\ `id` $(id)""",
        "UID": "a name that bash would refuse",
        "LD_PRELOAD": "",
        "IFS": "0123456789",
    }
    secret = "hush-hush\nsecond line"
    claim = boxes.claim(
        "cat /proc/$$/environ > $AZ_BATCHAI_JOB_TEMP/environ; while [ ! -e $AZ_BATCHAI_JOB_TEMP/go ]; do "
        "sleep 0.1; done; exit 10",
        environmentVariables=[{"name": name, "value": value} for name, value in values.items()],
        secrets=[{"name": "TOKEN", "value": secret}],
    )

    # When the job runs
    thread, results = boxes.in_background(claim)
    temp = Path(boxes.config.root, "jobs", str(boxes.world.id()))
    eventually(lambda: (temp / "environ").exists() and (temp / "environ").read_bytes().endswith(b"\0"), 30)
    inspected = boxes.daemon.docker("inspect", *boxes.daemon.containers())
    lines = [line for process in psutil.process_iter() for line in words_of(process)]
    clients = [
        process for process in psutil.process_iter() if {"exec", "--interactive"} <= {*words_of(process)}
    ]
    environments = [value for client in clients for value in client.environ().values()]
    (temp / "go").touch()
    thread.join(30)

    # Then it has every one of them, and the exit code is not split by its IFS
    pairs = (temp / "environ").read_bytes().decode().rstrip("\0").split("\0")
    found = dict(pair.partition("=")[::2] for pair in pairs)
    assert {name: found.get(name) for name in values} == values
    assert found["TOKEN"] == secret
    assert found["PYTHONUNBUFFERED"] == "1" and found["FROM_IMAGE"] == "yes"
    assert results[0].outcome is not None
    assert (results[0].outcome.reason, results[0].outcome.exit_code) == (Reason.JOB_FAILED, 10)
    # and nobody else does
    assert clients
    assert "hush-hush" not in inspected
    assert not [line for line in (*lines, *environments) if "hush-hush" in line]
    assert values["IFS"] not in environments
    assert "hush-hush" not in boxes.diary


def test_volumes_and_outputs_are_at_the_same_paths(boxes: Boxes) -> None:
    out = boxes.shares.create("out")
    (out / "given.txt").write_text("given\n")
    volumes = [boxes.shares.volume("logs"), boxes.shares.volume("out", "deep/out")]
    claim = boxes.claim(
        "cat $AZ_BATCHAI_JOB_MOUNT_ROOT/deep/out/given.txt; echo w > $AZ_BATCHAI_OUTPUT_M/model; "
        "echo x > $AZ_BATCHAI_OUTPUT_FAR/far; ls $AZ_BATCHAI_STDOUTERR_DIR | head -n 1; ls /etc/shadow",
        mountVolumes={"azureFileShares": volumes},
        outputDirectories=[
            {"id": "M", "pathPrefix": f"{MOUNTS}/deep/out", "pathSuffix": "m"},
            {"id": "FAR", "pathPrefix": f"{boxes.config.root}/elsewhere"},
        ],
    )
    result = boxes.run(claim)
    assert result.outcome is not None
    assert boxes.log() == "given\nexecution.log\n", boxes.log("stderr.txt")
    assert (out / boxes.segment() / "outputs" / "m" / "model").read_text() == "w\n"
    assert (boxes.config.root / "elsewhere" / boxes.segment() / "outputs" / "far").read_text() == "x\n"
    assert (result.outcome.reason, result.outcome.exit_code) == (Reason.JOB_FAILED, 1), "no file of the node"


def test_a_link_that_an_earlier_job_has_left_opens_nothing(boxes: Boxes) -> None:
    # Given a job that has put a link to the node's root where a cluster's share would be
    mounts = boxes.config.root / "mounts"
    assert boxes.outcome(f"ln -s / {mounts}/afs && ls {mounts}/afs/bin/busybox") == (Reason.SUCCEEDED, 0)
    # Then the next one sees its own root there
    assert boxes.outcome(f"ls {mounts}/afs/bin/busybox", name="second") == (Reason.SUCCEEDED, 0)
    assert boxes.outcome(f"ls {mounts}/afs{__file__}", name="third") == (Reason.JOB_FAILED, 1)


def test_shared_memory_has_the_size_asked_for(boxes: Boxes) -> None:
    settings = {"imageSourceRegistry": {"image": IMAGE}, "shmSize": "77 MB"}
    command = "grep ' /dev/shm .*size=78848k' /proc/mounts"
    assert boxes.outcome(command, containerSettings=settings) == (Reason.SUCCEEDED, 0)


def test_fifty_megabytes_of_output_arrive_whole(boxes: Boxes) -> None:
    result = boxes.run(boxes.claim("yes 0123456789abcde | head -c 52428800; echo; echo end >&2"))
    seals = {seal.name: seal for seal in result.report.seals}
    assert seals["stdout.txt"].size == 52428801 and seals["stdout.txt"].complete
    assert boxes.log().count("0123456789abcde\n") == 3276800


def test_a_background_process_does_not_hold_up_the_end(boxes: Boxes) -> None:
    result = boxes.run(boxes.claim("sleep 600 & echo done; exit 4"))
    assert result.outcome is not None
    assert (result.outcome.reason, result.outcome.exit_code) == (Reason.JOB_FAILED, 4)
    assert not processes("sleep 600")


def test_a_job_that_kills_itself_or_everything_has_failed_by_its_own_fault(boxes: Boxes) -> None:
    assert boxes.outcome("kill -9 $$") == (Reason.JOB_FAILED, 137)
    # Here the shell that keeps the record of the exit code is killed too.
    reason, code = boxes.outcome("sleep 601 & sh -c 'kill -9 -1'; exit 5", name="everything")
    assert (reason, code) == (Reason.JOB_FAILED, 137)


STUBBORN = "trap '' TERM; echo armed; while :; do sleep 1; done"


def test_a_request_to_terminate_ends_what_ignores_it(boxes: Boxes) -> None:
    thread, results = boxes.in_background(boxes.claim(STUBBORN))
    eventually(lambda: boxes.log() == "armed\n", 30)
    boxes.stop.set(StopReason.TERMINATED)
    thread.join(30)
    assert results[0].outcome is not None
    assert (results[0].outcome.reason, results[0].outcome.exit_code) == (Reason.TERMINATED, None)


def test_sigterm_reaches_the_jobs_own_processes_and_there_is_time_to_save(boxes: Boxes) -> None:
    # The client of docker exec would not have passed it on. A shell whose child is asked first continues.
    inner = (
        "trap 'echo saved > $AZ_BATCHAI_JOB_TEMP/saved; exit 0' TERM; "
        "for i in $(seq 40); do sleep 60 & done; echo armed; wait $!; echo continues"
    )
    thread, _ = boxes.in_background(boxes.claim(f"sh -c {shlex.quote(inner)}"))
    eventually(lambda: boxes.log() == "armed\n", 30)
    boxes.stop.set(StopReason.TERMINATED)
    thread.join(30)
    assert (boxes.config.root / "jobs" / str(boxes.world.id()) / "saved").read_text() == "saved\n"
    assert boxes.log() == "armed\n"


def test_the_wall_clock(boxes: Boxes) -> None:
    result = boxes.run(boxes.claim(STUBBORN, constraints={"maxWallClockTime": "PT1S"}))
    assert result.outcome is not None and result.outcome.reason is Reason.WALL_CLOCK


def test_an_image_without_a_shell(boxes: Boxes) -> None:
    boxes.daemon.make_image("batchai-test/bare:1", shell=False)
    result = boxes.run(boxes.claim(image="batchai-test/bare:1"))
    assert result.outcome is not None
    assert (result.outcome.reason, result.outcome.transient) == (Reason.CONTAINER_START, False)
    assert "/bin/sh" in result.outcome.message and "no such file" in result.outcome.message
    assert result.outcome.details == (("imageName", "batchai-test/bare:1"),)
    assert result.node_fault == ""


def test_a_node_without_docker(
    world: World, shares: Shares, config: Callable[..., NodeConfig], daemon: DockerDaemon
) -> None:
    boxes = Boxes(world, shares, config(docker="no-such-docker"), daemon)
    result = boxes.run(boxes.claim())
    assert result.outcome is not None
    assert result.outcome.reason is Reason.CONTAINER_START
    assert "this node has no 'no-such-docker'" in result.outcome.message


def test_a_toolkit_runs_with_the_images_python(
    world: World, shares: Shares, config: Callable[..., NodeConfig], daemon: DockerDaemon
) -> None:
    # Given an image that has the programs of this machine, bash and python3 among them, but no "python"
    folders = [word for path in ("/usr", "/lib", "/lib64") for word in ("--volume", f"{path}:{path}:ro")]
    daemon.make_image("batchai-test/host:1", "ENV PATH=/usr/bin:/bin")
    boxes = Boxes(world, shares, config(docker=daemon.command, container_options=tuple(folders)), daemon)
    (boxes.logs / "train.py").write_text("import os; print('rank', os.environ['AZ_BATCHAI_TASK_INDEX'])")
    claim = boxes.claim(
        image="batchai-test/host:1",
        customToolkitSettings=None,
        pyTorchSettings={"pythonScriptFilePath": f"{MOUNTS}/logs/train.py", "processCount": 2},
    )
    result = boxes.run(claim)
    assert result.outcome is not None and result.outcome.succeeded, boxes.log("stderr-0.txt")
    assert [boxes.log(f"stdout-{rank}.txt") for rank in (0, 1)] == ["rank 0\n", "rank 1\n"]
    assert "'python3' is used" in boxes.diary


def test_a_daemon_that_hangs_at_the_end_costs_no_result(boxes: Boxes) -> None:
    # Given a job that runs until it is asked to end
    claim = boxes.claim("echo begun; while [ ! -e $AZ_BATCHAI_JOB_TEMP/go ]; do sleep 0.1; done; exit 7")
    thread, results = boxes.in_background(claim)
    eventually(lambda: boxes.log() == "begun\n", 30)
    first = [process for process in psutil.process_iter() if options.FIRST_PROCESS in words_of(process)]
    assert first
    # When docker answers no more before it ends
    with boxes.daemon.hanging():
        Path(boxes.config.root, "jobs", str(boxes.world.id()), "go").touch()
        thread.join(120)
        assert not thread.is_alive()
        assert not [process for process in first if process_table.is_alive(process)], "killed without docker"
    # Then its exit code is known all the same, and the node is fit for others
    assert results[0].outcome is not None
    assert (results[0].outcome.reason, results[0].outcome.exit_code) == (Reason.JOB_FAILED, 7)
    assert results[0].node_fault == ""
    assert "could not be removed yet" in boxes.diary


def test_a_daemon_that_dies_is_not_the_jobs_fault(boxes: Boxes) -> None:
    thread, results = boxes.in_background(boxes.claim("echo begun; sleep 602"))
    eventually(lambda: boxes.log() == "begun\n", 30)
    boxes.daemon.kill()
    try:
        thread.join(120)
        assert not thread.is_alive()
        assert not processes("sleep 602")
    finally:
        boxes.daemon.restart()
    assert results[0].outcome is not None and results[0].outcome.reason is Reason.RUNNER_FAULT
    assert "docker lost its connection to the job" in results[0].outcome.message


def test_what_a_dead_runner_has_left_is_removed_at_the_next_start(boxes: Boxes) -> None:
    def leave(name: str, root: str, command: str) -> None:
        words = [
            "run",
            "--detach",
            "--name",
            name,
            "--network",
            "host",
            "--label",
            f"batchai.runner-root={root}",
        ]
        boxes.daemon.docker(*words, "--entrypoint", "/bin/sh", IMAGE, "-c", command)

    leave("left", str(boxes.config.root), "exec sleep 603")
    leave("another-runners", "/other", "exec sleep 604")
    seen: list[str] = []
    container.sweep(Docker(boxes.daemon.command), boxes.config.root, seen.append)
    assert len(seen) == 1 and seen[0].endswith(" removed")
    assert not processes("sleep 603") and processes("sleep 604")
    boxes.daemon.docker("rm", "--force", "another-runners")


def test_the_runner_follows_no_link_that_a_container_has_made(boxes: Boxes, tmp_path: Path) -> None:
    # Given a job that has put links where the runner will write
    victim = tmp_path / "victim"
    victim.write_text("precious")
    claim = boxes.claim(
        f"ln -s {victim} $AZ_BATCHAI_PREEMPTION_NOTICE; trap '' TERM; while :; do sleep 0.2; done",
        jobPreparation={
            "commandLine": "cd $AZ_BATCHAI_STDOUTERR_DIR && for name in stdout.txt stderr.txt; do "
            f"rm -f $name; ln -s {victim} $name; done"
        },
        stdOutErrPathPrefix=MOUNTS,
    )
    thread, _ = boxes.in_background(claim)
    notice = Path(boxes.config.root, "jobs", str(boxes.world.id()), "preemption-notice.json")
    eventually(lambda: notice.is_symlink(), 30)
    # When the machine is taken away
    boxes.stop.set(StopReason.EVICTED)
    thread.join(30)
    # Then nothing of it has reached a file of the node
    assert victim.read_text() == "precious"
    assert notice.is_file() and not notice.is_symlink()


def test_docker_understands_what_it_is_given(boxes: Boxes) -> None:
    """GPUs by id, as this machine has none: what docker would ask NVIDIA's runtime for."""
    wanted = options.Options("probe", {}, {}, (), gpus=("GPU-a1", "GPU-b2"), memory_bytes=2**30, processes=99)
    words = ["create", *options.run_words(wanted, IMAGE)[2:]]
    boxes.daemon.docker(*words)
    inspected = json.loads(boxes.daemon.docker("inspect", "--format", "{{json .HostConfig}}", "probe"))
    boxes.daemon.docker("rm", "probe")
    assert inspected["DeviceRequests"][0]["DeviceIDs"] == ["GPU-a1", "GPU-b2"]
    assert inspected["CapDrop"] == ["ALL"]
    assert {name.removeprefix("CAP_") for name in inspected["CapAdd"]} == {*options.CAPABILITIES}
    assert inspected["SecurityOpt"] == ["no-new-privileges"]
    assert (inspected["Memory"], inspected["MemorySwap"]) == (2**30, 2**30)
    assert inspected["PidsLimit"] == 99
    assert inspected["NetworkMode"] == "host" and not inspected["Privileged"]
