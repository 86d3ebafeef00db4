"""A volume as an rclone remote, given by the environment: no file, nothing on the command line."""

import os
from collections.abc import Mapping

from runner.mounts.types import BLOB_CONTAINER, Volume
from runner.secrets.settings import without_settings

_REMOTE = "volume"
_PREFIX = f"RCLONE_CONFIG_{_REMOTE.upper()}_"


def remote(volume: Volume) -> str:
    """What rclone calls the volume."""
    return f"{_REMOTE}:{volume.container}" if volume.kind == BLOB_CONTAINER else f"{_REMOTE}:"


def environment(volume: Volume) -> dict[str, str]:
    """The environment for rclone: ours without settings of rclone, Azure or the runner, plus the remote."""
    own = {k: v for k, v in without_settings(os.environ).items() if not k.upper().startswith("RCLONE_")}
    # "/notfound" is rclone's documented name for "no configuration file".
    return own | {"RCLONE_CONFIG": "/notfound"} | {_PREFIX + k: v for k, v in _settings(volume).items()}


def _settings(volume: Volume) -> Mapping[str, str]:
    blob = volume.kind == BLOB_CONTAINER
    settings = {"TYPE": "azureblob" if blob else "azurefiles"}
    if blob:
        # A container that is not there must be an error, not be made by the first upload.
        settings["NO_CHECK_CONTAINER"] = "true"
        settings["UPLOAD_CONCURRENCY"] = "8"
    else:
        settings["SHARE_NAME"] = volume.share
    settings |= {"ACCOUNT": volume.account, "ENDPOINT": volume.service_url}
    if volume.key:
        return settings | {"KEY": volume.key}
    settings["USE_MSI"] = "true"
    if volume.identity_client_id:
        settings["MSI_CLIENT_ID"] = volume.identity_client_id
    return settings
