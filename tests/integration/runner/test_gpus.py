"""GPUs: what the driver is asked, and that no two runners have the same one.

Every question is put to the pretended driver and, where there is one, to NVIDIA's.
"""

import json
import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType

import pynvml
import pytest

from api.resources.clusters import node_information
from local import environment, processes
from local.stack import APP
from runner.isolation.node_config import NodeConfig
from runner.machine import nvml as gpus
from runner.machine.gpu_claims import claimed, claims_folder
from runner.machine.gpu_share import Gpu
from shared.errors import SettingsError
from shared.jobs.model import State
from tests.support import closed_machine, runners
from tests.support.fake_nvml import pynvml as pretended
from tests.support.waiting import eventually
from tests.support.world import World, document

FAKE = Path(pretended.__file__).parent
FIRST = "GPU-00000000-0000-0000-0000-000000000000"
SECOND = "GPU-00000001-0000-0000-0000-000000000000"


@pytest.fixture(params=["pretended", "real"])
def nvml(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    if request.param == "real":
        if not gpus.inventory():
            pytest.skip("no NVIDIA GPU here")
        yield pynvml
        return
    monkeypatch.setattr(gpus, "pynvml", pretended)
    monkeypatch.setenv("FAKE_NVML_GPUS", "2")
    yield pretended


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "pynvml", pretended)
    monkeypatch.setenv("FAKE_NVML_GPUS", "2")


def test_gpus_have_indexes_and_uuids(nvml: ModuleType) -> None:
    found = gpus.inventory()
    assert [device.index for device in found] == list(range(len(found)))
    assert len({device.uuid for device in found}) == len(found) >= 1
    assert all(device.uuid.startswith("GPU-") for device in found)


def test_the_driver_answers_as_nvidias_does(nvml: ModuleType) -> None:
    with pytest.raises(nvml.NVMLError, match="Uninitialized"):
        nvml.nvmlDeviceGetCount()
    nvml.nvmlInit()
    nvml.nvmlInit()
    nvml.nvmlShutdown()
    count = nvml.nvmlDeviceGetCount()
    handle = nvml.nvmlDeviceGetHandleByIndex(0)
    uuid = nvml.nvmlDeviceGetUUID(handle)
    assert nvml.nvmlDeviceGetUUID(nvml.nvmlDeviceGetHandleByUUID(uuid)) == uuid
    assert nvml.nvmlDeviceGetName(handle) and nvml.nvmlSystemGetDriverVersion()
    with pytest.raises(nvml.NVMLError, match="Invalid Argument"):
        nvml.nvmlDeviceGetHandleByIndex(count)
    with pytest.raises(nvml.NVMLError, match="Not Found"):
        nvml.nvmlDeviceGetHandleByUUID("GPU-ffffffff-ffff-ffff-ffff-ffffffffffff")
    nvml.nvmlShutdown()


def test_a_machine_without_a_driver_has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "pynvml", pretended)
    monkeypatch.delenv("FAKE_NVML_GPUS", raising=False)
    assert gpus.inventory() == ()
    assert gpus.busy((Gpu(0, FIRST),)) == frozenset()


def test_a_neighbours_processes_are_not_ours(two: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_NVML_BUSY", json.dumps({FIRST: [11], SECOND: [22, 23]}))
    first, second = gpus.inventory()
    assert gpus.busy((first,)) == {11}
    assert gpus.busy((first, second)) == {11, 22, 23}
    assert gpus.left_busy((first,), frozenset({11})) == frozenset()


def test_a_gpu_is_claimed_once_and_the_holder_is_named(two: None, tmp_path: Path) -> None:
    with claimed(("0",), "runner gpu-0 of cluster ws/gpu", tmp_path) as share:
        assert share.device_ids == (FIRST,)
        with claimed((SECOND,), "another", tmp_path) as other:
            assert other.visible({})["CUDA_VISIBLE_DEVICES"] == "1"
        with pytest.raises(SettingsError) as refused, claimed(None, "third", tmp_path):
            pass
        words = str(refused.value)
        assert f"GPU 0 ({FIRST}) is held by runner gpu-0 of cluster ws/gpu, process {os.getpid()}" in words
        assert "--gpus 0,1" in words and SECOND not in words
        # What it got before it was refused it has let go.
        with claimed(("1",), "fourth", tmp_path):
            pass
    with claimed(None, "fifth", tmp_path) as everything:
        assert everything.count == 2


@pytest.fixture
def planted() -> Iterator[Callable[[str], Path]]:
    """A folder as older runners made it, open to all, where a job has put something in the claim's place."""
    closed_machine.need("flock")  # a job has another user than its runner only where that is root
    with closed_machine.open_folder() as folder, ExitStack() as stack:
        folder.chmod(0o1777)

        def plant(what: str) -> Path:
            path = folder / f"{FIRST}.lock"
            if what == "a folder":
                (path / "inner").mkdir(parents=True)
            elif what == "a link":
                path.symlink_to("/etc/hostname")
            elif what == "a pipe":
                os.mkfifo(path)
            else:
                path.touch()
                os.chown(path, 65534, 65534)
                lock = ["flock", "--exclusive", str(path), "sleep", "60"]
                child = subprocess.Popen(lock, user=65534, start_new_session=True)
                stack.callback(child.wait)
                stack.callback(os.killpg, child.pid, signal.SIGKILL)
                eventually(lambda: subprocess.run(["flock", "-n", path, "true"], check=False).returncode)
            return folder

        yield plant


@pytest.mark.parametrize("what", ["a folder", "a link", "a pipe", "a locked file"])
def test_what_a_job_puts_among_the_claims_blocks_no_gpu(
    two: None, planted: Callable[[str], Path], what: str
) -> None:
    folder = planted(what)
    with claimed(("0",), "first", folder):
        assert folder.stat().st_mode & 0o777 == 0o700, "jobs do not come here"
        with pytest.raises(SettingsError, match="held by first"), claimed(("0",), "second", folder):
            pass
    assert Path("/etc/hostname").exists()


def test_a_gpu_that_is_not_there_is_refused(two: None, tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match="--gpus: this machine has no GPU 2"),
        claimed(("2",), "", tmp_path),
    ):
        pass


@contextmanager
def a_runner(
    world: World, config: NodeConfig, choice: str, serial: str, seconds: float = 20
) -> Iterator[processes.Child]:
    """A runner process with `--gpus choice`, on a machine that pretends to have four."""
    fake = {"PYTHONPATH": str(FAKE), "FAKE_NVML_GPUS": "4", "FAKE_NVML_SERIAL": serial}
    settings = {
        "BATCHAI_STORAGE": world.settings.storage,
        "BATCHAI_SEALING_KEYS": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
        "BATCHAI_ACTIVE_POLL_SECONDS": "0.1",
        "BATCHAI_SCHEDULED_EVENTS_URL": "off",
    }
    command = runners.command(str(world.cluster), config.node_id, config.root)
    log = config.root.with_suffix(".log")
    env = environment.machine() | environment.AS_ITSELF | settings | fake
    child = processes.start(config.node_id, [*command, "--gpus", choice], log, env, APP)
    try:
        yield child
    finally:
        child.stop(seconds)


@pytest.fixture
def serial() -> Iterator[str]:
    """UUIDs that no other test's runners have."""
    digits = uuid.uuid4().hex[:8]
    yield digits
    for lock in claims_folder().glob(f"*{digits}.lock"):
        lock.unlink()


def test_runners_of_one_machine_show_their_jobs_a_part_each(
    world: World, config: Callable[..., NodeConfig], tmp_path: Path, serial: str
) -> None:
    world.create_cluster()
    script, seen = tmp_path / "show.sh", tmp_path / "seen"
    script.write_text(
        f'echo "$AZ_BATCH_NODE_ID $AZ_BATCHAI_NUM_GPUS $RANK $CUDA_VISIBLE_DEVICES" >> {seen}\n'
    )
    settings = {"pythonScriptFilePath": str(script), "pythonInterpreterPath": "bash", "processCount": 2}
    with a_runner(world, config(), "1,3", serial), a_runner(world, config(), "0", serial):
        world.accept("job", document(customToolkitSettings=None, pyTorchSettings=settings))
        eventually(lambda: not world.job("job").state.live, 60)
        assert world.job("job").state is State.SUCCEEDED
        assert sorted(seen.read_text().splitlines()) in (
            ["node-0 2 0 1", "node-0 2 1 3"],
            ["node-1 1 0 0", "node-1 1 1 0"],
        )
        eventually(lambda: len(world.backend.clusters.known_nodes(world.cluster)) == 2, 30)  # one came late
        nodes = {each.view.node_id: each for each in world.backend.clusters.known_nodes(world.cluster)}
        shown = {name: node_information(each)["gpus"] for name, each in nodes.items()}
        assert {name: [gpu["index"] for gpu in gpus] for name, gpus in shown.items()} == {
            "node-0": [1, 3],
            "node-1": [0],
        }
        assert shown["node-1"][0]["memoryTotalBytes"] == pretended.TOTAL_BYTES


def test_a_runner_that_wants_anothers_gpu_does_not_start(
    world: World, config: Callable[..., NodeConfig], serial: str
) -> None:
    with a_runner(world, config(), "1,3", serial) as first:
        eventually(lambda: "node node-0" in first.tail(), 30)
        with a_runner(world, config(), "all", serial) as second:
            assert second.process.wait(30) == 2
            assert "is held by runner node-0 of cluster" in second.tail()
            assert second.tail().count("error: --gpus") == 2
        first.process.kill()
        first.process.wait(10)
        with a_runner(world, config(), "3", serial) as third:
            eventually(lambda: "node node-2" in third.tail(), 30)
