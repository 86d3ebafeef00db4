"""What the linter lets pass the node mounts and the function app lists, at the same place: one rule each."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runner.mounts.from_document import volumes_of
from runner.mounts.mount_points import prepare
from shared.documents.parse import DocumentSettings, parse_job
from shared.documents.spec import JobSpec
from shared.errors import MountError, NotFoundError, RequestError
from shared.jobs.output_places import output_place
from shared.settings import AccountEndpoints, Settings
from shared.stores.workspace_table import Row
from tests.support.examples import examples
from tests.support.jobs import SCOPE, a_job

OWN, KEY = "ownaccount", "b3duIGtleQ=="
INSTALLATION = Settings(
    scope=SCOPE,
    data_account=OWN,
    data_key=KEY,
    endpoints={
        OWN: AccountEndpoints(file="http://127.0.0.1:1/ownaccount", blob="http://127.0.0.1:2/ownaccount"),
        "acct": AccountEndpoints(file="https://files.contoso.example"),
    },
)


def parsed(kind: str, **volume: Any) -> JobSpec | None:
    """The document with one volume, or None where the linter refuses it."""
    properties = {
        "nodeCount": 1,
        "stdOutErrPathPrefix": "/tmp",
        "customToolkitSettings": {"commandLine": "true"},
        "mountVolumes": {kind: [volume]},
    }
    data = json.dumps({"properties": properties})
    return parse_job(data, DocumentSettings.of(INSTALLATION)).spec


def no_server(workspace: str, name: str) -> Row:
    raise NotFoundError("none")


ODD = [
    "-data",
    "-",
    "--config=x",
    "a/-b",
    "..",
    "a/../b",
    "a//b",
    "a/",
    "a//",
    "/a",
    "a\\b",
    "~",
    "$X",
    " ",
    "",
]
PATHS = (
    st.lists(
        st.sampled_from([*ODD, ".", "a", "\u2044", "\u200b", "\x7f", "\n"]) | st.text(max_size=5), max_size=4
    )
    .map("/".join)
    .filter(lambda path: path.isascii() or not any(0xD800 <= ord(c) < 0xE000 for c in path))
)


@settings(max_examples=examples(300))
@given(path=PATHS)
@example("-data")
@example("a//")
@example("x" * 256)
@example("ä" * 128)
@example("/".join(["abcdefghij"] * 100))
def test_linter_node_and_listing_agree_on_every_path(path: str) -> None:
    share = {
        "azureFileUrl": "https://acct.file.core.windows.net/logs",
        "credentials": {"accountKey": "a2V5"},
        "relativeMountPath": path,
    }
    linted = parsed("azureFileShares", **share)
    document = JobSpec.model_validate(
        {
            "nodeCount": 1,
            "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/x",
            "customToolkitSettings": {"commandLine": "true"},
            "mountVolumes": {"azureFileShares": [share | {"relativeMountPath": path or "x"}]},
        }
    )
    (volume,) = volumes_of(document.mount_volumes, INSTALLATION, no_server)
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "mounts"
        try:
            target = prepare(volume, root) if path else None
        except MountError as error:
            assert "is not allowed" in str(error), "the linter must know of every fault"
            target = None
    assert (linted is not None) == (target is not None)
    if linted and target:
        below = str(target.relative_to(root))
        asked = linted.model_copy(update={"std_out_err_path_prefix": f"$AZ_BATCHAI_JOB_MOUNT_ROOT/{below}"})
        if "$" not in below:
            found = output_place(a_job(), asked, document.mount_volumes, INSTALLATION, "stdouterr", ".")
            assert (found.account, found.name) == ("acct", "logs")


URLS = st.sampled_from(
    [
        "https://acct.file.core.windows.net/logs",
        "https://ownaccount.file.core.windows.net/logs",
        "https://acct.file.core.chinacloudapi.cn/logs",
        "https://acct.files.contoso.example/logs",
        "https://files.contoso.example/logs",
        "http://127.0.0.1:1/ownaccount/logs",
        "http://10.0.0.4:10003/other/logs",
        "https://<AZURE_BATCHAI_STORAGE_ACCOUNT>.file.core.windows.net/logs",
        "https://evil.example/logs",
    ]
)
ACCOUNTS = st.sampled_from(["", "acct", OWN, "other", "<AZURE_BATCHAI_STORAGE_ACCOUNT>"])
CREDENTIALS = st.sampled_from(
    [None, {}, {"accountKey": "a2V5"}, {"accountKey": "<AZURE_BATCHAI_STORAGE_KEY>"}]
)


@given(url=URLS, account=ACCOUNTS, credentials=CREDENTIALS)
@example(url="https://files.contoso.example/logs", account="acct", credentials=None)
@example(url="https://acct.file.core.windows.net/logs", account=OWN, credentials=None)
def test_node_and_listing_agree_on_account_endpoint_and_key(
    url: str, account: str, credentials: dict[str, str] | None
) -> None:
    share: dict[str, Any] = {"azureFileUrl": url, "relativeMountPath": "afs"}
    share |= {"accountName": account} if account else {}
    share |= {"credentials": credentials} if credentials is not None else {}
    document = parsed("azureFileShares", **share)
    assert document is not None
    asked = document.model_copy(update={"std_out_err_path_prefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/afs"})

    def mounted() -> tuple[str, ...] | None:
        try:
            (volume,) = volumes_of(document.mount_volumes, INSTALLATION, no_server)
        except MountError:
            return None
        return volume.account, volume.share, volume.endpoint, volume.key

    def listed() -> tuple[str, ...] | None:
        try:
            found = output_place(a_job(), asked, document.mount_volumes, INSTALLATION, "stdouterr", ".")
        except RequestError:
            return None
        return found.account, found.name, found.endpoint, found.key

    assert mounted() == listed()


@pytest.mark.parametrize(
    ("url", "account", "meant"),
    [
        ("https://files.contoso.example/logs", "acct", "acct"),
        ("https://files.contoso.example/logs", "", "files"),
        ("https://other.file.core.windows.net/logs", "acct", "other"),
        ("http://10.0.0.4:10003/other/logs", "acct", "other"),
    ],
)
def test_the_url_shows_the_account_unless_its_host_is_somebody_s_own(
    url: str, account: str, meant: str
) -> None:
    more = {"accountName": account} if account else {}
    document = parsed(
        "azureFileShares",
        azureFileUrl=url,
        relativeMountPath="afs",
        credentials={"accountKey": "a2V5"},
        **more,
    )
    assert document is not None
    (volume,) = volumes_of(document.mount_volumes, INSTALLATION, no_server)
    assert volume.account == meant
