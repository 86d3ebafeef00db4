"""The backend of this process, made at the first request: importing a module opens nothing."""

import functools
import os

from shared.settings import settings_from
from shared.wiring import Backend
from shared.wiring import backend as wire


@functools.lru_cache(maxsize=1)
def backend() -> Backend:
    """The one Backend of the process. Raises SettingsError with every fault of the settings."""
    return wire(settings_from(os.environ))
