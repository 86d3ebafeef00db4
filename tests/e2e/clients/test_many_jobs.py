"""The published use of Batch AI's job_factory: many jobs submitted at once through the SDK, none lost."""

import json
import subprocess
from pathlib import Path

from shared.names.ids import ClusterId
from tests.support.installing import python_of
from tests.support.rest_api import RestApi

_JOBS, _THREADS = 200, 16


def test_many_jobs_are_submitted_by_many_threads(api: RestApi) -> None:
    path = api.workspace(name="many")
    asked = {
        "url": api.url,
        "subscription": api.backend.settings.scope.subscription_id,
        "group": "batchai",
        "workspace": "many",
        "cluster": f"{path}/clusters/cluster",
        "jobs": _JOBS,
        "threads": _THREADS,
    }
    script = Path(__file__).with_name("many_jobs_session.py")
    command = [str(python_of("batchai2")), "-W", "ignore", str(script), json.dumps(asked)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    print(ended.stdout)
    cluster = ClusterId("many", "cluster")
    assert len(api.backend.manager.live(cluster)) == _JOBS
    assert api.stores.queues.count(cluster) == _JOBS, "a message for each"
