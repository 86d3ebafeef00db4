"""The command lines of the kernel drivers, masking, hints, targets: no process is started here."""

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.machine.commands import Finished
from runner.mounts import drivers
from runner.mounts.diagnosis import mount_error
from runner.mounts.drivers import cifs, nfs, rclone_remote, unmanaged
from runner.mounts.drivers.copy_tree import can_be_file
from runner.mounts.mount import choose
from runner.mounts.registry import DEFAULT_ORDER, DRIVERS
from runner.mounts.types import (
    BLOB_CONTAINER,
    ERROR_CODES,
    FILE_SERVER,
    FILE_SHARE,
    UNMANAGED,
    MountContext,
    Volume,
)
from runner.secrets.redaction import masked
from shared.errors import MountError
from tests.support.cases import cases

SHARE = Volume(FILE_SHARE, "afs", account="acct", share="logs", key="c2VjcmV0/+==")
BLOB = Volume(BLOB_CONTAINER, "bfs", account="acct", container="data", key="c2VjcmV0/+==")
SERVER = Volume(FILE_SERVER, "nfs", server="10.0.0.4", source_directory="/data", mount_options="rw")
GLUSTER = Volume(UNMANAGED, "glusterfs", mount_command="mount -t glusterfs 10.0.0.4:/gv0")
CONTEXT = MountContext(say=print, work=Path("/nowhere"))
TARGET = Path("/mnt/target")


def test_the_share_is_mounted_as_recommended_and_its_modes_are_the_documents() -> None:
    volume = replace(SHARE, file_mode="0640", directory_mode="0750")
    line = cifs.command(volume, TARGET, Path("/run/x/credentials"), replace(CONTEXT, user_id=7, group_id=8))
    assert line[1:] == [
        "-t",
        "cifs",
        "//acct.file.core.windows.net/logs",
        "/mnt/target",
        "-o",
        "vers=3.1.1,credentials=/run/x/credentials,serverino,nosharesock,actimeo=30,mfsymlinks,nosuid,nodev,"
        "dir_mode=0750,file_mode=0640,uid=7,gid=8",
    ]
    assert SHARE.key not in " ".join(line)


def test_a_sovereign_cloud_keeps_its_host() -> None:
    volume = replace(SHARE, endpoint="https://acct.file.core.usgovcloudapi.net/")
    line = cifs.command(volume, TARGET, Path("/c"), CONTEXT)
    assert "//acct.file.core.usgovcloudapi.net/logs" in line


@pytest.mark.parametrize(
    ("volume", "reason"),
    [
        (replace(SHARE, endpoint="http://127.0.0.1:10003/devstoreaccount1"), "HTTP only"),
        (replace(SHARE, key=""), "account key"),
        (BLOB, "file shares only"),
    ],
)
def test_what_smb_cannot_do_is_said(volume: Volume, reason: str) -> None:
    assert reason in (cifs.available(volume, CONTEXT) or "")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("rw", "rw,vers=4,minorversion=1,sec=sys,retry=0,nosuid,nodev"),
        ("", "vers=4,minorversion=1,sec=sys,retry=0,nosuid,nodev"),
        ("-o ro,nfsvers=3,nolock", "ro,nfsvers=3,nolock,sec=sys,retry=0,nosuid,nodev"),
        ("rw,vers=4.2,port=20490", "rw,vers=4.2,port=20490,sec=sys,retry=0,nosuid,nodev"),
        ("defaults,_netdev,nosuid", "vers=4,minorversion=1,sec=sys,retry=0,nosuid,nodev"),
        ("sec=krb5p,minorversion=2", "sec=krb5p,minorversion=2,vers=4,retry=0,nosuid,nodev"),
    ],
)
def test_file_server_options(options: str, expected: str) -> None:
    line = nfs.command(replace(SERVER, mount_options=options), TARGET, has_aznfs=False)
    assert line[1:] == ["-t", "nfs", "10.0.0.4:/data", "/mnt/target", "-o", expected]


def test_the_whole_server_where_no_directory_is_named() -> None:
    assert "10.0.0.4:/" in nfs.command(replace(SERVER, source_directory=""), TARGET, has_aznfs=False)


@pytest.mark.parametrize(("has_aznfs", "kind"), [(True, "aznfs"), (False, "nfs")])
def test_azure_nfs_shares(has_aznfs: bool, kind: str) -> None:
    azure = replace(SERVER, server="acct.file.core.windows.net", source_directory="/acct/share")
    line = nfs.command(azure, TARGET, has_aznfs)
    assert line[2] == kind and "nconnect=4" in line[-1]
    assert nfs.command(SERVER, TARGET, has_aznfs)[2] == "nfs"


@cases(
    "change",
    [
        {"mount_options": "suid"},
        {"mount_options": "rw,dev"},
        {"mount_options": "loop"},
        {"mount_options": "vers=2"},
        {"mount_options": "port=1;reboot"},
        {"mount_options": "rw=1"},
        {"mount_options": "context=system_u"},
        {"mount_options": "retry=1000"},
        {"server": "-oops"},
        {"server": "/subscriptions/s/resourceGroups/g/providers/Microsoft.BatchAI/fileservers/f"},
        {"server": "a b"},
        {"server": "host/../x"},
        {"source_directory": "relative"},
        {"source_directory": "/a\nb"},
    ],
)
def test_what_reaches_beyond_the_volume_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(MountError) as caught:
        nfs.command(replace(SERVER, **change), TARGET, has_aznfs=False)
    assert caught.value.code == "NFSMountError"


def test_a_command_the_operator_allowed_gets_the_target_appended() -> None:
    line = unmanaged.command(GLUSTER, TARGET, ("mount -t glusterfs",))
    assert line[0].endswith("mount")
    assert line[1:] == ["-t", "glusterfs", "10.0.0.4:/gv0", "/mnt/target"]


@pytest.mark.parametrize(
    "text",
    [
        "mount -t glusterfs 10.0.0.4:/gv0",
        "mount -t glusterfsx h:/v",
        "mount",
        "",
        "sh -c 'mount -t lustre x'",
        "'unbalanced",
    ],
)
def test_a_command_nobody_allowed_is_refused(text: str) -> None:
    with pytest.raises(MountError) as caught:
        unmanaged.command(replace(GLUSTER, mount_command=text), TARGET, ("mount -t lustre",))
    assert caught.value.code == "UnmanagedMountError"


@cases(
    "rest",
    [
        "-t ext4 /dev/sda1",
        "--bind /etc",
        "h:/v -o suid",
        "h:/v -o rw,dev",
        "h:/v -o rw,bind",
        "h:/v /etc",
        "-o remount h:/v",
        "h:/v --make-shared",
    ],
)
def test_an_allowed_prefix_cannot_become_another_mount(rest: str) -> None:
    volume = replace(GLUSTER, mount_command=f"mount -t glusterfs {rest}")
    with pytest.raises(MountError, match="not allowed"):
        unmanaged.command(volume, TARGET, ("mount -t glusterfs",))


def test_harmless_options_after_the_prefix() -> None:
    volume = replace(GLUSTER, mount_command="mount -t glusterfs -o ro,log-level=WARNING h:/v")
    assert "ro,log-level=WARNING" in unmanaged.command(volume, TARGET, ("mount -t glusterfs",))


def test_secrets_are_masked_in_every_form() -> None:
    text = f"key {SHARE.key} url c2VjcmV0%2F%2B%3D%3D ?sv=1&sig=abc%3D&se=2 AccountKey=zzz; password=p,x"
    assert masked(text, SHARE.secrets) == "key *** url *** ?sv=1&sig=***&se=2 AccountKey=***; password=***,x"
    assert SHARE.key not in repr(SHARE) + str(SHARE)


@cases(
    ("volume", "words", "port", "expected"),
    [
        (SHARE, "mount error(13): Permission denied", 445, "account key"),
        (SHARE, "mount error(2): No such file or directory", 445, "spelled right"),
        (SHARE, "mount error(111): could not connect", 445, "block 445"),
        (BLOB, "403 AuthorizationPermissionMismatch", 443, "Storage Blob Data Contributor"),
        (BLOB, "ContainerNotFound", 443, "spelled right"),
        (SERVER, "access denied by server", 2049, "export"),
        (SERVER, "No such file or directory", 2049, "spelled right"),
        (BLOB, "something else", 443, ""),
    ],
)
def test_the_likely_fix(volume: Volume, words: str, port: int, expected: str) -> None:
    error = mount_error(volume, "It failed.", words, port)
    assert expected in error.hint and bool(error.hint) == bool(expected)
    assert (error.code, str(error)) == (volume.code, f"It failed. {error.hint}".strip())


@cases(
    ("volume", "words", "transient"),
    [
        (SHARE, "mount error(13): Permission denied", False),
        (SHARE, "mount error(2): No such file or directory", False),
        (SHARE, "mount error(22): Invalid argument", False),
        (SHARE, "mount error(110): could not connect to 1.2.3.4", True),
        (SHARE, "mount error(112): Host is down", True),
        (SHARE, "`mount`: gave no answer within 40 s and was stopped", True),
        (SHARE, "h:445: [Errno 111] Connection refused", True),
        (SHARE, "h:445: [Errno -2] Name or service not known", False),
        (SHARE, "h:445: [Errno -3] Temporary failure in name resolution", True),
        (BLOB, "RESPONSE 403: 403 Server failed to authenticate the request. AuthenticationFailed", False),
        (BLOB, "RESPONSE 404: 404 The specified container does not exist. ContainerNotFound", False),
        (BLOB, "RESPONSE 503: 503 The server is busy. ERROR CODE: ServerBusy", True),
        (BLOB, "listing container data: storage answered 500 InternalError", True),
        (BLOB, "listing container data: storage answered 429 ", True),
        (BLOB, "listing container data: storage could not be reached (ServiceRequestError)", True),
        (BLOB, "dial tcp 1.2.3.4:443: i/o timeout", True),
        (BLOB, "rclone has not mounted it within 40 s (timed out): ", True),
        (BLOB, "rclone has not mounted it within 40 s (timed out): 403 AuthenticationFailed", False),
        (SERVER, "mount.nfs: Connection timed out", True),
        (SERVER, "mount.nfs: No route to host", True),
        (SERVER, "mount.nfs: access denied by server while mounting h:/x", False),
        (SERVER, "mount.nfs: mounting h:/x failed, reason given by server: No such file or directory", False),
        (SERVER, "mount.nfs: an incorrect mount option was specified", False),
        (BLOB, "it ended with exit status 1", False),
    ],
)
def test_what_another_try_may_mend(volume: Volume, words: str, transient: bool) -> None:
    assert mount_error(volume, "It failed.", words, 443).transient is transient


def test_how_a_program_ended_is_said() -> None:
    assert str(Finished("x", 32, "no")) == "`x`: exit status 32: no"
    assert str(Finished("x", None, "", True, 5.2)) == "`x`: gave no answer within 5 s and was stopped"
    assert str(Finished("x", None, "missing")) == "`x`: could not be started: missing"


@cases("path", ["data", "a/b", "a b", "ä", "..a", "a..", "-a", "-rf/--x"])
def test_blobs_that_can_be_files(path: str) -> None:
    assert can_be_file(path)


@given(st.text())
def test_a_blob_that_can_be_a_file_stays_below_its_root(path: str) -> None:
    try:
        usable = can_be_file(path)
    except UnicodeEncodeError:
        return  # a lone surrogate: no blob is called so
    if usable:
        parts = Path("/root").joinpath(path).parts
        assert parts[:2] == ("/", "root") and len(parts) > 2 and ".." not in parts


def test_the_remote_of_a_container_and_of_a_share() -> None:
    blob = rclone_remote.environment(BLOB)
    assert rclone_remote.remote(BLOB) == "volume:data" and rclone_remote.remote(SHARE) == "volume:"
    assert blob["RCLONE_CONFIG_VOLUME_TYPE"] == "azureblob"
    assert blob["RCLONE_CONFIG_VOLUME_KEY"] == BLOB.key
    assert blob["RCLONE_CONFIG_VOLUME_ENDPOINT"] == "https://acct.blob.core.windows.net"
    share = rclone_remote.environment(SHARE)
    assert (share["RCLONE_CONFIG_VOLUME_TYPE"], share["RCLONE_CONFIG_VOLUME_SHARE_NAME"]) == (
        "azurefiles",
        "logs",
    )


def test_without_key_or_sas_it_is_the_managed_identity() -> None:
    identity = rclone_remote.environment(replace(BLOB, key="", identity_client_id="1234"))
    assert identity["RCLONE_CONFIG_VOLUME_USE_MSI"] == "true"
    assert identity["RCLONE_CONFIG_VOLUME_MSI_CLIENT_ID"] == "1234"
    assert "RCLONE_CONFIG_VOLUME_KEY" not in identity


def test_foreign_settings_do_not_reach_rclone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RCLONE_READ_ONLY", "true")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "x")
    made = rclone_remote.environment(BLOB)
    assert "RCLONE_READ_ONLY" not in made and "AZURE_CLIENT_SECRET" not in made


def test_every_kind_has_a_code_and_drivers_that_exist() -> None:
    assert set(ERROR_CODES) == set(DEFAULT_ORDER)
    assert all(name in DRIVERS for names in DEFAULT_ORDER.values() for name in names)
    assert all(name == DRIVERS[name].NAME for name in DRIVERS)
    assert set(DRIVERS) == {name for names in DEFAULT_ORDER.values() for name in names}


def test_every_module_that_is_a_driver_is_registered() -> None:
    """So that a new one is a module and its place in registry.py."""
    modules = {f"runner.mounts.drivers.{path.stem}" for path in Path(drivers.__path__[0]).glob("*.py")}
    found = {name for name in modules if hasattr(importlib.import_module(name), "available")}
    assert found == {cast(ModuleType, driver).__name__ for driver in DRIVERS.values()}


def test_no_driver_is_an_error_that_names_every_reason() -> None:
    context = replace(CONTEXT, drivers={FILE_SHARE: ("premounted", "copy")})
    with pytest.raises(MountError, match=r"premounted: no local directory.*copy: it serves blob") as caught:
        choose(SHARE, context)
    assert caught.value.code == "AZFMountError"
