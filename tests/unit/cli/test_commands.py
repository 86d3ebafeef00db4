"""The commands of `batchai` as such: help, options, configuration, documents made of options."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from cli import config
from cli.cluster_create import image_reference, scale_settings
from cli.cluster_node import output_place
from cli.faults import Fault
from cli.login_options import account_settings
from cli.main import main
from cli.session import Session
from cli.ssh import ssh_line
from cli.storage import Mounts, completed
from shared.documents.placeholders import ACCOUNT, KEY

LOCAL = {"url": "http://127.0.0.1:1", "subscription_id": "s", "resource_group": "g", "workspace": "w"}
SHARE = {"azureFileUrl": f"https://{ACCOUNT}.file.core.windows.net/logs", "relativeMountPath": "logs"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, and a current directory, with nothing in them."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, words, input=stdin)


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from commands(found, (*path, name))
        else:
            yield (*path, name), found


ALL = dict(commands(main))
AZ = """
    workspace create; workspace show; workspace list; workspace delete; experiment create; experiment show
    experiment list; experiment delete; cluster create; cluster show; cluster list; cluster resize
    cluster auto-scale; cluster delete; cluster node list; cluster node exec; cluster file list; job create
    job show; job list; job terminate; job delete; job wait; job file list; job file stream; job node list
    job node exec; file-server create; file-server show; file-server list; file-server delete; list-usages
"""


def test_every_command_of_az_is_there() -> None:
    wanted = {tuple(line.split()) for line in re.split(r"[;\n]", AZ) if line.strip()}
    assert wanted <= ALL.keys()


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_has_help_with_an_example_that_parses(path: tuple[str, ...]) -> None:
    shown = run(*path, "--help")
    assert shown.exit_code == 0
    example = re.search(rf"Example: batchai ({re.escape(' '.join(path))}.*)", shown.output)
    assert example, shown.output
    assert ALL[path].help
    # Its options exist and its required ones are given.
    words = re.split(r" (?:&&|>>|or:) ", example[1])[0].split()[len(path) :]
    if path not in (("lint",), ("explain",)):
        ALL[path].make_context(" ".join(path), words)


def test_without_any_service_it_says_what_to_do() -> None:
    shown = run("job", "list")
    assert shown.exit_code == 2
    assert "make up" in shown.output and "batchai configure" in shown.output


def test_configure_writes_a_file_for_its_owner_alone(home: Path) -> None:
    assert (
        run("configure", "url=https://app.example", "workspace=research", "storage_key=c2VjcmV0").exit_code
        == 0
    )
    path = home / ".config" / "batchai" / "config.toml"
    assert path.stat().st_mode & 0o777 == 0o600
    listed = run("configure", "--list", "-o", "table").output
    assert "research" in listed and str(path) in listed and "c2VjcmV0" not in listed
    assert run("configure", "workspace=").exit_code == 0
    assert config.read_file(path) == {"url": "https://app.example", "storage_key": "c2VjcmV0"}


@pytest.mark.parametrize("text", ['quo"te', "back\\slash", "ümlaut", "# no comment"])
def test_configured_values_come_back_as_they_were(home: Path, text: str) -> None:
    assert run("configure", f"audience={text}").exit_code == 0
    assert config.read_file(home / ".config" / "batchai" / "config.toml") == {"audience": text}


@pytest.mark.parametrize("pair", ["nonsense=1", "url=ftp://x", "output=xml", "workspace", "audience=a\x07b"])
def test_configure_refuses_what_cannot_be(pair: str) -> None:
    shown = run("configure", pair)
    assert shown.exit_code == 2 and not Path(".config").exists()


@pytest.mark.parametrize("text", ["workspace = 3", "colour = 'red'", "= ="])
def test_a_configuration_file_that_is_wrong_is_reported(home: Path, text: str) -> None:
    path = home / ".config" / "batchai" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    shown = run("job", "list")
    assert shown.exit_code == 1 and str(path) in shown.output


def test_an_option_wins_over_the_environment_over_the_file_over_the_local_stack(home: Path) -> None:
    (home / ".local").mkdir()
    state = {"pid": os.getpid(), "http": "http://127.0.0.1:7071"}
    (home / ".local" / "stack.json").write_text(json.dumps(state))

    def known(options: dict[str, str | None], environment: dict[str, str]) -> tuple[str, str]:
        value = config.values(options, environment | {"HOME": str(home)})["url"]
        return value.text, value.source

    assert known({}, {}) == ("http://127.0.0.1:7071", "local stack")
    run("configure", "url=https://file.example")
    assert known({}, {})[0] == "https://file.example"
    environment = {"BATCHAI_URL": "https://environment.example"}
    assert known({}, environment) == ("https://environment.example", "BATCHAI_URL")
    assert known({"url": "https://option.example"}, environment) == ("https://option.example", "option")


def test_a_stack_that_has_ended_is_not_found(home: Path) -> None:
    (home / ".local").mkdir()
    for state in ('{"pid": 99999999, "http": "http://127.0.0.1:1"}', "{", "[]", '{"pid": "x"}'):
        (home / ".local" / "stack.json").write_text(state)
        assert config.local_stack({}) == {}


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((None, None, None), None),
        ((2, None, None), {"manual": {"targetNodeCount": 2}}),
        ((0, None, None), {"manual": {"targetNodeCount": 0}}),
        ((None, 3, 3), {"manual": {"targetNodeCount": 3}}),
        (
            (None, 0, 4),
            {"autoScale": {"minimumNodeCount": 0, "maximumNodeCount": 4, "initialNodeCount": 0}},
        ),
        (
            (2, 3, 3),
            {"autoScale": {"minimumNodeCount": 3, "maximumNodeCount": 3, "initialNodeCount": 2}},
        ),
    ],
)
def test_scale_settings_are_the_original_s(
    counts: tuple[int | None, int | None, int | None], expected: dict[str, Any] | None
) -> None:
    assert scale_settings(*counts) == expected


@pytest.mark.parametrize("counts", [(None, 1, None), (None, None, 1), (None, 2, 1)])
def test_scale_settings_that_make_no_sense_are_refused(
    counts: tuple[int | None, int | None, int | None],
) -> None:
    with pytest.raises(Fault):
        scale_settings(*counts)


def test_images_by_alias_and_in_full() -> None:
    assert image_reference("ubuntults", None)["offer"] == "UbuntuServer"
    assert image_reference("a:b:c:", None) == {"publisher": "a", "offer": "b", "sku": "c"}
    assert image_reference("a:b:c:1", "/id")["virtualMachineImageId"] == "/id"
    for image, custom in ((None, "/id"), ("Windows", None), ("a:b:c", None), (":b:c:", None)):
        with pytest.raises(Fault):
            image_reference(image, custom)


def session(**values: str) -> Session:
    return Session({**LOCAL, **values})


def test_placeholders_are_left_to_the_service_unless_an_account_is_known() -> None:
    volumes = {"azureFileShares": [SHARE | {"credentials": {"accountKey": KEY}}]}
    (left,) = (completed(session(), volumes, Mounts()) or {})["azureFileShares"]
    assert left["azureFileUrl"] == SHARE["azureFileUrl"] and left["credentials"] == {"accountKey": KEY}
    own = session(storage_account="mine", storage_key="a2V5")
    (filled,) = (completed(own, volumes, Mounts()) or {})["azureFileShares"]
    assert filled["azureFileUrl"] == "https://mine.file.core.windows.net/logs"
    assert (filled["accountName"], filled["credentials"]) == ("mine", {"accountKey": "a2V5"})


def test_an_option_s_account_does_not_get_another_account_s_key() -> None:
    volumes = {"azureFileShares": [SHARE | {"credentials": {"accountKey": KEY}}]}
    with pytest.raises(Fault, match="no key of other is known"):
        completed(session(storage_account="mine", storage_key="a2V5"), volumes, Mounts(account_name="other"))


def test_options_add_volumes_beside_those_of_the_document() -> None:
    mounts = Mounts(
        afs_name="a", bfs_name="b", account_name="mine", account_key="a2V5", bfs_mount_path="data"
    )
    made = completed(session(), {"azureFileShares": [SHARE]}, mounts, auto=True) or {}
    assert [v["relativeMountPath"] for v in made["azureFileShares"]] == ["logs", "afs", "autoafs"]
    assert [v["relativeMountPath"] for v in made["azureBlobFileSystems"]] == ["data", "autobfs"]
    # Auto storage is the installation's own account, whatever account the options name.
    assert made["azureBlobFileSystems"][1] == {
        "accountName": ACCOUNT,
        "containerName": "batchaicontainer",
        "relativeMountPath": "autobfs",
    }
    with pytest.raises(Fault, match="empty"):
        completed(session(), None, Mounts(afs_name="a", afs_mount_path=""))


def test_accounts_take_options_then_the_document_then_what_is_there(home: Path) -> None:
    with pytest.raises(Fault, match="neither"):
        account_settings(None, None, None, None, False)
    made = account_settings(None, "me", None, None, True)
    assert made["adminUserSshPublicKey"].startswith("ssh-rsa ")
    assert account_settings(None, "me", None, None, False) == made
    given = {"adminUserName": "doc", "adminUserPassword": "pw"}
    assert account_settings(given, None, None, None, False) == given
    assert account_settings(given, "opt", None, "new", False)["adminUserPassword"] == "new"
    with pytest.raises(Fault, match="neither an ssh public key"):
        account_settings(None, "me", "/nowhere", None, False)
    with pytest.raises(Fault, match="holds no ssh public key"):
        account_settings(None, "me", str(home / ".ssh" / "id_rsa"), None, False)


def test_ssh_is_called_as_the_original_called_it() -> None:
    node = {"nodeId": "n", "ipAddress": "10.0.0.4", "port": 50001.0}
    line = ssh_line(node, "me", "nvidia-smi -L", ("8080:localhost:8080",), "key")
    assert line[:3] == ["ssh", "-p", "50001"]
    assert line[-7:] == ["-L", "8080:localhost:8080", "-i", "key", "--", "me@10.0.0.4", "nvidia-smi -L"]
    assert "-N" in ssh_line(node, "me", None, (), None)


def test_the_files_of_a_setup_task_are_named_by_their_volume() -> None:
    setup = {
        "setupTask": {"stdOutErrPathPrefix": "$AZ_BATCHAI_MOUNT_ROOT/afs/logs", "stdOutErrPathSuffix": "s/u"},
        "mountVolumes": {
            "azureFileShares": [{"relativeMountPath": "afs", "azureFileUrl": "https://x/share"}]
        },
    }
    assert output_place(setup) == "https://x/share/logs/s/u"
    assert output_place({"setupTask": {"stdOutErrPathPrefix": "/tmp"}}) == "tmp"


@pytest.mark.parametrize(
    ("setting", "value", "cloud"),
    [
        ("BATCHAI_LOCATION", "", "core.windows.net"),
        (
            "BATCHAI_STORAGE__blobServiceUri",
            "https://s.blob.core.chinacloudapi.cn/",
            "core.chinacloudapi.cn",
        ),
        (
            "BATCHAI_STORAGE",
            "AccountName=s;EndpointSuffix=core.usgovcloudapi.net",
            "core.usgovcloudapi.net",
        ),
    ],
)
def test_containers_are_reported_in_the_cloud_of_the_settings(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, cloud: str
) -> None:
    monkeypatch.setenv(setting, value)
    container = {"relativeMountPath": "bfs", "accountName": "acct", "containerName": "data"}
    setup = {
        "setupTask": {"stdOutErrPathPrefix": "$AZ_BATCHAI_MOUNT_ROOT/bfs/logs"},
        "mountVolumes": {"azureBlobFileSystems": [container]},
    }
    assert output_place(setup) == f"https://acct.blob.{cloud}/data/logs"


def test_names_are_checked_before_anything_is_sent() -> None:
    for words in (("job", "show", "-n", "a b"), ("workspace", "show", "-n", "x" * 65)):
        shown = run(*words, "--url", "http://127.0.0.1:1", "-g", "g", "--subscription", "s")
        assert shown.exit_code == 2, shown.output
