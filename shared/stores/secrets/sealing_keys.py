"""Sealing keys that lie in a Key Vault (BATCHAI_SEALING_KEYS_SECRET), read once, when a process starts."""

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from shared.errors import SecretError, SettingsError
from shared.names.vault_urls import vault_secret
from shared.settings import Settings
from shared.settings_reader import keys_in
from shared.stores.identity import identity, use_client_id
from shared.stores.secrets.key_vaults import Vaults


def with_vault_keys(settings: Settings, who: Callable[[], Any] = identity) -> Settings:
    """`settings` with the keys that the vault holds before those of BATCHAI_SEALING_KEYS: the vault's first
    one seals, every one opens. Nothing is asked where no secret is named.

    Raises SettingsError where the vault refuses or holds no keys, StoreError where it cannot be asked now.
    Neither repeats what the secret holds.
    """
    url = settings.sealing_keys_secret
    if not url:
        return settings
    use_client_id(settings.identity_client_id)
    # The operator names this vault: it needs no further leave, whatever its domain.
    vaults = Vaults((vault_secret(url).host,), who)
    try:
        text = vaults.read(url)
    except SecretError as error:
        raise SettingsError((f"BATCHAI_SEALING_KEYS_SECRET: {error}",)) from error
    finally:
        vaults.close()
    keys, faults = keys_in(text)
    if faults:
        raise SettingsError(tuple(f"BATCHAI_SEALING_KEYS_SECRET: {url}: {fault}" for fault in faults))
    own = tuple(key for key in settings.sealing_keys if key not in keys)
    return replace(settings, sealing_keys=keys + own)


def texts(settings: Settings) -> tuple[str, ...]:
    """The keys as they are written down: what no log may hold."""
    return tuple(base64.b64encode(key).decode() for key in settings.sealing_keys)
