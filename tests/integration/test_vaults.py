"""Reading secrets from a Key Vault: the real SDK and the real DefaultAzureCredential over TLS."""

import base64
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import SecretError, SettingsError, StoreError
from shared.settings import Settings
from shared.stores import identity as identity_module
from shared.stores.identity import forget_identities
from shared.stores.secrets.key_vaults import Vaults
from shared.stores.secrets.sealing_keys import texts, with_vault_keys
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


KEYS = [base64.b64encode(bytes([number]) * 32).decode() for number in range(3)]


def test_sealing_keys_of_a_vault_go_before_those_of_the_settings(vault: Vault) -> None:
    vault.put("sealing", f"{KEYS[0]},{KEYS[1]}")
    settings = Settings(
        sealing_keys=(bytes([1]) * 32, bytes([2]) * 32), sealing_keys_secret=vault.url("sealing")
    )
    read = with_vault_keys(settings)
    assert read.sealing_keys == tuple(bytes([number]) * 32 for number in (0, 1, 2))
    assert texts(read) == tuple(KEYS)
    assert not any(key in repr(read) for key in KEYS)
    assert with_vault_keys(Settings()) == Settings(), "nothing is asked where no secret is named"


def test_sealing_keys_are_asked_for_by_the_identity_that_the_settings_name(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_module, "_client_id", "")
    client = "11111111-2222-3333-4444-555555555555"
    vault.put("sealing", KEYS[0])
    with_vault_keys(Settings(identity_client_id=client, sealing_keys_secret=vault.url("sealing")))
    assert [path for path in vault.requests if "/msi/token" in path and f"client_id={client}" in path]


def test_what_a_vault_holds_instead_of_keys_is_not_repeated(vault: Vault) -> None:
    vault.put("sealing", f"{KEYS[0]},swordfish")
    with pytest.raises(SettingsError) as refused:
        with_vault_keys(Settings(sealing_keys_secret=vault.url("sealing")))
    assert "key 2 is not 32 bytes in base64" in str(refused.value)
    assert "swordfish" not in str(refused.value)
    assert KEYS[0] not in str(refused.value)


def test_a_vault_that_refuses_is_a_fault_and_one_that_is_busy_is_asked_again(vault: Vault) -> None:
    settings = Settings(sealing_keys_secret=vault.url("sealing"))
    with pytest.raises(SettingsError, match=r"BATCHAI_SEALING_KEYS_SECRET: .*it has no sealing"):
        with_vault_keys(settings)
    vault.put("sealing", KEYS[0])
    vault.refusals += [503] * 10
    with pytest.raises(StoreError, match="503"):
        with_vault_keys(settings)
    vault.refusals.clear()
    assert with_vault_keys(settings).sealing_keys == (bytes(32),)


@pytest.mark.parametrize(
    "asked",
    ["https://keys.vault.azure.net/secrets/sealing", "https://KEYS.vault.azure.net/secrets/Sealing/0f"],
)
def test_no_document_gets_the_sealing_keys(asked: str) -> None:
    vaults = Vaults(own="https://keys.vault.azure.net/secrets/sealing/1a")
    with pytest.raises(SecretError, match="sealing keys"):
        vaults.read(asked)
