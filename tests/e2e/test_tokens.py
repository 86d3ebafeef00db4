"""An installation whose account takes no key: drops, jobs, volumes and output files by a managed identity."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local import azurite, npm
from runner.machine.commands import find_program

SUPPORT = Path(__file__).parents[1] / "support"
PROJECT = Path(__file__).parents[2]


@pytest.mark.timeout(400)  # run alone it also builds the wheel and installs it
def test_the_whole_pipeline_by_identity_alone(tmp_path: Path, node: Path, elsewhere: Path) -> None:
    """Dropped, announced in the queue, taken by the host, run by the installed runner, read by links."""
    tools = ("unshare", "ip", "openssl", "fusermount3", "rclone")
    missing = [tool for tool in tools if find_program(tool) is None]
    if os.geteuid() or missing:
        why = f"needs root and {', '.join(missing) or 'nothing else'}"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    command = ["unshare", "-n", "-m", str(SUPPORT / "token_account.sh"), npm.node_binary()]
    command += [str(azurite.script()), sys.executable, str(tmp_path)]
    command += [sys.executable, "-m", "tests.support.token_pipeline", str(tmp_path)]
    command += [str(node / "python"), str(elsewhere)]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BATCHAI_", "AZURE_", "AzureWebJobs"))}
    done = subprocess.run(
        command, cwd=PROJECT, env=kept, capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:] + _logs(tmp_path)
    values = json.loads(done.stdout.splitlines()[-1])
    assert (values["said"], values["state"]) == (["accepted", "queued"], "succeeded"), _logs(tmp_path)
    files = values["files"]
    assert files["stdouterr/stdout.txt"] == "by token\n"
    assert files["MODEL/m.txt"] == "model\n"
    assert "rclone" in files["stdouterr/execution.log"]
    assert "SMB needs the account key" in files["stdouterr/execution.log"]
    refused = "403 KeyBasedAuthenticationNotPermitted"
    by_key = ("blob by key", "queue by key", "table by key", "file by key", "account SAS", "service SAS")
    assert values["refusals"] == dict.fromkeys(by_key, refused) | {"user delegation SAS": "taken"}
    # A process asks once: the host and the app in it share a credential, and so do all parts of the runner;
    # of its two mounts each is a process.
    asked = {"app python": 1, "person python": 1, "runner python": 1, "runner mount": 2}
    assert values["tokens"] == asked


def _logs(work: Path) -> str:
    return "".join(f"\n{log.name}: {log.read_text()[-2000:]}" for log in work.glob("*.log"))
