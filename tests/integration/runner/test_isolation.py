"""Jobs as a user of their own: what they can do, and what is closed to them."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from runner.cage import is_alive
from runner.config import RunnerConfig
from runner.isolation import slots
from runner.isolation.preparing import isolated
from shared.errors import SettingsError
from tests.integration.runner.conftest import Shares
from tests.support import closed_machine
from tests.support.closed_node import MOUNTS, Closed
from tests.support.world import World


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In the place of pytest's, which other users cannot reach."""
    closed_machine.need("useradd", "setpriv", "unshare", "prlimit")
    with closed_machine.open_folder() as path:
        yield path


@pytest.fixture
def node(world: World, shares: Shares, config: Callable[..., RunnerConfig]) -> Iterator[Closed]:
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
def apart(world: World, shares: Shares, config: Callable[..., RunnerConfig]) -> Iterator[Closed]:
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


def test_a_job_cannot_signal_its_runner(node: Closed) -> None:
    assert "not permitted" in node.refused(f"kill -STOP {os.getpid()}")


def test_nothing_of_its_user_outlives_a_job(node: Closed) -> None:
    node.output("env -i setsid sleep 300 > /dev/null 2>&1 & sleep 0.2")
    uid = node.config.isolation.user.uid
    owned = [p for p in psutil.process_iter(("uids",)) if p.info["uids"] and p.info["uids"].real == uid]
    assert not [p for p in owned if is_alive(p)]


def test_a_job_cannot_put_anything_in_the_place_of_what_is_the_runners(node: Closed) -> None:
    told = node.refused("cd $AZ_BATCHAI_JOB_TEMP && mv mounts mine && ln -s /etc mounts")
    assert "not permitted" in told


def test_two_runners_never_share_a_user(tmp_path: Path) -> None:
    folder = tmp_path / "slots"
    with slots.taken(tmp_path / "a", folder) as first, slots.taken(tmp_path / "b", folder) as second:
        assert (first, second) == (0, 1)
        assert slots.other_roots(0, folder) == (f"{tmp_path}/b",)
    with slots.taken(tmp_path / "c", folder) as again:
        assert again == 0


def test_a_root_that_the_user_cannot_reach_is_told_at_the_start(
    config: Callable[..., RunnerConfig], tmp_path: Path
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
    world: World, shares: Shares, config: Callable[..., RunnerConfig], name: str
) -> None:
    with isolated(config(job_user=name)) as same:
        assert Closed(world, shares, same).output("id -un") == "root\n"


def test_a_user_that_is_not_there_is_a_wrong_setting(config: Callable[..., RunnerConfig]) -> None:
    with pytest.raises(SettingsError, match="no such user"), isolated(config(job_user="nobody-of-that-name")):
        pass


def test_a_user_by_name(world: World, shares: Shares, config: Callable[..., RunnerConfig]) -> None:
    with isolated(config(job_user="nobody")) as other:
        assert Closed(world, shares, other).output("id -un; touch here && ls") == "nobody\nhere\n"
