"""Reading secrets from a Key Vault: the real SDK and the real DefaultAzureCredential over TLS."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import SecretError, StoreError
from shared.stores.identity import forget_identities
from shared.stores.secrets.key_vaults import Vaults
from tests.support.vault import APP_ID, OBJECT_ID, Vault
from tests.support.vault import vault as running_vault


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    with running_vault(tmp_path) as made:
        for name, value in made.environment().items():
            monkeypatch.setenv(name, value)
        forget_identities()  # each vault here has an identity service of its own
        yield made
        forget_identities()


@pytest.fixture
def vaults(vault: Vault) -> Iterator[Vaults]:
    made = Vaults([vault.host])
    yield made
    made.close()


def test_the_current_version_and_an_older_one(vault: Vault, vaults: Vaults) -> None:
    first = vault.put("key", "one")
    vault.put("key", "two \u00e9\n")
    assert vaults.read(vault.url("key")) == "two \u00e9\n"
    assert vaults.read(first) == "one"
    assert vaults.read(f"{vault.url('key')}/") == "two \u00e9\n"
    # One challenge, one token, and then one request for each.
    assert len([path for path in vault.requests if "/secrets/" in path]) == 4
    assert len([path for path in vault.requests if "/msi/token" in path]) == 1


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        (
            "ForbiddenByRbac",
            ["(ForbiddenByRbac)", APP_ID, OBJECT_ID, "Key Vault Secrets User", "may not read key"],
        ),
        ("AccessDenied", ["(AccessDenied)", "permission 'get'"]),
        ("ForbiddenByFirewall", ["its firewall does not let this machine in"]),
    ],
)
def test_forbidden_says_who_needs_what(vault: Vault, vaults: Vaults, inner: str, words: list[str]) -> None:
    vault.put("key", "swordfish")
    vault.forbidden["key"] = inner
    with pytest.raises(SecretError) as refused:
        vaults.read(vault.url("key"))
    for word in (f"vault {vault.host} answered 403 Forbidden", *words):
        assert word in str(refused.value)
    assert "swordfish" not in str(refused.value)


def test_missing_disabled_and_wrong_version_are_final(vault: Vault, vaults: Vaults) -> None:
    vault.put("off", "swordfish")
    vault.disabled.add("off")
    with pytest.raises(SecretError, match="answered 404 SecretNotFound: it has no none, or it was deleted"):
        vaults.read(vault.url("none"))
    with pytest.raises(SecretError, match=f"it has no version {'0' * 32} of secret off"):
        vaults.read(f"{vault.url('off')}/{'0' * 32}")
    with pytest.raises(SecretError, match=r"\(SecretDisabled\): secret off is disabled; enable it"):
        vaults.read(vault.url("off"))


def test_a_busy_vault_is_asked_again(vault: Vault, vaults: Vaults) -> None:
    vault.put("key", "one")
    vault.refusals += [429, 503]
    assert vaults.read(vault.url("key")) == "one"


@pytest.mark.parametrize("status", [429, 503])
def test_a_vault_that_stays_busy_is_worth_another_attempt(vault: Vault, vaults: Vaults, status: int) -> None:
    vault.put("key", "one")
    vault.refusals += [status] * 10
    with pytest.raises(StoreError, match=f"the vault answered {status}"):
        vaults.read(vault.url("key"))


def test_a_vault_that_is_away_is_worth_another_attempt() -> None:
    with socket.socket() as reserved:  # bound and not listening: connections are refused
        reserved.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{reserved.getsockname()[1]}"
        with pytest.raises(StoreError, match="could not be reached"):
            Vaults([host], identity=object).read(f"https://{host}/secrets/key")


def test_an_identity_the_vault_does_not_know_is_final(vault: Vault, vaults: Vaults) -> None:
    vault.accepts_token = False
    with pytest.raises(SecretError, match="answered 401: it does not accept the runner's identity"):
        vaults.read(vault.url("key"))


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_machine_without_identity_may_have_one_later(vault: Vault, vaults: Vaults, status: int) -> None:
    vault.identity_header, vault.token_status = "another", status
    with pytest.raises(StoreError, match="this machine's identity got no token"):
        vaults.read(vault.url("key"))


def test_hosts_that_nobody_allowed_are_not_asked(vault: Vault) -> None:
    stranger = Vaults(["vault.example"])
    with pytest.raises(SecretError, match=r"is not a vault that this installation asks.*BATCHAI_VAULTS"):
        stranger.read(vault.url("key"))
    with pytest.raises(SecretError, match="not the URL of a Key Vault secret"):
        stranger.read(f"http://{vault.host}/secrets/key")
    assert vault.requests == []


def test_a_server_that_wants_a_token_for_somebody_else_gets_none(
    vault: Vault, vaults: Vaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Vault, "resource", "https://vault.azure.net")
    with pytest.raises(SecretError, match="does not behave like a Key Vault"):
        vaults.read(vault.url("key"))
    assert not [path for path in vault.requests if "/msi/token" in path]
