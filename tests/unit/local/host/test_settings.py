"""local.host.settings: local.settings.json, host.json, %SETTING%."""

import json
from pathlib import Path

import pytest

from local.host.errors import HostError
from local.host.settings import apply_values, fill_in, load_host_settings, load_values


def host_json(directory: Path, extensions: object, **more: object) -> Path:
    document = {"version": "2.0", "extensions": extensions} | more
    (directory / "host.json").write_text(json.dumps(document))
    return directory


def test_defaults_are_the_hosts(tmp_path: Path) -> None:
    settings = load_host_settings(host_json(tmp_path, {}))
    assert settings.route_prefix == "api"
    assert (settings.queues.batch_size, settings.queues.max_dequeue_count) == (16, 5)
    assert (settings.queues.visibility_timeout_seconds, settings.queues.max_polling_seconds) == (0.0, 60.0)
    assert settings.queues.base64
    assert settings.blobs.poison_threshold == 5


def test_reads_what_is_set(tmp_path: Path) -> None:
    queues = {
        "batchSize": 4,
        "newBatchThreshold": 0,
        "visibilityTimeout": "00:00:30.5",
        "messageEncoding": "None",
    }
    settings = load_host_settings(host_json(tmp_path, {"http": {"routePrefix": ""}, "queues": queues}))
    assert settings.route_prefix == ""
    assert (settings.queues.batch_size, settings.queues.new_batch_threshold) == (4, 0)
    assert settings.queues.visibility_timeout_seconds == 30.5
    assert not settings.queues.base64


@pytest.mark.parametrize(
    ("extensions", "message"),
    [
        ({"queues": {"batchSize": 33}}, "1 to 32"),
        ({"queues": {"batchSize": True}}, "whole number"),
        ({"queues": {"visibilityTimeout": 30}}, "TimeSpan"),
        ({"queues": {"visibilityTimeout": "30 s"}}, "hh:mm:ss"),
        ({"queues": {"messageEncoding": "utf7"}}, "base64 or none"),
        ({"blobs": {"poisonBlobThreshold": 0}}, "poisonBlobThreshold"),
        ({"queues": []}, "host.json"),
    ],
)
def test_refuses_what_is_wrong(tmp_path: Path, extensions: object, message: str) -> None:
    with pytest.raises(HostError, match=message):
        load_host_settings(host_json(tmp_path, extensions))


def test_wants_a_host_json_of_version_2(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"There is no host\.json"):
        load_host_settings(tmp_path)
    with pytest.raises(HostError, match="version"):
        load_host_settings(host_json(tmp_path, {}, version="1.0"))
    (tmp_path / "host.json").write_text("{ // no")
    with pytest.raises(HostError, match="JSON"):
        load_host_settings(tmp_path)


def test_environment_wins_over_the_settings_file(tmp_path: Path) -> None:
    path = tmp_path / "local.settings.json"
    path.write_text(json.dumps({"Values": {"A": "file", "B": "file", "C": True, "D": None, "E": "file"}}))
    environment = {"A": "environment", "B": "", "E": "file"}
    assert apply_values(load_values(path), environment) == ["A"]
    assert environment == {"A": "environment", "B": "file", "C": "true", "E": "file"}


def test_a_missing_settings_file_is_no_fault(tmp_path: Path) -> None:
    assert load_values(tmp_path / "none.json") == {}


def test_fills_in_settings_and_names_the_unknown_one() -> None:
    assert fill_in("%A%/x-%B%", {"A": "1", "B": ""}, "path of function f") == "1/x-"
    with pytest.raises(HostError, match=r"'%NOPE%' in path of function f") as caught:
        fill_in("%A%%NOPE%", {"A": "1"}, "path of function f")
    assert "Set NOPE" in caught.value.advice
