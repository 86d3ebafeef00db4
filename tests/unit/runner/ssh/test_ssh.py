"""runner.ssh: what a node reports of itself, and what is written from what others report."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from runner.isolation.job_user import JobUser
from runner.machine.network import HeldPorts
from runner.ssh import keys
from runner.ssh.access import Access, Peer, SshError, access_from_json
from runner.ssh.client import Client, config, known_hosts
from runner.ssh.server import Server
from tests.support.cases import cases

USER = JobUser("batchai-0", 1000, 1000, "/home/batchai-0")


def access(port: int = 20022) -> Access:
    fresh = keys.fresh()
    return Access(
        "batchai-0", port, fresh.host.public, fresh.job.public, fresh.node.public, "/r/jobs/j/shared"
    )


def test_what_a_node_shows_is_read_back() -> None:
    message = access()
    assert access_from_json(message.to_json()) == message


def test_keys_are_fresh_and_their_private_halves_are_not_shown() -> None:
    first, second = keys.fresh(), keys.fresh()
    pairs = (first.host, first.job, first.node, second.host, second.job, second.node)
    assert len({pair.public for pair in pairs}) == 6
    assert "PRIVATE" not in repr(first) and "PRIVATE" in first.host.private


@cases(
    ("member", "value"),
    [
        ("user", "a b"),
        ("user", "-oProxyCommand=x"),
        ("port", 0),
        ("port", "22"),
        ("port", True),
        ("host_key", "ssh-rsa AAAA"),
        ("job_key", "ssh-ed25519 " + "A" * 68 + "\nssh-ed25519 " + "B" * 68),
        ("job_key", 'command="sh" ssh-ed25519 ' + "A" * 68),
        ("node_key", None),
        ("shared_temp", "relative"),
        ("shared_temp", "/a\nHost *"),
    ],
)
def test_anything_that_would_say_more_than_one_line_or_word_is_refused(member: str, value: object) -> None:
    fields = json.loads(access().to_json()) | {member: value}
    with pytest.raises(SshError, match=member):
        access_from_json(json.dumps(fields))


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '"x"'])
def test_what_is_no_access_at_all_is_refused(text: str) -> None:
    with pytest.raises(SshError, match="cannot be read"):
        access_from_json(text)


def test_of_nodes_at_one_address_the_first_has_it() -> None:
    peers = [
        Peer("a", "10.0.0.4", access()),
        Peer("b", "10.0.0.4", access(20023)),
        Peer("c", "::2", access()),
    ]
    text = config(peers, Path("/job temp/ssh%"))
    assert [line for line in text.splitlines() if line.startswith("Host ")] == [
        "Host a 10.0.0.4",
        "Host b",
        "Host c ::2",
    ]
    assert '  IdentityFile "/job temp/ssh%%/key"' in text
    assert text.count("StrictHostKeyChecking yes") == 3
    assert known_hosts(peers).splitlines()[1] == f"b {peers[1].access.host_key}"


def test_our_programs_stand_first_whatever_path_the_job_sets() -> None:
    client = Client(Path("/t/ssh"), USER)
    assert client.environment({"PATH": "/usr/bin"}, {"A": "1"}) == {
        "A": "1",
        "PATH": "/t/ssh/bin:/usr/bin",
    }
    assert client.environment({"PATH": "/usr/bin"}, {"PATH": "/own"})["PATH"] == "/t/ssh/bin:/own"


def test_a_login_to_a_container_enters_it_and_to_a_runner_gives_files_only(tmp_path: Path) -> None:
    own = replace(USER, uid=tmp_path.stat().st_uid, gid=tmp_path.stat().st_gid)
    enter = ("docker", "exec", "-i", "job-1")
    server = Server(
        tmp_path / "sshd", own, "10.0.0.4", HeldPorts(numbers=(20022,)), enter, Path("/t/ssh/session")
    )
    peers = [Peer("a", "10.0.0.4", access()), Peer("b", "10.0.0.5", access())]
    server.write(keys.fresh(), peers)
    lines = (tmp_path / "sshd" / "authorized_keys").read_text().splitlines()
    words = (
        r'restrict,pty,command="exec docker exec -i job-1 /bin/sh /t/ssh/session \"$SSH_ORIGINAL_COMMAND\"" '
    )
    assert lines == [
        *(words + peer.access.job_key for peer in peers),
        *('restrict,command="internal-sftp" ' + peer.access.node_key for peer in peers),
    ]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "sshd").iterdir()} == {0o600}
    assert (tmp_path / "sshd").stat().st_mode & 0o777 == 0o700
