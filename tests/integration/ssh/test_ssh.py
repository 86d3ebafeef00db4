"""runner.ssh: nodes that log in to each other, with OpenSSH's real programs."""

import signal
import socket
from pathlib import Path

import psutil
import pytest

from runner.machine import mountinfo
from runner.ssh import client
from tests.integration.ssh.conftest import SECRET, Pair
from tests.support.waiting import eventually


def test_plain_ssh_reaches_a_node_by_its_id_and_by_its_address(pair: Pair) -> None:
    with pair.linked() as (leader, helper):
        words = "echo $AZ_BATCH_NODE_ID $AZ_BATCHAI_JOB_TEMP $TOKEN; pwd"
        there = f"node-1 {helper.layout.job_temp} {SECRET}\n{helper.layout.working_directory}\n"
        assert leader.run(f"ssh node-1 '{words}'") == there
        assert leader.run(f"ssh 127.0.0.3 '{words}'") == there
        assert helper.run("ssh 127.0.0.2 'echo $AZ_BATCH_NODE_ID; exit 3'", code=3) == "node-0\n"
        assert leader.run("ssh node-0 hostname") == f"{socket.gethostname()}\n"


def test_scp_sftp_and_pipes_work(pair: Pair) -> None:
    with pair.linked() as (leader, helper):
        leader.run("echo hello > a; scp -q a node-1:; scp -q node-1:a b; scp -q a 127.0.0.3:c")
        there = Path(helper.layout.working_directory)
        assert [(there / name).read_text() for name in "ac"] == ["hello\n", "hello\n"]
        assert leader.run("cat b; echo piped | ssh node-1 cat; ssh node-1 < /dev/null") == "hello\npiped\n"
        leader.run("echo 'put a d' | sftp -q -b - node-1")
        assert (there / "d").read_text() == "hello\n"


def test_only_keys_of_the_job_open_and_they_open_no_tunnels(pair: Pair, tmp_path: Path) -> None:
    with pair.linked() as (leader, _):
        leader.run("ssh-keygen -q -t ed25519 -N '' -f other")
        bare = "ssh -F /dev/null -i other -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no"
        where = f"-p {leader.offer.access.port} {leader.offer.access.user}@127.0.0.2"
        refused = leader.run(f"{bare} {where} true", code=255)
        assert "Permission denied" in refused
        tunnel = leader.run("ssh -o ExitOnForwardFailure=yes -N -R 0:127.0.0.1:22 node-1", code=255)
        assert "forwarding failed" in tunnel


def test_a_host_with_another_key_is_not_believed(pair: Pair) -> None:
    with pair.linked() as (leader, _):
        hosts = Path(leader.layout.job_temp, client.FOLDER, "known_hosts")
        first, second = hosts.read_text().splitlines()
        hosts.write_text(f"{first}\nnode-1 {first.partition(' ')[2]}\n")
        assert "Host key verification failed" in leader.run("ssh node-1 true", code=255)
        assert second


def test_the_shared_folder_is_the_leaders(pair: Pair) -> None:
    with pair.linked() as (leader, helper):
        shared = "$AZ_BATCHAI_SHARED_JOB_TEMP"
        helper.run(f"echo from the helper > {shared}/a && mkdir {shared}/d && echo 2 > {shared}/d/b")
        assert leader.run(f"cat {shared}/a {shared}/d/b; echo 3 >> {shared}/a") == "from the helper\n2\n"
        assert (
            helper.run(f"cat {shared}/a; stat -c %u {shared}/a")
            == f"from the helper\n3\n{helper.step_host.user.uid}\n"
        )
        assert mountinfo.mounted_at(Path(helper.layout.shared_job_temp)) is not None
    assert mountinfo.mounted_at(Path(helper.layout.shared_job_temp)) is None
    assert helper.faults == leader.faults == []


def test_a_helper_that_comes_first_waits_for_the_leaders_folder(pair: Pair) -> None:
    with pair.linked(leader_late=True) as (leader, helper):
        helper.run("echo early > $AZ_BATCHAI_SHARED_JOB_TEMP/a")
        assert leader.run("cat $AZ_BATCHAI_SHARED_JOB_TEMP/a") == "early\n"


def test_nothing_is_left_when_the_job_is_over(pair: Pair, tmp_path: Path) -> None:
    with pair.linked() as (leader, helper):
        leader.run("ssh node-1 'setsid sleep 600 > /dev/null 2>&1 &'")
        leader.start("ssh node-1 sleep 600")
        ports = [node.offer.access.port for node in (leader, helper)]
        private = [node.offer.keys.job.private for node in (leader, helper)]
    assert [node.tracker.members() for node in (leader, helper)] == [[], []]
    for address, port in zip(pair.addresses, ports, strict=True):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, port), timeout=2)
    left = [file for file in tmp_path.rglob("*") if file.is_file()]
    texts = [file.read_text(errors="replace") for file in left]
    assert not [text for text in texts if SECRET in text or any(key in text for key in private)]


def test_no_secret_stands_on_a_command_line_or_in_what_was_said(pair: Pair) -> None:
    with pair.linked() as (leader, helper):
        leader.start("ssh node-1 sleep 600")
        words = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
        assert any("sshd" in line for line in words)
        assert not [line for line in words if SECRET in line]
        assert SECRET not in "".join(leader.said + helper.said)
        assert "PRIVATE" not in leader.offer.access.to_json()


def test_a_leader_that_does_not_answer_holds_no_helper(pair: Pair) -> None:
    with pair.linked() as (leader, helper):
        for process in leader.tracker.members():
            process.send_signal(signal.SIGSTOP)
        stuck = helper.start("touch before; ls $AZ_BATCHAI_SHARED_JOB_TEMP; touch after")
        work = Path(helper.layout.working_directory)
        eventually((work / "before").exists)
        eventually(lambda: any(process.name() == "ls" for process in helper.tracker.members()))
        assert stuck.exit_code is None
        assert not (work / "after").exists()
    assert mountinfo.mounted_at(Path(helper.layout.shared_job_temp)) is None
    assert helper.tracker.members() == []
    assert helper.faults == []


def test_an_image_without_ssh_says_what_to_do(pair: Pair) -> None:
    with pair.linked() as (leader, _):
        nowhere = "cp ../ssh/bin/ssh ../ssh/bin/ssh-that-no-folder-has; ssh-that-no-folder-has node-1"
        assert "install openssh-client" in leader.run(nowhere, code=127)
