import base64

import pytest

from shared.errors import SettingsError
from shared.settings import AccountEndpoints, ArmSettings
from shared.settings_reader import http_level, settings_from

KEY = base64.b64encode(b"k" * 32).decode()
OLD = base64.b64encode(b"o" * 32).decode()
STORAGE = (
    "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=c2VjcmV0a2V5;EndpointSuffix=core.windows.net"
)
LEAST = {"BATCHAI_STORAGE": STORAGE, "BATCHAI_SEALING_KEYS": KEY}


def test_two_settings_are_enough() -> None:
    settings = settings_from(LEAST)
    assert settings.default_cluster == "default"
    assert settings.sealing_keys == (b"k" * 32,)
    assert (settings.lease_seconds, settings.renew_seconds) == (90, 30)


def test_every_fault_is_reported_at_once() -> None:
    env = {
        "BATCHAI_SEALING_KEYS": f"{KEY},short",
        "BATCHAI_SUBSCRIPTION_ID": "a/b",
        "BATCHAI_RESOURCE_GROUP": "r g",
        "BATCHAI_DEFAULT_WORKSPACE": "w s",
        "BATCHAI_DEFAULT_CLUSTER": "c\n",
        "BATCHAI_LEASE_SECONDS": "soon",
        "BATCHAI_RENEW_SECONDS": "80",
        "BATCHAI_GANG_SILENCE_SECONDS": "46",
        "BATCHAI_MAX_ATTEMPTS": "0",
        "BATCHAI_RESEND_SECONDS": "nan",
        "BATCHAI_HTTP_ROLES": "on",
        "BATCHAI_ENDPOINTS": "[]",
        "BATCHAI_PUBLIC_URL": "batchai.example.com",
    }
    with pytest.raises(SettingsError) as caught:
        settings_from(env)
    faults = caught.value.faults
    for name in (*env, "BATCHAI_STORAGE"):
        assert any(fault.startswith(name) for fault in faults), name
    assert "key 2" in str(caught.value)


@pytest.mark.parametrize("text", ["nonsense", "AccountName=", "a=b;c=d", KEY])
def test_a_connection_string_must_be_one(text: str) -> None:
    with pytest.raises(SettingsError, match=r"BATCHAI_STORAGE .*connection string") as caught:
        settings_from(LEAST | {"BATCHAI_STORAGE": text})
    assert f"'{text}" not in str(caught.value)
    assert KEY not in str(caught.value), "it may hold a key"


@pytest.mark.parametrize(
    "text",
    ["UseDevelopmentStorage=true", "BlobEndpoint=https://a/;SharedAccessSignature=sv=1&sig=x", STORAGE],
)
def test_connection_strings(text: str) -> None:
    assert settings_from(LEAST | {"BATCHAI_STORAGE": text}).storage == text


def test_identity_needs_no_connection_string() -> None:
    env = {"BATCHAI_STORAGE__accountName": "acc", "BATCHAI_SEALING_KEYS": KEY}
    assert settings_from(env).storage_account == "acc"


def test_a_missing_or_wrong_key_is_never_quoted() -> None:
    with pytest.raises(SettingsError) as caught:
        settings_from({"BATCHAI_STORAGE": STORAGE, "BATCHAI_SEALING_KEYS": "c2hvcnQgc2VjcmV0"})
    assert "c2hvcnQgc2VjcmV0" not in str(caught.value)
    assert "c2VjcmV0a2V5" not in str(caught.value)


def test_no_secret_in_repr() -> None:
    settings = settings_from(LEAST | {"AZURE_BATCHAI_STORAGE_KEY": "dGhlIGRhdGEga2V5"})
    for secret in ("c2VjcmV0a2V5", KEY, repr(b"k" * 32), "dGhlIGRhdGEga2V5"):
        assert secret not in repr(settings)


def test_keys_are_rotated_newest_first() -> None:
    assert settings_from(LEAST | {"BATCHAI_SEALING_KEYS": f"{KEY}, {OLD}"}).sealing_keys == (
        b"k" * 32,
        b"o" * 32,
    )


def test_endpoints_by_account() -> None:
    env = LEAST | {"BATCHAI_ENDPOINTS": '{"acc": {"file": "http://127.0.0.1:1/acc/"}}'}
    assert settings_from(env).endpoints == {"acc": AccountEndpoints(file="http://127.0.0.1:1/acc")}


def test_renewals_follow_the_lease() -> None:
    assert settings_from(LEAST | {"BATCHAI_LEASE_SECONDS": "6"}).renew_seconds == 2


@pytest.mark.parametrize(("lease", "silence"), [("90", 12), ("10", 5)])
def test_a_node_may_be_silent_for_half_the_lease_at_most(lease: str, silence: float) -> None:
    assert settings_from(LEAST | {"BATCHAI_LEASE_SECONDS": lease}).gang_silence_seconds == silence


IDENTITY = {"BATCHAI_SEALING_KEYS": KEY, "BATCHAI_STORAGE__clientId": "9" * 8 + "-9999-9999-9999-" + "9" * 12}


def test_addresses_of_services_name_account_and_cloud() -> None:
    env = IDENTITY | {"BATCHAI_STORAGE__blobServiceUri": "https://acc.blob.core.usgovcloudapi.net/"}
    settings = settings_from(env)
    assert (settings.storage_account, settings.storage_suffix) == ("acc", "core.usgovcloudapi.net")
    assert settings.storage_urls.table == "https://acc.table.core.usgovcloudapi.net"
    assert settings.storage_urls.blob == "https://acc.blob.core.usgovcloudapi.net"
    assert settings.endpoints["acc"].blob == settings.storage_urls.blob
    assert settings.identity_client_id.startswith("9999")


def test_an_account_name_is_the_public_clouds() -> None:
    urls = settings_from(IDENTITY | {"BATCHAI_STORAGE__accountName": "acc"}).storage_urls
    assert urls.queue == "https://acc.queue.core.windows.net"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BATCHAI_STORAGE__queueServiceUri", "https://acc.queue.core.windows.net/?sig=c2VjcmV0"),
        ("BATCHAI_STORAGE__clientId", "runner"),
        ("BATCHAI_BLOB_SOURCE", "Sometimes"),
    ],
)
def test_wrong_addresses_identities_and_sources_are_reported(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_from(IDENTITY | {"BATCHAI_STORAGE__accountName": "acc", name: value})
    assert name in str(caught.value)
    assert "c2VjcmV0" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "level"), [("", "FUNCTION"), (" Admin ", "ADMIN"), ("anonymous", "ANONYMOUS")]
)
def test_levels_of_http(value: str, level: str) -> None:
    assert http_level({"BATCHAI_HTTP_AUTH": value}) == level


def test_a_level_of_http_that_there_is_not_is_refused() -> None:
    with pytest.raises(SettingsError, match="BATCHAI_HTTP_AUTH is 'open'"):
        http_level({"BATCHAI_HTTP_AUTH": "open"})


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("BATCHAI_BLOB_SOURCE", "pigeon", "BATCHAI_BLOB_SOURCE is 'pigeon'"),
        ("BATCHAI_FORGET_NODE_SECONDS", "5", "must be at least BATCHAI_LEASE_SECONDS"),
        ("BATCHAI_SEALING_KEYS_SECRET", "x", "BATCHAI_SEALING_KEYS_SECRET is"),
    ],
)
def test_single_settings_that_are_wrong(name: str, value: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        settings_from(LEAST | {name: value})


def test_keys_may_lie_in_a_vault_alone() -> None:
    url = "https://vlt.vault.azure.net/secrets/keys"
    settings = settings_from({"BATCHAI_STORAGE": STORAGE, "BATCHAI_SEALING_KEYS_SECRET": url})
    assert (settings.sealing_keys, settings.sealing_keys_secret) == ((), url)


def test_keys_that_are_nowhere_are_asked_for() -> None:
    with pytest.raises(SettingsError, match="BATCHAI_SEALING_KEYS is missing"):
        settings_from({"BATCHAI_STORAGE": STORAGE})


def test_without_a_resource_group_nobody_starts_machines() -> None:
    settings = settings_from(LEAST | {"BATCHAI_SUBSCRIPTION_ID": "sub"})
    assert settings.arm == ArmSettings("", "sub", "https://management.azure.com")
    assert (settings.scale_in_seconds, settings.node_start_seconds) == (600, 900)


def test_where_the_pools_are() -> None:
    env = {"BATCHAI_ARM_RESOURCE_GROUP": "rg", "BATCHAI_ARM_ENDPOINT": "https://management.chinacloudapi.cn/"}
    arm = settings_from(LEAST | env | {"BATCHAI_ARM_SUBSCRIPTION_ID": "other"}).arm
    assert arm == ArmSettings("rg", "other", "https://management.chinacloudapi.cn")
    here = {"BATCHAI_ARM_ENDPOINT": "http://127.0.0.1:9", "BATCHAI_ARM_TOKEN": "t0ken"}
    stand_in = settings_from(LEAST | here)
    assert (stand_in.arm.endpoint, stand_in.arm.token) == ("http://127.0.0.1:9", "t0ken")
    assert "t0ken" not in repr(stand_in)


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({"BATCHAI_ARM_ENDPOINT": "http://example.com"}, "BATCHAI_ARM_ENDPOINT"),
        ({"BATCHAI_ARM_ENDPOINT": "management.azure.com"}, "BATCHAI_ARM_ENDPOINT"),
        ({"BATCHAI_ARM_TOKEN": "secret"}, "BATCHAI_ARM_TOKEN"),
        ({"BATCHAI_ARM_RESOURCE_GROUP": "r g"}, "BATCHAI_ARM_RESOURCE_GROUP"),
        ({"BATCHAI_ARM_SUBSCRIPTION_ID": "a/b"}, "BATCHAI_ARM_SUBSCRIPTION_ID"),
        ({"BATCHAI_SCALE_IN_SECONDS": "-1"}, "BATCHAI_SCALE_IN_SECONDS"),
        ({"BATCHAI_NODE_START_SECONDS": "0"}, "BATCHAI_NODE_START_SECONDS"),
    ],
)
def test_what_is_wrong_about_pools_is_reported_and_no_token_is_sent_elsewhere(
    env: dict[str, str], name: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_from(LEAST | env)
    assert [fault for fault in caught.value.faults if not fault.startswith(name)] == []
    assert "secret" not in str(caught.value)
