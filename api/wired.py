"""The backend of this process, made at the first request: importing a module opens and loads nothing."""

import functools
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.backend import Backend
    from shared.managers.drop_reconciler import Reconciler


@functools.lru_cache(maxsize=1)
def backend() -> "Backend":
    """The one Backend of the process; what it works on is made where it is missing.

    Raises SettingsError with every fault of the settings, StoreError; then the next call tries again.
    """
    # Imported late: the storage SDKs and pydantic take most of a second to load.
    from shared.backend import backend as wire
    from shared.backend import provision
    from shared.settings_reader import settings_from
    from shared.stores.secrets.sealing_keys import with_vault_keys

    settings = with_vault_keys(settings_from(os.environ))
    # An installation makes itself, when its first instance is first asked for anything.
    provision(settings)
    return wire(settings)


@functools.lru_cache(maxsize=1)
def reconciler() -> "Reconciler":
    """The one Reconciler of the process."""
    from api.blob_drops import reconciler as made

    return made(backend())
