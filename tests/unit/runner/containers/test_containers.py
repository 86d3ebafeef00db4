"""Words for docker and what its words mean; the rest is tested with a daemon."""

import itertools
from pathlib import Path

import pytest

from runner.containers.container_process import is_settable, recorded, script
from runner.containers.docker import Answer, Docker
from runner.containers.errors import ContainerError
from runner.containers.images import Progress, image_of, is_final, summary
from runner.containers.options import Options, bind, folders_for, premounted_folders, run_words
from runner.doctor.check import State
from runner.doctor.checks_containers import toolkit_verdict
from runner.doctor.checks_containers import verdict as docker_verdict
from runner.mounts.types import FILE_SHARE, Volume
from shared.documents.models.job import ContainerSettings
from tests.support.cases import cases

PLAIN = Options("batchai-x", {"batchai.job": "w/e/j"}, {"MARK": "1"}, ())


def settings(**registry: object) -> ContainerSettings:
    return ContainerSettings.model_validate({"imageSourceRegistry": {"image": "x:1", **registry}})


def answer(err: str, code: int | None = 1) -> Answer:
    return Answer(code, "", err, 1.0, timed_out=code is None)


def pairs(words: list[str], option: str) -> list[str]:
    return [value for word, value in itertools.pairwise(words) if word == option]


def test_no_gpu_of_the_node_is_given_to_a_job_without() -> None:
    words = run_words(PLAIN, "x:1")
    assert "--gpus" not in words
    assert "NVIDIA_VISIBLE_DEVICES=void" in pairs(words, "--env")
    two = run_words(Options("n", {}, {}, (), gpus=("GPU-a", "GPU-b")), "x:1")
    assert pairs(two, "--gpus") == ['"device=GPU-a,GPU-b"']
    assert pairs(two, "--env") == []


def test_what_a_container_may() -> None:
    words = run_words(PLAIN, "x:1")
    assert pairs(words, "--cap-drop") == ["ALL"]
    assert not {"NET_RAW", "MKNOD", "SYS_ADMIN"} & {*pairs(words, "--cap-add")}
    assert pairs(words, "--security-opt") == ["no-new-privileges"]
    assert pairs(words, "--network") == ["host"]
    assert not any("docker.sock" in word or word == "--privileged" for word in words)


def test_the_operators_words_come_last_and_win() -> None:
    words = run_words(Options("n", {}, {}, (), more=("--device", "/dev/infiniband")), "x:1")
    assert words[words.index("--device") : words.index("--entrypoint")] == ["--device", "/dev/infiniband"]


def test_binds() -> None:
    assert folders_for("/r/jobs", "/r/mounts", "/r/jobs/a", "/data", "/data", "/data2") == (
        "/r/jobs",
        "/r/mounts",
        "/data",
        "/data2",
    )
    (_, value) = bind('/a,"b')
    assert '"source=/a,""b"' in value


def test_only_what_the_settings_say_is_bound_for_a_premounted_share(tmp_path: Path) -> None:
    share = Volume(FILE_SHARE, "afs", account="a", share="s")
    (tmp_path / "afs").symlink_to("/etc")
    roots = {str(tmp_path): (share,)}
    assert premounted_folders(roots, {"a/s": tmp_path / "share"}) == (str(tmp_path / "share"),)
    assert premounted_folders(roots, {}) == ()


def test_the_login_of_a_registry() -> None:
    image = image_of(settings(serverUrl="r.io", credentials={"username": "u", "password": "pw"}))
    assert (image.name, image.server, image.username, image.password) == ("r.io/x:1", "r.io", "u", "pw")
    assert "pw" not in repr(image)
    reference = {"sourceVault": {"id": "v"}, "secretUrl": "https://v/s"}
    with pytest.raises(ContainerError, match="unresolved"):
        image_of(settings(credentials={"username": "u", "passwordSecretReference": reference}))


@cases(
    ("words", "final"),
    [
        ("Error response from daemon: manifest for x:1 not found: manifest unknown", True),
        ("pull access denied for x, repository does not exist or may require 'docker login'", True),
        ("Get https://r.io/v2/: net/http: TLS handshake timeout", False),
        ("received unexpected HTTP status: 503 Service Unavailable", False),
        ("dial tcp: lookup r.io: no such host", False),
        ("toomanyrequests: You have reached your pull rate limit", False),
        ("permission denied while trying to connect to the Docker daemon socket", False),
        ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", False),
    ],
)
def test_which_refusals_are_final(words: str, final: bool) -> None:
    assert is_final(answer(words)) is final


def test_the_words_of_a_refusal() -> None:
    said = "docker: Error response from daemon: no such file.\n\nRun 'docker run --help' for more"
    assert answer(said).words == "Error response from daemon: no such file."
    assert "no answer within 1 s" in answer("", code=None).words


PULL = """1: Pulling from team/x
aaaaaaaaaaaa: Pulling fs layer
bbbbbbbbbbbb: Pulling fs layer
cccccccccccc: Already exists
aaaaaaaaaaaa: Verifying Checksum
aaaaaaaaaaaa: Download complete
"""


def test_progress_is_reported_now_and_then_and_only_when_there_is_some() -> None:
    assert summary("1: Pulling from x\n") == ""
    assert summary(PULL) == "2 of 3 layers downloaded, 1 unpacked"
    now, reported = [0.0], list[str]()
    progress = Progress(reported.append, lambda: now[0])
    progress.show(PULL)
    assert reported == []
    for moment in (11.0, 12.0, 22.0):
        now[0] = moment
        progress.show(PULL)
    assert reported == ["2 of 3 layers downloaded, 1 unpacked"]


def test_the_script_of_a_step() -> None:
    assert not is_settable("A.b") and not is_settable("UID") and is_settable("LD_PRELOAD")
    text = script({"A": "x'y\n", "A.b": "lost"}, "echo hi", "/e/1")
    assert "export A='x'\"'\"'y\n'\n" in text and "lost" not in text
    with pytest.raises(ValueError, match="null"):
        script({"A": "\0"}, "true", "/e/1")


@pytest.mark.parametrize(
    ("text", "code"), [("0\n", 0), ("137\n", 137), ("", None), ("1", None), ("x\n", None)]
)
def test_a_record_is_a_number_or_nothing(tmp_path: Path, text: str, code: int | None) -> None:
    (tmp_path / "r").write_text(text)
    assert recorded(tmp_path / "r") == code
    (tmp_path / "link").symlink_to(tmp_path / "r")
    assert recorded(tmp_path / "link") is None


def test_the_client_learns_nothing_that_is_not_for_it() -> None:
    environment = {"PATH": "/bin", "DOCKER_HOST": "unix:///x", "BATCHAI_STORAGE": "key", "LD_PRELOAD": "/x"}
    passed = Docker("docker", environment).client_environment()
    assert {name for name in passed if name in environment} == {"PATH", "DOCKER_HOST"}
    assert Docker("docker --host unix:///y", environment).words("ps")[1:] == ["--host", "unix:///y", "ps"]


def test_the_doctor_on_containers() -> None:
    version = Answer(0, "Docker version 20.10\n", "", 0.1)
    assert docker_verdict(version, Answer(0, "", "", 0.1)).state is State.OK
    silent = docker_verdict(version, answer("Cannot connect to the Docker daemon"))
    assert silent.state is State.NOT_CHECKED and "systemctl" in silent.remedy
    old = toolkit_verdict("NVIDIA Container Toolkit CLI version 1.17.4\ncommit: x")
    assert old.state is State.FAILED and "CVE" in old.detail
    assert toolkit_verdict("NVIDIA Container Toolkit CLI version 1.17.8").state is State.OK


def test_long_words_are_cut_between_words() -> None:
    message = answer("denied " * 140 + "password=half-of-a-secret-is-no-secret-any-more").words
    assert message.endswith("denied") and len(message) <= 1000
