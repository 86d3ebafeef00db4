"""Jobs as a user of their own: what they can do, and what is closed to them."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from azure.storage.blob import ContainerClient

from local import environment, processes
from local.azurite import Endpoints
from local.stack import APP
from runner.isolation import slots
from runner.isolation.node_config import NodeConfig
from runner.isolation.setup import isolated
from runner.mounts.drivers.fuse_process import fuse_fault
from runner.mounts.types import BLOB_CONTAINER
from runner.processes.process_table import is_alive
from shared.errors import SettingsError
from shared.settings import AccountEndpoints
from tests.integration.runner.conftest import Shares
from tests.support import closed_machine, runners
from tests.support.closed_node import MOUNTS, Closed
from tests.support.needs import need
from tests.support.waiting import eventually
from tests.support.world import World, document, settings_for
from tests.support.world import world as open_world


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In the place of pytest's, which other users cannot reach."""
    closed_machine.need("useradd", "setpriv", "unshare", "prlimit")
    with closed_machine.open_folder() as path:
        yield path


@pytest.fixture
def world(installation: str, shares: Shares, azurite: Endpoints) -> Iterator[World]:
    """With the data account's containers in Azurite and its shares in the emulator."""
    urls = AccountEndpoints(blob=azurite.blob_endpoint, file=shares.endpoint)
    endpoints = {shares.server.account: urls, azurite.account: urls}
    with open_world(
        settings_for(installation, endpoints=endpoints, lease_seconds=6, renew_seconds=0.5)
    ) as made:
        yield made


@pytest.fixture
def node(world: World, shares: Shares, config: Callable[..., NodeConfig]) -> Iterator[Closed]:
    with isolated(config(job_user="")) as closed:
        yield Closed(world, shares, closed)


def test_a_job_is_an_unprivileged_user_with_a_home(node: Closed) -> None:
    said = node.output('id -un; id -u; echo "$USER $LOGNAME $SHELL"; echo x > $HOME/file && echo $HOME; pwd')
    name, uid, login, home, folder = said.splitlines()
    assert name == node.user and name.startswith("batchai-job-") and uid != "0"
    assert login == f"{name} {name} /bin/bash"
    assert home == f"/var/lib/batchai/{name}" and folder.endswith("/wd")


def test_no_privilege_is_left_and_none_comes_back(node: Closed) -> None:
    status = dict(line.split(":\t", 1) for line in node.output("cat /proc/self/status").splitlines())
    assert status["NoNewPrivs"] == "1"
    assert {status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert node.output("ulimit -c") == "0\n"


def test_the_folders_of_a_job_are_its_own(node: Closed) -> None:
    node.output(
        "for folder in . $AZ_BATCHAI_JOB_TEMP $AZ_BATCHAI_SHARED_JOB_TEMP $TMPDIR /tmp /var/tmp /dev/shm;"
        " do echo x > $folder/made || exit 1; done; echo ok > /dev/stderr; cat $AZ_BATCHAI_OUTPUT_OUT/made"
        " || echo written > $AZ_BATCHAI_OUTPUT_OUT/made",
        outputDirectories=[{"id": "OUT", "pathPrefix": f"{MOUNTS}/logs", "pathSuffix": "model"}],
    )
    assert [path.read_text() for path in node.logs.rglob("outputs/model/made")] == ["written\n"]


@pytest.fixture
def apart(world: World, shares: Shares, config: Callable[..., NodeConfig]) -> Iterator[Closed]:
    """A node with private temp folders: no premounted share lies below /tmp."""
    with isolated(config(job_user="")) as closed:
        assert closed.isolation.private_temp
        yield Closed(world, shares, closed)


def test_temp_folders_are_private_and_empty_for_the_next_job(apart: Closed) -> None:
    planted = Path("/tmp") / f"machine-{os.getpid()}"
    planted.write_text("of the machine")
    try:
        apart.output("cd /tmp && touch a && cd /dev/shm && touch b && cd /var/tmp && touch c; touch ~/d")
        seen = apart.output("ls -A /tmp /var/tmp /dev/shm ~")
    finally:
        planted.unlink()
    names = {"a", "b", "c", "d", planted.name}
    assert not names & set(seen.split())
    assert not any(Path(place, name).exists() for place in ("/tmp", "/var/tmp", "/dev/shm") for name in "abc")


def test_processes_of_one_job_share_their_temp_folders(apart: Closed) -> None:
    prepared = {"commandLine": "touch /tmp/prepared /dev/shm/prepared"}
    assert apart.output("ls /tmp /dev/shm", jobPreparation=prepared).count("prepared") == 2


def test_volumes_are_seen_inside(apart: Closed) -> None:
    (apart.logs / "data").write_text("on the share")
    assert apart.output(f"cat {MOUNTS}/logs/data") == "on the share"


def test_what_is_not_the_jobs_is_closed_to_it(node: Closed, world: World) -> None:
    other = node.config.root.parent / "other-root"
    other.mkdir()
    closed = replace(node.config, root=other)
    with isolated(replace(closed, job_user="")) as second:
        assert second.isolation.user != node.config.isolation.user
        node.run("echo mine > $AZ_BATCHAI_JOB_TEMP/secret; chmod 777 $AZ_BATCHAI_JOB_TEMP/secret", second)
    foreign = next(other.rglob("secret"))
    pid = os.getpid()
    for attempt in (
        f"cat /proc/{pid}/environ",  # the runner's settings: the account's key, the sealing keys
        f"cat /proc/{pid}/mem",
        f"ls {node.config.work}",  # credentials of mounts, spooled logs
        f"cat {foreign}",
        "cat /run/batchai/slots/0",
        "cat /etc/shadow",
    ):
        assert "Permission denied" in node.refused(attempt), attempt


OUTPUT = {"id": "OUT", "pathPrefix": f"{MOUNTS}/logs", "pathSuffix": "model"}


def test_an_output_directory_through_a_planted_link_is_refused(node: Closed, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o777)
    (node.logs / "climb").symlink_to(outside)
    output = OUTPUT | {"pathPrefix": f"{MOUNTS}/logs/climb"}
    result = node.run("true", outputDirectories=[output])
    assert result.outcome and "'climb' is a symbolic link, which is not followed" in result.outcome.message
    assert not any(outside.iterdir())


def test_a_place_of_the_machine_is_written_to_with_the_jobs_rights_only(node: Closed, tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o755)
    result = node.run("true", outputDirectories=[OUTPUT | {"pathPrefix": str(private)}])
    assert result.outcome and "Permission denied" in result.outcome.message
    assert not any(private.iterdir())


def test_logs_on_the_node_follow_no_link_of_the_jobs(node: Closed, tmp_path: Path) -> None:
    """jobPreparation moves the folder of the logs away and puts a link to somewhere else in its place."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o777)
    swap = (
        "cd $AZ_BATCHAI_JOB_TEMP; until log=$(find plain -name execution.log | grep .); do sleep 0.1; done"
        f"; folder=$(dirname $log); mv $folder mine && ln -s {outside} $folder"
    )
    node.run(
        "echo of the job; sleep 1",
        stdOutErrPathPrefix="$AZ_BATCHAI_JOB_TEMP/plain",
        jobPreparation={"commandLine": swap},
    )
    assert not any(outside.rglob("*"))


def test_what_a_job_leaves_is_cleared_without_following_its_links(node: Closed, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o777)
    (kept / "file").write_text("kept")
    node.output(f"ln -s {kept} $AZ_BATCHAI_JOB_TEMP/link; ln -s {kept} /tmp/link; ln -s {kept} ~/link")
    node.output("true")
    assert (kept / "file").read_text() == "kept"


def test_mounts_of_other_runners_are_not_seen_inside(node: Closed, tmp_path: Path) -> None:
    """Or they could not be undone while this job runs."""
    foreign = tmp_path / "foreign-root/mounts/data"
    foreign.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", foreign], check=True)
    try:
        (foreign / "secret").write_text("secret")
        with slots.taken(tmp_path / "foreign-root"):
            assert node.output(f"ls -A {foreign}; grep -c {foreign} /proc/self/mounts || true") == "0\n"
        assert (foreign / "secret").exists(), "outside it stays"
    finally:
        subprocess.run(["umount", foreign], check=True)


def test_a_volume_by_rclone_belongs_to_the_jobs_user(
    azurite: Endpoints, world: World, shares: Shares, config: Callable[..., NodeConfig]
) -> None:
    need(fuse_fault())
    name = world.cluster.workspace
    volume = {
        "accountName": azurite.account,
        "containerName": name,
        "relativeMountPath": "data",
        "credentials": {"accountKey": azurite.key},
    }
    with (
        ContainerClient(azurite.blob_endpoint, name, credential=azurite.key) as client,
        isolated(config(job_user="", drivers={BLOB_CONTAINER: ("rclone",)})) as closed,
    ):
        client.create_container()
        place = Closed(world, shares, closed)
        volumes = {"azureFileShares": [shares.volume("logs")], "azureBlobFileSystems": [volume]}
        command = f"echo made > {MOUNTS}/data/file && stat -c %U {MOUNTS}/data/file"
        assert place.output(command, mountVolumes=volumes) == f"{place.user}\n"
        assert client.download_blob("file").readall() == b"made\n"


def test_a_job_cannot_signal_its_runner(node: Closed) -> None:
    assert "not permitted" in node.refused(f"kill -STOP {os.getpid()}")


def test_nothing_of_its_user_outlives_a_job(node: Closed) -> None:
    node.output("env -i setsid sleep 300 > /dev/null 2>&1 & sleep 0.2")
    uid = node.config.isolation.user.uid
    owned = [p for p in psutil.process_iter(("uids",)) if p.info["uids"] and p.info["uids"].real == uid]
    assert not [p for p in owned if is_alive(p)]


def test_a_job_cannot_put_anything_in_the_place_of_what_is_the_runners(node: Closed) -> None:
    message = node.refused("cd $AZ_BATCHAI_JOB_TEMP && mv mounts mine && ln -s /etc mounts")
    assert "not permitted" in message


def test_a_runner_that_is_given_nothing_isolates_its_jobs(
    world: World, config: Callable[..., NodeConfig]
) -> None:
    made = config()
    settings = {
        "BATCHAI_STORAGE": world.settings.storage,
        "BATCHAI_SEALING_KEYS": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
        "BATCHAI_ACTIVE_POLL_SECONDS": "0.1",
        "BATCHAI_SCHEDULED_EVENTS_URL": "off",
    }
    command = runners.command(str(world.cluster), made.node_id, made.root)
    log = made.root.with_suffix(".log")
    env = environment.machine() | settings
    child = processes.start(made.node_id, [*command, "--gpus", "none"], log, env, APP)
    try:
        script = "id -un; ulimit -u; ls /tmp | wc -l; grep NoNewPrivs /proc/self/status"
        world.accept(data=document(script, stdOutErrPathPrefix="$AZ_BATCHAI_JOB_TEMP/logs"))
        eventually(lambda: not world.job().state.live, 60)
        (said,) = made.root.rglob("stdout.txt")
        name, _, count, privileges = said.read_text().splitlines()
    finally:
        child.stop(20)
    assert name.startswith("batchai-job-") and count == "0" and privileges.split()[-1] == "1"
    message = log.read_text()
    assert f"jobs run as {name}" in message and "temp folders of their own" in message


def test_two_runners_never_share_a_user(tmp_path: Path) -> None:
    folder = tmp_path / "slots"
    with slots.taken(tmp_path / "a", folder) as first, slots.taken(tmp_path / "b", folder) as second:
        assert (first, second) == (0, 1)
        assert slots.other_roots(0, folder) == (f"{tmp_path}/b",)
    with slots.taken(tmp_path / "c", folder) as again:
        assert again == 0


def test_a_root_that_the_user_cannot_reach_is_reported_at_the_start(
    config: Callable[..., NodeConfig], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with (
        pytest.raises(SettingsError, match=f"{home} is closed to it"),
        isolated(config(job_user="", root=home / "nodes")),
    ):
        pass


@pytest.mark.parametrize("name", ["own", "root"])
def test_jobs_can_stay_with_the_runners_own_user(
    world: World, shares: Shares, config: Callable[..., NodeConfig], name: str
) -> None:
    with isolated(config(job_user=name)) as same:
        assert Closed(world, shares, same).output("id -un") == "root\n"


def test_a_user_that_is_not_there_is_a_wrong_setting(config: Callable[..., NodeConfig]) -> None:
    with pytest.raises(SettingsError, match="no such user"), isolated(config(job_user="nobody-of-that-name")):
        pass


def test_a_user_by_name(world: World, shares: Shares, config: Callable[..., NodeConfig]) -> None:
    with isolated(config(job_user="nobody")) as other:
        assert Closed(world, shares, other).output("id -un; touch here && ls") == "nobody\nhere\n"
