"""`batchai doctor` on a laptop whose stack runs: no setting is given, all is found."""

import json
from pathlib import Path

from local.layout import StackState
from tests.support.command_line import command_line


def test_the_doctor_finds_the_stack_and_nothing_wrong(stack: StackState, tmp_path: Path) -> None:
    text = command_line(tmp_path, stack)("doctor", "-o", "json")
    found = {check["name"]: check for check in json.loads(text)["checks"]}
    assert "local stack" in found["settings"]["detail"]
    for name in ("table rights", "queue rights", "blob rights", "file share rights", "clock"):
        assert found[name]["state"] == "ok", found[name]
    # It is the stack's runner that is described, not one on a virtual machine.
    assert "as BATCHAI_JOB_USER says" in found["job user"]["detail"], found["job user"]
    assert found["metadata endpoint"]["detail"] == "open to jobs, as BATCHAI_JOB_METADATA says"
    key = stack.storage.partition("AccountKey=")[2].partition(";")[0]
    assert key and key not in text
