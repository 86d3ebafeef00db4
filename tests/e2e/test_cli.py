"""`batchai` against a running stack: whole sessions, in the words that `az batchai` had."""

import signal
from pathlib import Path
from typing import Any

import pytest

from local.layout import StackState
from tests.support.command_line import CommandLine, command_line
from tests.support.stack_client import StackClient, job

ON_DEFAULT = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/batchai/providers/Microsoft.BatchAI"
    "/workspaces/default/clusters/default"
)
MODEL = {"id": "MODEL", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs", "pathSuffix": "model"}


@pytest.fixture
def batchai(stack: StackState, client: StackClient, tmp_path: Path) -> CommandLine:
    return command_line(tmp_path, stack)


@pytest.fixture
def there(batchai: CommandLine, request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The options that name an experiment of this test's own."""
    workspace = request.node.name.replace("test_", "", 1)[:60].rstrip("_")
    batchai("workspace", "create", "-n", workspace)
    batchai("experiment", "create", "-w", workspace, "-n", "mnist")
    return "-w", workspace, "-e", "mnist"


def submit(batchai: CommandLine, there: tuple[str, ...], name: str, command: str, *more: str) -> Any:
    file = batchai.write(f"{name}.json", job(command, outputDirectories=[MODEL]))
    words = ("job", "create", "-n", name, *there, "-c", ON_DEFAULT, "-f", file, *more)
    return batchai.json(*words)


def test_a_whole_session(batchai: CommandLine) -> None:
    # Given a workspace, an experiment and a cluster, each shown and listed
    assert batchai.json("workspace", "create", "-n", "session")["provisioningState"] == "succeeded"
    assert "session" in batchai("workspace", "list", "--query", "[].name", "-o", "tsv").split()
    batchai("experiment", "create", "-w", "session", "-n", "mnist")
    assert batchai("experiment", "list", "-w", "session", "-o", "table").splitlines() == [
        "Name    Resource Group    Workspace    State",
        "------  ----------------  -----------  ---------",
        "mnist   batchai           session      succeeded",
    ]
    made = batchai.json(
        *(
            "cluster",
            "create",
            "-w",
            "session",
            "-n",
            "gpus",
            "-s",
            "Standard_NC6",
            "--min",
            "0",
            "--max",
            "3",
        ),
        *("-u", "me", "--generate-ssh-keys", "--afs-name", "logs", "--image", "UbuntuLTS"),
    )
    assert made["scaleSettings"]["autoScale"]["maximumNodeCount"] == 3
    assert made["nodeSetup"]["mountVolumes"]["azureFileShares"][0]["relativeMountPath"] == "afs"
    assert (batchai.folder / ".ssh" / "id_rsa").stat().st_mode & 0o777 == 0o600
    where = ("-w", "session", "-n", "gpus")
    resized = batchai.json("cluster", "resize", *where, "-t", "2")
    assert resized["scaleSettings"]["manual"]["targetNodeCount"] == 2
    # When a job runs on the stack's own cluster
    there = ("-w", "session", "-e", "mnist")
    submit(batchai, there, "first", "echo hello; echo weights > $AZ_BATCHAI_OUTPUT_MODEL/w.txt; exit 7")
    assert "failed with exit code 7" in batchai.errors("job", "wait", "-n", "first", *there, code=7)
    # Then everything that can be asked of it is reported
    assert (
        batchai("job", "show", "-n", "first", *there, "--query", "executionInfo.exitCode", "-o", "tsv")
        == "7\n"
    )
    table = batchai("job", "list", *there, "-o", "table").splitlines()
    assert table[0].split("  ")[0] == "Name" and table[0].endswith("Exit code")
    assert table[2].split() == ["first", "default", "batchai", "default", "custom", "1", "failed", "7"]
    files = batchai("job", "file", "list", "-j", "first", *there, "-o", "table")
    assert [line.split()[0] for line in files.splitlines()] == [
        "Name",
        "-------------",
        "execution.log",
        "stderr.txt",
        "stdout.txt",
    ]
    model = batchai(
        "job", "file", "list", "-j", "first", *there, "-d", "MODEL", "--query", "[].name", "-o", "tsv"
    )
    assert model == "w.txt\n"
    assert (
        batchai("job", "file", "stream", "-j", "first", *there, "-d", "MODEL", "-f", "w.txt") == "weights\n"
    )
    assert batchai("job", "logs", "-n", "first", *there) == "hello\n"
    assert batchai.json("job", "node", "list", "-j", "first", *there) == []
    assert [run["executionState"] for run in batchai.json("job", "runs", "-n", "first", *there)] == ["failed"]
    # And it is deleted, with everything else
    batchai("job", "delete", "-n", "first", *there, "-y")
    assert "JobNotFound" in batchai.errors("job", "show", "-n", "first", *there, code=3)
    batchai("cluster", "delete", *where, "-y")
    batchai("experiment", "delete", "-w", "session", "-n", "mnist", "-y")
    batchai("workspace", "delete", "-n", "session", "-y")
    batchai("workspace", "show", "-n", "session", code=3)


def test_a_stream_follows_a_job_from_before_its_start_to_its_end(
    batchai: CommandLine, there: tuple[str, ...]
) -> None:
    lines = "for i in $(seq 400); do echo line $i of a log with some length; sleep 0.01; done; printf end"
    submit(batchai, there, "growing", lines)
    stream = batchai("job", "file", "stream", "-j", "growing", *there, "-f", "stdout.txt")
    assert stream == "".join(f"line {i} of a log with some length\n" for i in range(1, 401)) + "end"


def test_bytes_that_are_no_text_and_zeros_at_the_end_arrive(
    batchai: CommandLine, there: tuple[str, ...]
) -> None:
    submit(batchai, there, "raw", "printf 'a\\000\\377'; sleep 1.5; printf 'b\\000\\000'")
    process = batchai.start("job", "file", "stream", "-j", "raw", *there, "-f", "stdout.txt")
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b"a\0\xffb\0\0")


def test_metrics_of_a_job_and_of_two_beside_each_other(batchai: CommandLine, there: tuple[str, ...]) -> None:
    """Two jobs, one of which lasts long enough to be sampled. About 12 s."""
    sample = '{\\"step\\": %d, \\"loss\\": 0.%d}\\n'
    script = f'for s in 1 2 3; do printf "{sample}" $s $s; done >> $AZ_BATCHAI_METRICS_FILE'
    for name, more in (("first", "echo no >> $AZ_BATCHAI_METRICS_FILE; sleep 3"), ("second", "true")):
        submit(batchai, there, name, f"{script}; {more}")
    for name in ("first", "second"):
        batchai("job", "wait", "-n", name, *there)
    (loss,) = [
        line
        for line in batchai("job", "metrics", "-n", "first", *there, "-o", "table").splitlines()
        if line.startswith("loss")
    ]
    assert loss.split() == ["loss", "0.3", "0.1", "0.3", "3"]
    found = batchai.json("job", "metrics", "-n", "first", *there)
    assert [sample["step"] for sample in found["metrics"][0]["samples"]] == [1, 2, 3]
    assert found["resources"][0]["samples"][0]["processes"] >= 1
    drawn = batchai("job", "metrics", "--compare", "first", "second", *there, "--plot", "loss", "-o", "table")
    assert "first last" in drawn and "second last" in drawn
    assert drawn.splitlines()[-1].split()[-1] == "3.00", "the axis of the curves ends with the last step"
    assert "There are: loss" in batchai.errors(
        "job", "metrics", "-n", "second", *there, "--plot", "x", code=3
    )


def test_auto_storage_is_made_and_mounted_in_the_installation_s_own_account(
    batchai: CommandLine, client: StackClient
) -> None:
    batchai("workspace", "create", "-n", "auto")
    words = ("cluster", "create", "-w", "auto", "-n", "gpus", "-s", "x", "-t", "0", "-p", "correct-horse")
    volumes = batchai.json(*words, "--use-auto-storage")["nodeSetup"]["mountVolumes"]
    assert [v["relativeMountPath"] for v in volumes["azureFileShares"]] == ["autoafs"]
    assert [v["relativeMountPath"] for v in volumes["azureBlobFileSystems"]] == ["autobfs"]
    assert "batchaishare" in {share.name for share in client.shares.list_shares()}
    assert "batchaicontainer" in {container.name for container in client.blobs.list_containers()}


def test_ids_stand_for_names_and_for_where_things_lie(batchai: CommandLine, there: tuple[str, ...]) -> None:
    words = ("cluster", "create", *there[:2], "-s", "x", "-t=0", "-p", "correct-horse")
    ids = [batchai.json(*words, f"-n={name}")["id"] for name in ("z1", "z2")]
    missing = ids[0].replace("z1", "none")
    one = batchai("cluster", "show", "--ids", ids[0], "--query", "name", "-o=tsv")
    both = batchai("cluster", "show", "--ids", *ids, "--query", "[].name", "-o", "tsv")
    assert (one, both) == ("z1\n", "z1\nz2\n")
    # What there is, is shown; the exit code says what there is not
    shown = batchai("cluster", "show", "--ids", missing, *ids, "-o", "table", code=3)
    assert [line.split()[0] for line in shown.splitlines()[2:]] == ["z1", "z2"]
    message = batchai.errors("cluster", "delete", "--ids", *ids, "-y", "-w", "elsewhere", code=0)
    assert message == "--workspace is left aside: --ids names it\n"
    assert "ClusterNotFound" in batchai.errors("cluster", "show", "--ids", *ids, code=3)
    assert "is not the id of a job" in batchai.errors("job", "show", "--ids", ids[0], code=2)
    assert "Give -n, or --ids" in batchai.errors("job", "show", code=2)


def test_jobs_are_waited_for_by_their_ids(batchai: CommandLine, there: tuple[str, ...]) -> None:
    ids = [submit(batchai, there, f"j{code}", f"exit {code}")["id"] for code in (0, 3, 4)]
    message = batchai.errors("job", "wait", "--ids", *ids, "--interval", "0.2", code=3)
    ends = [line.partition(" after ")[0] for line in message.splitlines() if "with exit code" in line]
    assert ends == [
        "job j0 succeeded with exit code 0",
        "job j3 failed with exit code 3",
        "job j4 failed with exit code 4",
    ]


def test_refusals_name_the_option_and_nothing_is_waited_for(
    batchai: CommandLine, there: tuple[str, ...]
) -> None:
    create = ("file-server", "create", *there[:2], "-n", "data", "-s", "x", "-p", "correct-horse")
    disks = ("--disk-count", "1", "--disk-size", "5")
    message = batchai.errors(*create, *disks, code=1)
    assert "-> storageAccountType is given with --storage-sku" in message
    # Without a server's address the operation fails, which is seen by who waits for it
    assert batchai(*create, *disks, "--storage-sku", "premium_lrs", "--no-wait") == ""
    assert batchai.json("file-server", "show", *there[:2], "-n", "data")["provisioningState"] == "failed"


def test_debug_shows_requests_and_no_secret(batchai: CommandLine, there: tuple[str, ...]) -> None:
    create = ("cluster", "create", *there[:2], "-s", "x", "-t", "0", "-p", "correct-horse")
    message = batchai.errors(*create, "-n", "loud", "--debug", code=0)
    assert "DEBUG: request: PUT http://" in message and "DEBUG: answer: 202 in " in message
    assert '"adminUserPassword": "***"' in message and "correct-horse" not in message
    assert "INFO: Command ran in" in batchai.errors("cluster", "list", *there[:2], "--verbose", code=0)
    submit(batchai, there, "quiet", "true")
    assert (
        batchai.errors(
            "job", "wait", "-n", "quiet", *there, "--interval", "0.2", "--only-show-errors", code=0
        )
        == ""
    )
    listing = ("job", "file", "list", "-j", "quiet", *there, "-d=stdouterr", "--debug")
    assert "sig=" not in batchai.errors(*listing, code=0)


def test_what_is_terminated_ends_with_143_and_a_stream_of_it_ends_too(
    batchai: CommandLine, there: tuple[str, ...]
) -> None:
    submit(batchai, there, "endless", "echo begun; sleep 600")
    stream = batchai.start("job", "logs", "-n", "endless", *there, "--follow")
    assert stream.stdout and stream.stdout.readline() == b"begun\n"
    assert "running since" in batchai("job", "why", "-n", "endless", *there)
    node = batchai.json("job", "node", "list", "-j", "endless", *there)
    assert [n["port"] for n in node] == [22]
    assert "nobody is there to ask" in batchai.errors("job", "terminate", "-n", "endless", *there, code=1)
    batchai("job", "terminate", "-n", "endless", *there, "-y")
    out, _ = stream.communicate(timeout=30)
    assert (stream.returncode, out) == (0, b"")
    assert "JobTerminated" in batchai.errors("job", "wait", "-n", "endless", *there, code=143)


def test_watch_shows_states_and_output_and_exits_as_the_job(
    batchai: CommandLine, there: tuple[str, ...]
) -> None:
    file = batchai.write("job.json", job("echo one; sleep 1; echo two; exit 5"))
    words = ("job", "create", "-n", "watched", *there, "-c", ON_DEFAULT, "-f", file, "--watch")
    process = batchai.start(*words)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (5, b"one\ntwo\n")
    assert "job watched: running" in err.decode() and "failed with exit code 5" in err.decode()


def test_a_job_that_waits_says_why(batchai: CommandLine, there: tuple[str, ...]) -> None:
    workspace = there[1]
    batchai("cluster", "create", "-w", workspace, "-n", "empty", "-s", "x", "-t", "1", "-p", "correct-horse")
    file = batchai.write("job.json", job("true"))
    batchai("job", "create", "-n", "waits", *there, "-c", "empty", "-f", file)
    assert "NoNodeAlive" in batchai("job", "why", "-n", "waits", *there)
    batchai("job", "delete", "-n", "waits", *there, "-y", "--no-wait")


def test_faults_have_a_line_and_an_exit_code(batchai: CommandLine, there: tuple[str, ...]) -> None:
    bad = batchai.write("bad.json", {"properties": {"nodeCount": "two"}})
    message = batchai.errors("job", "create", "-n", "bad", *there, "-c", "nowhere", "-f", bad, code=1)
    assert "bad.json:3:18: error $.properties.nodeCount" in message
    good = batchai.write("good.json", job("true"))
    message = batchai.errors("job", "create", "-n", "bad", *there, "-c", "nowhere", "-f", good, code=3)
    assert "nowhere" in message
    submit(batchai, there, "taken", "true")
    message = batchai.errors("job", "create", "-n", "taken", *there, "-c", ON_DEFAULT, "-f", good, code=1)
    assert "already exists" in message
    message = batchai.errors("job", "file", "stream", "-j", "taken", *there, "-f", "nope.txt", code=3)
    assert "job file list" in message
    assert "Traceback" not in batchai.errors("job", "show", "-n", "a b", *there, code=2)
    assert "does not answer" in batchai.errors(
        *("job", "list", *there, "--url", "http://127.0.0.1:1", "-g", "x", "--subscription", "x"), code=4
    )
    elsewhere = batchai.folder / "elsewhere"
    elsewhere.mkdir()
    assert "make up" in CommandLine(elsewhere).errors("job", "list", *there, code=2)


def test_placeholders_are_filled_from_the_environment(batchai: CommandLine, there: tuple[str, ...]) -> None:
    batchai("cluster", "create", "-w", there[1], "-n", "empty", "-s", "x", "-t", "1", "-p", "correct-horse")
    file = batchai.write("job.json", job("true"))
    process = batchai.start(
        *("job", "create", "-n", "other", *there, "-c", "empty", "-f", file, "--bfs-name", "data"),
        env={"AZURE_BATCHAI_STORAGE_ACCOUNT": "another", "AZURE_BATCHAI_STORAGE_KEY": "a2V5"},
    )
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    shown = batchai.json("job", "show", "-n", "other", *there)["mountVolumes"]
    assert shown["azureFileShares"][0]["azureFileUrl"] == "https://another.file.core.windows.net/logs"
    assert shown["azureBlobFileSystems"][0]["accountName"] == "another"
    assert b"a2V5" not in out + err


def test_a_list_of_several_pages_is_whole(batchai: CommandLine, client: StackClient) -> None:
    batchai("workspace", "create", "-n", "pages")
    names = [f"e{i:02}" for i in range(12)]
    for name in names:
        batchai("experiment", "create", "-w", "pages", "-n", name)
    listed = batchai("experiment", "list", "-w", "pages", "--query", "[].name", "-o", "tsv")
    assert listed.split() == names


def test_lint_and_explain_are_there(batchai: CommandLine) -> None:
    file = batchai.write("job.json", job("true"))
    assert "nothing to complain of" in batchai("lint", "--quiet-notes", file)
    assert "AZ_BATCHAI_JOB_MOUNT_ROOT" in batchai("explain", file)


def test_shells_complete_its_words(batchai: CommandLine) -> None:
    complete = {"_BATCHAI_COMPLETE": "bash_complete", "COMP_WORDS": "batchai job t", "COMP_CWORD": "2"}
    process = batchai.start(env=complete)
    out, _ = process.communicate(timeout=30)
    assert out == b"plain,terminate\n"
    assert "_BATCHAI_COMPLETE=bash_source" in batchai("completion", "bash")


def test_ctrl_c_leaves_the_job_alone(
    batchai: CommandLine, there: tuple[str, ...], client: StackClient
) -> None:
    waiting = "while [ ! -e $AZ_BATCHAI_JOB_MOUNT_ROOT/logs/continue ]; do sleep 0.1; done"
    submit(batchai, there, "continues", f"echo begun; {waiting}; echo done")
    process = batchai.start("job", "logs", "-n", "continues", *there, "-f", start_new_session=True)
    assert process.stdout and process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130 and b"continues" in err
    client.shares.get_share_client("logs").get_file_client("continue").upload_file(b"")
    batchai("job", "wait", "-n", "continues", *there, "--interval", "0.5", seconds=60)
