"""The two placeholders and the credentials that the original's client filled in."""

from typing import Any

import pytest

from shared.documents.parse import DocumentSettings
from shared.errors import Severity
from tests.support.documents import OWN, job, problems_of, spec_of

ACCOUNT, KEY = "<AZURE_BATCHAI_STORAGE_ACCOUNT>", "<AZURE_BATCHAI_STORAGE_KEY>"
TEMPLATE = f"https://{ACCOUNT}.file.core.windows.net/logs"
NOBODY = DocumentSettings()


def with_share(settings: DocumentSettings = OWN, **members: Any) -> Any:
    return job(settings, mountVolumes={"azureFileShares": [{"relativeMountPath": "logs", **members}]})


def with_container(settings: DocumentSettings = OWN, **members: Any) -> Any:
    volume = {"relativeMountPath": "d", "containerName": "data", **members}
    return job(settings, mountVolumes={"azureBlobFileSystems": [volume]}, stdOutErrPathPrefix="$X/y")


def share_of(parsed: Any) -> tuple[str, str, str | None]:
    share = parsed.spec.mount_volumes.azure_file_shares[0]
    key = share.credentials.account_key.get_secret_value() if share.credentials else None
    return share.account_name, share.azure_file_url, key


OWN_SHARE = ("ownaccount", "https://ownaccount.file.core.windows.net/logs", "b3duLWtleQ==")


@pytest.mark.parametrize(
    "members",
    [
        {"azureFileUrl": TEMPLATE},
        {"azureFileUrl": TEMPLATE, "accountName": ACCOUNT},
        {"azureFileUrl": TEMPLATE, "accountName": "", "credentials": {}},
        {"azureFileUrl": TEMPLATE, "accountName": ACCOUNT, "credentials": {"accountKey": KEY}},
        {"azureFileUrl": "https://ownaccount.file.core.windows.net/logs"},
        {
            "azureFileUrl": "https://ownaccount.file.core.windows.net/logs",
            "credentials": {"accountKey": None},
        },
    ],
)
def test_the_installations_own_account_is_filled_in(members: dict[str, Any]) -> None:
    parsed = with_share(**members)

    assert share_of(parsed) == OWN_SHARE
    assert "b3duLWtleQ" not in str(parsed)


def test_an_emulators_url_is_filled_in_too() -> None:
    parsed = with_share(azureFileUrl=f"http://127.0.0.1:10003/{ACCOUNT}/logs")

    assert share_of(parsed)[:2] == ("ownaccount", "http://127.0.0.1:10003/ownaccount/logs")


def test_what_was_filled_in_is_reported_in_one_note() -> None:
    parsed = with_share(azureFileUrl=TEMPLATE)

    assert problems_of(parsed) == [
        "mountVolumes.azureFileShares[0]: accountName is missing; it was taken from azureFileUrl. "
        "credentials are missing; the installation's own were filled in."
    ]
    assert parsed.problems[0].severity is Severity.NOTE


def test_another_account_gets_no_key_of_ours() -> None:
    parsed = with_share(azureFileUrl="https://other.file.core.windows.net/logs")

    assert share_of(parsed) == ("other", "https://other.file.core.windows.net/logs", None)
    assert any("credentials are missing" in line for line in problems_of(parsed, Severity.WARNING))


def test_a_container_of_ones_own_account() -> None:
    parsed = with_container(accountName=ACCOUNT)
    volume = parsed.spec.mount_volumes.azure_blob_file_systems[0]

    assert volume.account_name == "ownaccount"
    assert volume.credentials.account_key.get_secret_value() == "b3duLWtleQ=="


def test_a_container_without_account_is_refused() -> None:
    assert "accountName is missing." in problems_of(with_container())[0]


@pytest.mark.parametrize(
    ("members", "word"),
    [
        ({"azureFileUrl": TEMPLATE}, "no storage account of its own"),
        (
            {"azureFileUrl": "https://a.file.core.windows.net/logs", "credentials": {"accountKey": KEY}},
            "no storage key of its own",
        ),
    ],
)
def test_an_installation_without_storage_says_so_once(members: dict[str, Any], word: str) -> None:
    errors = problems_of(with_share(NOBODY, **members), Severity.ERROR)

    assert len(errors) == 1
    assert word in errors[0]


def test_only_the_whole_value_is_replaced_outside_the_url() -> None:
    parsed = with_share(azureFileUrl=TEMPLATE, credentials={"accountKey": f"x{KEY}"})

    assert share_of(parsed)[2] == f"x{KEY}"


def test_nothing_else_is_a_template() -> None:
    parsed = job(customToolkitSettings={"commandLine": f"echo {ACCOUNT} {KEY}"})

    settings = spec_of(parsed).custom_toolkit_settings
    assert settings is not None and settings.command_line == f"echo {ACCOUNT} {KEY}"


def test_an_account_that_nobody_has_is_reported_at_its_place() -> None:
    messages = problems_of(with_container(NOBODY, accountName=ACCOUNT), Severity.ERROR)
    assert messages[0].startswith(
        "mountVolumes.azureBlobFileSystems[0].accountName: This installation has no"
    )
