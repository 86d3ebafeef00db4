"""How the image of a job comes onto its node: from registries with and without a password, or not at all."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.processes.stop_signal import StopReason
from shared.jobs.model import Reason
from tests.integration.runner.containers.boxes import Boxes
from tests.support import registry as registries
from tests.support.docker_daemon import DockerDaemon
from tests.support.needs import need
from tests.support.registry import Registry
from tests.support.waiting import eventually


def test_a_registry_that_is_away_is_asked_again_and_is_not_the_jobs_fault(boxes: Boxes) -> None:
    result = boxes.run(boxes.claim(image="127.0.0.1:9/no/such:image"))
    assert result.outcome is not None
    assert (result.outcome.reason, result.outcome.transient) == (Reason.CONTAINER_START, True)
    assert "connection refused" in result.outcome.message
    assert "next try in 2 s" in boxes.diary


@pytest.fixture
def private(daemon: DockerDaemon) -> Iterator[Registry]:
    need(registries.missing())
    with registries.registry("reader", "pass-word 'of' \"tests\"") as running:
        daemon.make_image("batchai-test/private:1", "ENV SECRET_SAUCE=yes")
        running.push(daemon, "batchai-test/private:1", "team/box:1")
        yield running


def private_settings(registry: Registry, password: str, image: str = "team/box:1") -> dict[str, Any]:
    credentials = {"username": registry.username, "password": password}
    return {"imageSourceRegistry": {"serverUrl": registry.host, "image": image, "credentials": credentials}}


def everything_said(boxes: Boxes) -> str:
    """The job's logs and answers, the runner's folder, what is left in the folder for temporary files."""
    kept = [path for path in boxes.config.root.rglob("*") if path.is_file()]
    kept += [path for path in Path(tempfile.gettempdir()).glob("batchai-login-*/*") if path.is_file()]
    words = [path.read_text(errors="replace") for path in (*kept, *boxes.logs.rglob("*.*"))]
    return "\n".join([*words, json.dumps(boxes.world.status()), str(boxes.world.job())])


def test_an_image_of_a_private_registry(boxes: Boxes, private: Registry) -> None:
    claim = boxes.claim("echo $SECRET_SAUCE", containerSettings=private_settings(private, private.password))
    result = boxes.run(claim)
    assert result.outcome is not None and result.outcome.succeeded, result.outcome
    assert boxes.log() == "yes\n"
    assert f"pulling the image {private.host}/team/box:1" in boxes.diary
    assert f"the image {private.host}/team/box:1 was pulled in" in boxes.diary
    assert private.password not in everything_said(boxes)
    assert not list(Path(tempfile.gettempdir()).glob("batchai-login-*"))


def test_a_wrong_password_is_reported_in_the_registrys_words(boxes: Boxes, private: Registry) -> None:
    wrong = "not the pass-word"
    result = boxes.run(boxes.claim(containerSettings=private_settings(private, wrong)))
    assert result.outcome is not None
    assert (result.outcome.reason, result.outcome.transient) == (Reason.CONTAINER_START, False)
    assert "401 Unauthorized" in result.outcome.message
    assert result.outcome.details == (("imageName", f"{private.host}/team/box:1"),)
    assert wrong not in everything_said(boxes) + result.outcome.message
    assert not list(Path(tempfile.gettempdir()).glob("batchai-login-*"))


def test_no_password_and_no_such_image_are_final_too(boxes: Boxes, private: Registry) -> None:
    without = {"imageSourceRegistry": {"image": f"{private.host}/team/box:1"}}
    refused = boxes.run(boxes.claim(containerSettings=without))
    assert refused.outcome is not None
    assert (refused.outcome.reason, refused.outcome.transient) == (Reason.CONTAINER_START, False)
    assert "no basic auth credentials" in refused.outcome.message
    settings = private_settings(private, private.password, image="team/other:1")
    missing = boxes.run(boxes.claim(name="other", containerSettings=settings))
    assert missing.outcome is not None
    assert (missing.outcome.reason, missing.outcome.transient) == (Reason.CONTAINER_START, False)
    assert "not found" in missing.outcome.message or "unknown" in missing.outcome.message


def test_a_stop_is_heard_while_the_image_is_waited_for(boxes: Boxes) -> None:
    thread, results = boxes.in_background(boxes.claim(image="127.0.0.1:9/no/such:image"))
    eventually(lambda: "next try in 2 s" in boxes.diary, 30)
    boxes.stop.set(StopReason.TERMINATED)
    thread.join(30)
    assert results[0].outcome is not None and results[0].outcome.reason is Reason.TERMINATED


def test_a_latest_image_is_used_though_no_registry_answers(boxes: Boxes) -> None:
    boxes.daemon.make_image("127.0.0.1:9/moving:latest")
    settings = {"imageSourceRegistry": {"image": "127.0.0.1:9/moving"}}
    assert boxes.outcome("echo here", containerSettings=settings) == (Reason.SUCCEEDED, 0)
    assert "the image of that name on this node is used" in boxes.diary
