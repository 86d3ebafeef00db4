"""The backend of this process, made at the first request: importing a module opens and loads nothing."""

import atexit
import functools
import logging
import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.backend import Backend
    from shared.managers.drop_reconciler import Reconciler

log = logging.getLogger(__name__)


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
    _start_telemetry()
    return wire(settings)


def _start_telemetry() -> None:
    """Before the first job is accepted; what is left is sent when the process ends."""
    from shared.stores.application_insights import InsightsExporters
    from shared.telemetry import switch

    instance = os.environ.get("WEBSITE_INSTANCE_ID", "") or socket.gethostname()
    end = switch.start(
        os.environ, "batchai-function-app", instance, warn=log.warning, azure=InsightsExporters
    )
    atexit.register(end)


@functools.lru_cache(maxsize=1)
def reconciler() -> "Reconciler":
    """The one Reconciler of the process."""
    from api.blob_drops import reconciler as made

    return made(backend())
