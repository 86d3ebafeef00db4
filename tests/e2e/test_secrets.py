"""A run with every kind of secret, and then a search of everything: none of them lies open anywhere.

Searched are tables, queues, blobs, shares, the folders of the node, every log of the stack, every command
line that `ps` would have shown, and every HTTP answer; for each value plain, in base64 and as URLs and JSON
spell it.
"""

import base64
import hashlib
import json
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.fileshare import ShareServiceClient

from local import azurite, processes
from local.azurite import Endpoints
from local.files.server import FilesServer
from local.layout import StackState
from runner.mounts.drivers.fuse_process import fuse_fault
from tests.support import docker_daemon, leaks, registry, runners
from tests.support.docker_daemon import DockerDaemon
from tests.support.leaks import CommandLines, command_lines
from tests.support.needs import need
from tests.support.stack_client import ROOT, StackClient, job
from tests.support.vault import Vault
from tests.support.vault import vault as running_vault
from tests.support.waiting import eventually

CLUSTER, BOXES = "sealed", "sealed-boxes"
#: Kind of a place -> what its name holds.
PLANTED = {
    "table": "table probes",
    "blob": "blob accepted/probe.json",
    "share": "logs/probe.txt",
    "log": "probe.log",
    "answer": "GET",
    "ps": "ps: ",
}
EXPERIMENT = f"{ROOT}/default/experiments/secrets"


def password(words: str) -> str:
    """A value that looks different in every spelling and is new in every run."""
    return f"{words} {secrets.token_hex(6)}/?&+%\u00e9'\""


def key() -> str:
    return base64.b64encode(secrets.token_bytes(64)).decode()


@dataclass(frozen=True)
class Secrets:
    """One value of every kind."""

    inline: str = field(default_factory=lambda: password("swordfish"))
    vault: str = field(default_factory=lambda: password("correct horse"))
    share_key: str = field(default_factory=key)
    container_key: str = field(default_factory=key)
    wrong_key: str = field(default_factory=key)
    registry: str = field(default_factory=lambda: password("battery"))
    wrong_password: str = field(default_factory=lambda: password("hammer"))
    admin: str = field(default_factory=lambda: password("staple"))
    setup: str = field(default_factory=lambda: password("setup"))

    def all(self) -> tuple[str, ...]:
        return tuple(vars(self).values())


@dataclass
class Place:
    """The stack, an account of shares and one of containers beside it, and what was seen and answered."""

    state: StackState
    client: StackClient
    secrets: Secrets
    vault: Vault
    files: FilesServer
    own_share: Path  #: where the account of shares keeps its files
    blobs: Endpoints
    http: httpx.Client
    lines: CommandLines
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)  #: what holds secrets because the user put them there

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """A request whose answer is searched later."""
        path += f"{'&' if '?' in path else '?'}api-version=2018-05-01"
        answer = self.http.request(method, path, json=body)
        message = f"{answer.headers}".encode() + answer.content
        self.answers.append((f"{method} {path.removeprefix(ROOT)}: {answer.status_code}", message))
        return answer

    def drop(self, container: str, folder: str, document: dict[str, Any]) -> None:
        name = f"{folder}/{container.removesuffix('s')}.json"
        self.client.drop(container, name, document)
        self.dropped.add(f"blob {container}/{name}")

    def job(self, command: str, **more: Any) -> dict[str, Any]:
        """A job of this cluster with the inline secret and that of the vault."""
        inline = {"name": "INLINE", "value": self.secrets.inline}
        at_vault = {"name": "FROM_VAULT", "valueSecretReference": self.vault.reference("token")}
        return job(command, cluster={"id": CLUSTER}, secrets=[inline, at_vault], **more)

    def share(self, path: str, **credentials: Any) -> dict[str, Any]:
        url = f"{self.files.url}/own"
        return {"azureFileUrl": url, "relativeMountPath": path, "credentials": credentials}

    def container(self, path: str, **credentials: Any) -> dict[str, Any]:
        account = {"accountName": self.blobs.account, "containerName": "own"}
        return account | {"relativeMountPath": path, "credentials": credentials}

    def volumes(self, *containers: dict[str, Any]) -> dict[str, Any]:
        """mountVolumes: the stack's share for logs, one of the other account, and containers."""
        logs = {"azureFileUrl": f"{self.files_url}logs", "relativeMountPath": "logs"}
        own = self.share("own", accountKey=self.secrets.share_key)
        return {"azureFileShares": [logs, own], "azureBlobFileSystems": list(containers)}

    @property
    def files_url(self) -> str:
        return "https://<AZURE_BATCHAI_STORAGE_ACCOUNT>.file.core.windows.net/"


@pytest.fixture(scope="module")
def values() -> Secrets:
    return Secrets()


@pytest.fixture(scope="module")
def place(
    stack: StackState, client: StackClient, values: Secrets, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    need(fuse_fault())
    folder = tmp_path_factory.mktemp("secrets")
    with ExitStack() as opened:
        enter = opened.enter_context
        files = enter(FilesServer(folder / "shares", account="teamshares", key=values.share_key))
        blobs = _blob_account(opened, folder, values.container_key)
        with ShareServiceClient.from_connection_string(files.connection_string) as service:
            service.create_share("own")
        with BlobServiceClient.from_connection_string(blobs.connection_string) as service:
            service.create_container("own")
        (folder / "tls").mkdir()
        vault = enter(running_vault(folder / "tls"))
        vault.put("token", values.vault)
        vault.put("share-key", values.share_key)
        vault.put("setup", values.setup)
        lines = enter(command_lines())
        http = enter(httpx.Client(base_url=stack.http, timeout=30))
        made = Place(stack, client, values, vault, files, folder / "shares" / "own", blobs, http, lines)
        _drop_cluster(made)
        enter(runners.runner(stack, CLUSTER, _overrides(made)))
        yield made


def _blob_account(opened: ExitStack, folder: Path, key: str) -> Endpoints:
    """An Azurite of its own, whose account has a key that is a secret."""
    ports = (processes.free_port(), processes.free_port(), processes.free_port())
    where = Endpoints(*ports, account="teamblobs", key=key)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZURITE_ACCOUNTS", f"teamblobs:{key}")
        child, _ = azurite.start(folder / "azurite.log", None, where)
    opened.callback(child.stop)
    return where


def _overrides(place: Place) -> dict[str, str]:
    endpoints = json.loads(runners.settings_of(place.state)["BATCHAI_ENDPOINTS"])
    endpoints[place.files.account] = {"file": place.files.url}
    endpoints[place.blobs.account] = {"blob": place.blobs.blob_endpoint}
    return (
        runners.drivers(azureFileShare="rclone", azureBlobFileSystem="rclone")
        | {"BATCHAI_ENDPOINTS": json.dumps(endpoints), "BATCHAI_MOUNT_TIMEOUT_SECONDS": "20"}
        | {"BATCHAI_RETRY_SECONDS": "0.5"}
        | place.vault.environment()
    )


def _drop_cluster(place: Place) -> None:
    values, vault = place.secrets, place.vault
    task = {
        "commandLine": 'test -n "$FOR_SETUP" && test -n "$FROM_VAULT"',
        "stdOutErrPathPrefix": "$AZ_BATCHAI_MOUNT_ROOT/shared",
        "secrets": [
            {"name": "FOR_SETUP", "value": values.setup},
            {"name": "FROM_VAULT", "valueSecretReference": vault.reference("setup")},
        ],
    }
    shared = place.share("shared", accountKeySecretReference=vault.reference("share-key"))
    properties = {
        "vmSize": "STANDARD_NC6",
        "userAccountSettings": {"adminUserName": "me", "adminUserPassword": values.admin},
        "nodeSetup": {"setupTask": task, "mountVolumes": {"azureFileShares": [shared]}},
    }
    place.drop("clusters", f"default/{CLUSTER}", {"properties": properties})
    answer = eventually(lambda: place.client.status("clusters", f"default/{CLUSTER}"), 20)
    assert answer["state"] == "accepted", answer


def _digest(value: str) -> str:
    return f'$(printf %s "${value}" | sha256sum | cut -c1-64)'


def _run_everything(place: Place) -> None:
    """Jobs that succeed, fail and are refused, dropped and over HTTP, each with secrets."""
    values = place.secrets
    opens = place.container("blobs", accountKey=values.container_key)
    command = (
        f"echo inline {_digest('INLINE')}; echo vault {_digest('FROM_VAULT')}; sleep 2; "
        "cd $AZ_BATCHAI_JOB_MOUNT_ROOT; echo made | tee own/made blobs/made; ls own blobs"
    )
    good = place.job(command, mountVolumes=place.volumes(opens))
    place.drop("jobs", "default/secrets/good", good)
    place.client.await_state("default/secrets/good", "queued", "running", "succeeded", seconds=30)
    eventually(lambda: _ended(place, "good"), 60)
    # A key that storage refuses, in the words of rclone
    wrong = place.container("blobs", accountKey=values.wrong_key)
    place.drop("jobs", "default/secrets/wrong", place.job("true", mountVolumes=place.volumes(wrong)))
    eventually(lambda: _ended(place, "wrong"), 60)
    # A document with faults around its secrets
    image = {"image": "i", "credentials": {"username": "me", "password": values.registry}}
    contained = {"containerSettings": {"imageSourceRegistry": image}}
    faulty = place.job("true", nodeCount="many", **contained)
    place.drop("jobs", "default/secrets/faulty", faulty)
    eventually(lambda: _ended(place, "faulty"), 30)
    # A vault that refuses
    unknown = [{"name": "X", "valueSecretReference": place.vault.reference("unknown")}]
    place.drop("jobs", "default/secrets/locked", place.job("true") | _with_secrets(place, unknown))
    eventually(lambda: _ended(place, "locked"), 60)
    # The same over HTTP
    assert place.ask("PUT", f"{EXPERIMENT}/jobs/http", good).is_success
    assert place.ask("PUT", f"{EXPERIMENT}/jobs/http-faulty", faulty).status_code == 400
    eventually(lambda: _ended(place, "http"), 60)


def _with_secrets(place: Place, more: list[dict[str, Any]]) -> dict[str, Any]:
    document = place.job("true")
    document["properties"]["secrets"] += more
    return document


def _ended(place: Place, name: str) -> dict[str, Any] | None:
    status = place.client.status("jobs", f"default/secrets/{name}")
    return status if status and status["state"] in ("succeeded", "failed", "refused") else None


def _ask_everything(place: Place) -> None:
    """Every GET and every listing that shows something of these resources."""
    for path in ("", "/default", "/default/clusters", f"/default/clusters/{CLUSTER}", "/default/experiments"):
        place.ask("GET", f"{ROOT}{path}")
    place.ask("POST", f"{ROOT}/default/clusters/{CLUSTER}/listRemoteLoginInformation")
    place.ask("GET", EXPERIMENT)
    place.ask("GET", f"{EXPERIMENT}/jobs")
    for name in ("good", "wrong", "faulty", "locked", "http", "http-faulty", "boxed", "kept-out"):
        place.ask("GET", f"{EXPERIMENT}/jobs/{name}")
        for folder in ("stdouterr", "stdOutErr"):
            listing = f"{EXPERIMENT}/jobs/{name}/listOutputFiles?outputdirectoryid={folder}"
            place.ask("POST", listing)
    place.ask("POST", f"{EXPERIMENT}/jobs/good/terminate")


def _places(place: Place) -> Iterator[tuple[str, bytes]]:
    """All there is, except what the user dropped."""
    directory = runners.directory_of(place.state)
    for where, data in leaks.state(place.state.storage):
        if where not in place.dropped:
            yield where, data
    nodes = (directory.node(f"{CLUSTER}-0"), directory.node(f"{BOXES}-0"))
    for folder in (directory.shares, place.own_share, directory.logs, *nodes):
        yield from leaks.files(folder)
    yield from place.lines.places()
    yield from place.answers


@pytest.mark.timeout(400)
def test_no_secret_lies_open_after_a_run(place: Place) -> None:
    _run_everything(place)
    _ask_everything(place)

    # What was to happen did happen: otherwise the search would find nothing because there was nothing.
    ended = {name: _ended(place, name) for name in ("good", "wrong", "faulty", "locked", "http")}
    assert {name: status and status["state"] for name, status in ended.items()} == {
        "good": "succeeded",
        "wrong": "failed",
        "faulty": "refused",
        "locked": "failed",
        "http": "succeeded",
    }
    codes = {name: [error["code"] for error in (ended[name] or {})["errors"]] for name in ("wrong", "locked")}
    assert codes == {"wrong": ["BFSMountError"], "locked": ["SecretUnavailable"]}
    _check_that_jobs_had_their_secrets(place)
    assert place.lines.has_seen("rclone")

    assert leaks.leaks(_places(place), place.secrets.all()) == []


def _check_that_jobs_had_their_secrets(place: Place) -> None:
    status = _ended(place, "good")
    assert status
    segment = status["output"]["stdOutErr"].partition("/logs/")[2].removesuffix("/stdouterr")
    printed = (place.client.log(segment) or b"").decode()
    for word, value in (("inline", place.secrets.inline), ("vault", place.secrets.vault)):
        assert f"{word} {hashlib.sha256(value.encode()).hexdigest()}" in printed
    assert (place.own_share / "made").read_bytes() == b"made\n"


@pytest.fixture
def daemon() -> Iterator[DockerDaemon]:
    need(docker_daemon.missing() or registry.missing())
    with docker_daemon.docker_daemon() as running:
        yield running


@pytest.mark.timeout(400)
def test_no_secret_lies_open_after_a_run_in_a_container(place: Place, daemon: DockerDaemon) -> None:
    """The same for an image behind a password, right and wrong, and the secrets of a job in its container."""
    values = place.secrets
    daemon.make_image("plain:1", "ENV PATH=/bin")
    place.client.drop_cluster(BOXES)
    with registry.registry("me", values.registry) as private:
        image = private.push(daemon, "plain:1", "team/box:1")
        chosen = _overrides(place) | {"BATCHAI_DOCKER": daemon.command}
        with runners.runner(place.state, BOXES, chosen):
            _run_contained(place, "boxed", private.host, image, values.registry)
            eventually(lambda: not daemon.containers(), 20)
            daemon.docker("rmi", image)  # a node that has an image asks nobody
            _run_contained(place, "kept-out", private.host, image, values.wrong_password)
    _ask_everything(place)

    boxed, kept_out = _ended(place, "boxed"), _ended(place, "kept-out")
    assert boxed and boxed["state"] == "succeeded", boxed
    assert kept_out and [error["code"] for error in kept_out["errors"]] == ["FailedStartingContainer"]
    assert place.lines.has_seen("docker", "login")
    assert leaks.leaks(_places(place), values.all()) == []
    assert leaks.leaks(leaks.files(daemon.folder / "data" / "containers"), values.all()) == []


def _run_contained(place: Place, name: str, server: str, image: str, password: str) -> None:
    """A job in a container, which ends well only if it has its secrets."""
    credentials = {"username": "me", "password": password}
    settings = {"imageSourceRegistry": {"serverUrl": server, "image": image, "credentials": credentials}}
    command = 'test -n "$INLINE" && test -n "$FROM_VAULT" && sleep 1'
    document = place.job(command, containerSettings=settings)
    document["properties"]["cluster"] = {"id": BOXES}
    place.drop("jobs", f"default/secrets/{name}", document)
    eventually(lambda: _ended(place, name), 120)


def test_the_search_finds_what_lies_open(place: Place) -> None:
    """In each of the places, with a value planted there."""
    probes = {kind: password(f"planted in {kind}") for kind in PLANTED}
    directory = runners.directory_of(place.state)
    encoded = {kind: base64.b64encode(b"x" + probe.encode()) for kind, probe in probes.items()}
    with TableServiceClient.from_connection_string(place.state.storage) as tables:
        entity = {"PartitionKey": "p", "RowKey": "r", "Text": probes["table"]}
        tables.create_table("probes").create_entity(entity)
    place.client.drop("accepted", "probe.json", encoded["blob"])
    (directory.shares / "logs" / "probe.txt").write_bytes(encoded["share"])
    (directory.logs / "probe.log").write_text(f"says {probes['log']}")
    place.answers.append(("GET", json.dumps({"value": probes["answer"]}).encode()))
    idle = [sys.executable, "-c", "import time; time.sleep(60)", probes["ps"]]
    child = processes.start("probe", idle, directory.logs / "ps.log")
    eventually(lambda: place.lines.has_seen(probes["ps"]), 20)
    child.stop()
    found = {value: where for where, value in leaks.leaks(_places(place), probes.values())}
    wrong = {kind: found.get(probes[kind]) for kind in PLANTED}
    wrong = {kind: where for kind, where in wrong.items() if not (where and PLANTED[kind] in where)}
    assert not wrong
