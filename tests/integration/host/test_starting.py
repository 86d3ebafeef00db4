"""Starting and stopping: faulty apps, settings, exit codes, storage that is away."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from local import azurite as azurite_process
from tests.integration.host.conftest import MakeHost
from tests.support.functions_host import PREAMBLE, PROJECT, HostUnderTest
from tests.support.waiting import eventually

ROUTE = '@app.route(route="{0}")\ndef {1}(req: func.HttpRequest) -> str: return "x"\n'


def refused(host: HostUnderTest) -> str:
    host.launch()
    assert host.exit_code() == 1
    assert "The functions host cannot start." in host.output()
    assert "What to do: " in host.output()
    assert "Ready:" not in host.output()
    return host.output()


@pytest.mark.parametrize(
    ("app", "message"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        (PREAMBLE + "again = app\n", "More than one FunctionApp"),
        (
            PREAMBLE + '@app.queue_trigger(arg_name="m", queue_name="q", connection="JOBS")\ndef f(m): ...\n',
            "The connection setting 'JOBS' has no value",
        ),
    ],
)
def test_a_faulty_app_is_refused_with_reason_and_advice(make_host: MakeHost, app: str, message: str) -> None:
    """The many ways to be faulty are in tests/unit/local/host/test_loader.py."""
    host = make_host("")
    host.environment = {}
    host.write_app(app)
    assert message in refused(host)


def test_a_bad_schedule_pattern_or_connection_names_the_function(make_host: MakeHost) -> None:
    timer = '@app.timer_trigger(arg_name="t", schedule="often")\ndef late(t): ...\n'
    host = make_host(timer)
    assert "Function late: The timer schedule 'often' is not valid" in refused(host)
    host.write_app(PREAMBLE + timer.replace("often", "* * * * * *"))
    host.environment = {"AzureWebJobsStorage": "topsecret"}
    output = refused(host)
    assert "'AzureWebJobsStorage' is no connection string" in output
    assert "topsecret" not in output
    host.environment = {"AzureWebJobsStorage__blobServiceUri": "http://x"}
    assert "blobServiceUri is no https address" in refused(host)


def test_a_missing_or_faulty_host_json(make_host: MakeHost) -> None:
    host = make_host(ROUTE.format("a", "f"))
    host.write_host_json({"queues": {"batchSize": 99}})
    assert "batchSize must be a whole number from 1 to 32" in refused(host)
    (host.directory / "host.json").unlink()
    assert "There is no host.json" in refused(host)


def test_a_port_in_use(make_host: MakeHost) -> None:
    host = make_host(ROUTE.format("a", "f"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host.launch("--port", str(taken.getsockname()[1]))
        assert host.exit_code() == 1
    assert "choose another one with --port" in host.output()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--app", "/nowhere", "--port", "1"],
        ["--app", ".", "--port", "x"],
        ["--app", ".", "--port", "70000"],
    ],
)
def test_usage_is_exit_code_2(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local.host", *arguments], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "usage: python -m local.host" in done.stderr


def test_help_says_what_it_is() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local.host", "--help"], cwd=PROJECT, capture_output=True, text=True
    )
    assert "stand-in for the Azure Functions host" in " ".join(done.stdout.split())


def test_settings_reach_the_app_before_its_import_and_the_environment_wins(make_host: MakeHost) -> None:
    host = make_host(
        'import os\nprint("A is", os.environ["A"], "B is", os.environ["B"])\n' + ROUTE.format("a", "f")
    )
    settings = {
        "IsEncrypted": False,
        "Values": {"A": "file", "B": "file", "AzureWebJobs.f.Disabled": "false"},
    }
    (host.directory / "local.settings.json").write_text(json.dumps(settings))
    host.environment = {"B": "environment"}
    host.start()
    assert "A is file B is environment" in host.output()
    assert "Skipping 'B'" in host.output()
    assert host.output().startswith("This is a thin stand-in for the Azure Functions host")
    assert "f: httpTrigger [any]" in host.output()


def test_a_disabled_function_is_not_served(make_host: MakeHost) -> None:
    host = make_host(ROUTE.format("a", "f") + ROUTE.format("b", "g"))
    host.environment = {"AzureWebJobs.f.Disabled": "true"}
    host.start()
    assert host.request("GET", "/api/a").status_code == 404
    assert host.request("GET", "/api/b").status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_with_0(make_host: MakeHost, number: signal.Signals) -> None:
    host = make_host(ROUTE.format("a", "f")).start()
    host.signal(number)
    assert host.exit_code() == 0
    assert host.output().rstrip().endswith("Stopped")


def test_a_signal_while_the_app_is_imported(make_host: MakeHost) -> None:
    host = make_host("import time\nprint('IMPORTING', flush=True)\ntime.sleep(60)\n")
    host.launch()
    host.wait_for("IMPORTING")
    host.signal(signal.SIGTERM)
    assert host.exit_code() == 0


def test_running_functions_may_end(make_host: MakeHost) -> None:
    host = make_host(
        """
        import time
        @app.timer_trigger(arg_name="timer", schedule="10:00:00", run_on_startup=True)
        def slow(timer: func.TimerRequest):
            print("BEGUN", flush=True)
            time.sleep(1)
            print("ENDED", flush=True)
        """
    ).start()
    host.wait_for("BEGUN")
    assert host.stop() == 0
    assert host.count("ENDED") == 1


def test_storage_that_fails_is_said_once_and_waited_for(make_host: MakeHost, tmp_path: Path) -> None:
    child, endpoints = azurite_process.start(tmp_path / "azurite.log")
    try:
        host = make_host(
            """
            @app.blob_trigger(arg_name="blob", path="files/{path}", connection="AzureWebJobsStorage")
            def on_file(blob: func.InputStream):
                print("RAN", blob.name, flush=True)

            @app.route(route="alive")
            def alive(req: func.HttpRequest) -> str:
                return "yes"
            """
        )
        host.environment = {"AzureWebJobsStorage": endpoints.connection_string}
        host.start()
        child.stop()
        host.wait_for("listing container files failed and is retried", seconds=20)
        assert host.request("GET", "/api/alive").text == "yes"
        child, _ = azurite_process.start(tmp_path / "azurite.log", endpoints=endpoints)
        with BlobServiceClient.from_connection_string(endpoints.connection_string) as client:
            client.create_container("files").upload_blob("x", b"")
        host.wait_for("RAN files/x", seconds=30)
        assert host.count("listing container files failed") == 1
        eventually(lambda: host.count("listing container files works again") == 1)
        assert host.stop() == 0
    finally:
        child.stop()
