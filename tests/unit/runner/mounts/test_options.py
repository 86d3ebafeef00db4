"""The old blobfuse options, and blobfuse2's configuration made of them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.mounts.drivers import blobfuse_config, blobfuse_options
from runner.mounts.drivers.blobfuse_options import BlobfuseOptions
from runner.mounts.types import BLOB_CONTAINER, MountContext, Volume
from shared.errors import MountError
from tests.support.cases import cases

VOLUME = Volume(BLOB_CONTAINER, "data", account="acct", container="c", key="c2VjcmV0")
CONTEXT = MountContext(say=print, work=Path("/work"))
#: What the original service used where a document had no mountOptions (its documentation).
SERVICE_DEFAULT = (
    "--use-https=true -o big_writes -o max_read=131072 -o max_write=131072 -o attr_timeout=240 "
    "-o fsname=blobfuse -o kernel_cache -o entry_timeout=240 -o negative_timeout=120 -o allow_other"
)


def read(text: str) -> BlobfuseOptions:
    return blobfuse_options.read(replace(VOLUME, mount_options=text))


def test_the_services_own_default_is_our_default() -> None:
    assert replace(read(SERVICE_DEFAULT), notes=()) == BlobfuseOptions() == read("")
    assert len(read(SERVICE_DEFAULT).notes) == 7


@cases(
    ("text", "change"),
    [
        ("-o ro", {"read_only": True}),
        ("ro", {"read_only": True}),
        ("--read-only=false", {"read_only": False}),
        ("-o attr_timeout=10,entry_timeout=20", {"attribute_seconds": 10, "entry_seconds": 20}),
        ("-onegative_timeout=5", {"negative_seconds": 5}),
        ("--file-cache-timeout-in-seconds=0", {"file_cache_seconds": 0, "cache": "file"}),
        ("--file-cache-timeout-in-seconds 60", {"file_cache_seconds": 60, "cache": "file"}),
        ("--streaming=true", {"cache": "block"}),
        ("--block-cache", {"cache": "block"}),
        ("--cache-size-mb=500 --max-concurrency=8", {"cache_mib": 500, "concurrency": 8}),
        ("-o umask=022", {"umask": "022"}),
        ("--use-adls=true", {"adls": True}),
    ],
)
def test_what_still_means_something_is_translated(text: str, change: dict[str, object]) -> None:
    assert read(text) == replace(BlobfuseOptions(), **change)  # type: ignore[arg-type]


@cases(
    "text",
    [
        "-o suid",
        "-o dev,ro",
        "--config-file=/etc/passwd",
        "--tmp-path=/",
        "--container-name=other",
        "--log-file-path=/etc/cron.d/x",
        "--https-proxy=http://evil",
        "-o umask=999",
        "-o attr_timeout=soon",
        "--read-only=perhaps",
        "--no-such-thing",
        "-o",
        "'unbalanced",
        "-o noexec",
    ],
)
def test_what_is_dangerous_or_unknown_is_refused(text: str) -> None:
    with pytest.raises(MountError) as caught:
        read(text)
    assert caught.value.code == "BFSMountError" and "mountOptions" in str(caught.value)


def test_every_fault_is_reported_at_once() -> None:
    with pytest.raises(MountError, match=r"'suid'.*'tmp-path'.*'what'"):
        read("-o suid --tmp-path=/x --what")


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read(text)
    except MountError:
        pass


def config(volume: Volume = VOLUME, options: BlobfuseOptions | None = None) -> dict[str, Any]:
    text = blobfuse_config.config_text(volume, options or BlobfuseOptions(), CONTEXT, Path("/home"), True)
    assert not volume.key or volume.key not in text
    made: dict[str, Any] = json.loads(text)
    return made


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (BlobfuseOptions(), "file"),
        (BlobfuseOptions(read_only=True), "block"),
        (BlobfuseOptions(cache="file", read_only=True), "file"),
        (BlobfuseOptions(cache="block"), "block"),
    ],
)
def test_which_cache(options: BlobfuseOptions, kind: str) -> None:
    made = config(options=options)
    assert made["components"] == ["libfuse", f"{kind}_cache", "attr_cache", "azstorage"]
    assert f"{kind}_cache" in made


def test_credentials_are_in_the_environment_only() -> None:
    assert config()["azstorage"]["mode"] == "key"
    assert blobfuse_config.secret_environment(VOLUME) == {"AZURE_STORAGE_ACCESS_KEY": "c2VjcmV0"}
    identity = replace(VOLUME, key="", identity_client_id="1234")
    assert config(identity)["azstorage"]["mode"] == "msi"
    assert config(identity)["azstorage"]["appid"] == "1234"
    assert blobfuse_config.secret_environment(identity) == {}


def test_endpoints() -> None:
    assert config()["azstorage"]["endpoint"] == "https://acct.blob.core.windows.net"
    local = replace(VOLUME, endpoint="http://127.0.0.1:10000/devstoreaccount1")
    assert config(local)["azstorage"]["use-http"] is True
    adls = config(options=BlobfuseOptions(adls=True))["azstorage"]
    assert (adls["type"], adls["endpoint"]) == ("adls", "https://acct.dfs.core.windows.net")
