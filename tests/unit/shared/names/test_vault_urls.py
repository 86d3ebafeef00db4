"""URLs of secrets: read, written again, and distinguished from those of strangers."""

import pytest

from shared.names.vault_urls import vault_secret


@pytest.mark.parametrize("url", ["https://v1.vault.azure.net/secrets/n", "https://V1:8443/secrets/n/abc"])
def test_a_url_is_written_as_it_was_read_in_lower_case(url: str) -> None:
    found = vault_secret(url)
    assert str(found) == url.replace("V1", "v1")
    assert found.vault_url == url.lower().partition("/secrets")[0]


@pytest.mark.parametrize(
    ("host", "azures"),
    [
        ("vlt.vault.azure.net", True),
        ("vlt.vault.azure.cn", True),
        ("vlt.vault.usgovcloudapi.net", True),
        ("vlt.vault.azure.net:8443", False),
        ("vlt.vault.azure.net.evil.example", False),
        ("v.vault.azure.net", False),
        ("10.0.0.4", False),
    ],
)
def test_only_vaults_of_azure_s_clouds_are_azure_s(host: str, azures: bool) -> None:
    assert vault_secret(f"https://{host}/secrets/n").is_azures is azures
