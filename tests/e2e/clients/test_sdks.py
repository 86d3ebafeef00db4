"""The SDKs that Microsoft published, unmodified: a whole session over a running function app and a runner."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.installing import python_of
from tests.support.rest_api import RestApi
from tests.support.rest_runner import runner


@pytest.mark.parametrize("environment", ["batchai2", "batchai7"])
def test_a_whole_session(api: RestApi, tmp_path: Path, environment: str) -> None:
    python = python_of(environment)
    asked = {
        "url": api.url,
        "subscription": api.backend.settings.scope.subscription_id,
        "group": "batchai",
        "workspace": f"session-{environment}",
        "account": api.account,
        "key": api.key,
        "files": api.files_url,
    }
    command = [
        str(python),
        "-W",
        "ignore",
        str(Path(__file__).with_name("sdk_session.py")),
        json.dumps(asked),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as session:
        assert session.stdout
        seen: list[str] = []
        for line in session.stdout:
            seen.append(line)
            if line == "RUNNER\n":
                with runner(api, f"session-{environment}/cluster", tmp_path / "node"):
                    seen += list(session.stdout)
                    code = session.wait(60)
    print("".join(seen))
    assert seen[-1].endswith("everything deleted\n")
    assert code == 0
