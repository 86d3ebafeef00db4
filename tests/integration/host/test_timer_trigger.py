"""Timer triggers: schedule, start-up, past due, failures."""

import datetime as dt
import json

from azure.storage.blob import BlobServiceClient

from tests.integration.host.conftest import MakeHost
from tests.support.waiting import eventually


def test_fires_every_second_and_survives_failures(make_host: MakeHost) -> None:
    host = make_host(
        """
        @app.timer_trigger(arg_name="timer", schedule="* * * * * *")
        def tick(timer: func.TimerRequest):
            print("TICK", timer.past_due, flush=True)
            raise ValueError("each time")
        """
    ).start()
    host.wait_for("TICK False", 3)
    host.wait_for("Executed 'Functions.tick' (Failed", 2)


def test_a_run_missed_while_the_host_was_down_is_made_up_once(
    make_host: MakeHost, blobs: BlobServiceClient
) -> None:
    host = make_host(
        """
        @app.timer_trigger(arg_name="timer", schedule="0 0 3 * * *")
        def nightly(timer: func.TimerRequest):
            print("NIGHT", timer.past_due, flush=True)
        """
    ).start()
    hosts = blobs.get_container_client("azure-webjobs-hosts")
    host_id = host.request("GET", "/admin/host/status").json()["id"]
    status = hosts.get_blob_client(f"timers/{host_id}/Host.Functions.nightly/status")
    eventually(status.exists)
    assert host.stop() == 0
    assert host.count("NIGHT") == 0
    missed = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    status.upload_blob(json.dumps({"Last": "", "Next": missed.isoformat()}), overwrite=True)
    host.start()
    host.wait_for("NIGHT True")
    eventually(lambda: json.loads(status.download_blob().readall())["Last"])
    host.stop()
    host.start()
    answer = host.request("POST", "/admin/functions/nightly", json={"input": ""})
    assert answer.status_code == 202
    host.wait_for("NIGHT False")
    assert host.stop() == 0
    assert host.count("NIGHT") == 1


def test_run_on_startup_and_a_schedule_from_a_setting(make_host: MakeHost) -> None:
    host = make_host(
        """
        @app.timer_trigger(arg_name="timer", schedule="%WHEN%", run_on_startup=True)
        async def tick(timer: func.TimerRequest):
            print("TICK", flush=True)
        """
    )
    host.environment = dict(host.environment) | {"WHEN": "10:00:00"}
    host.start()
    host.wait_for("TICK")
