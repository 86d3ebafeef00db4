"""blobfuse2's configuration for a volume: a file without secrets, and an environment with them. Pure.

Which cache: what the document says; else block_cache where the volume is
read-only (large files, streamed through memory, nothing on disk); else file_cache (any kind of write, whole
files on the local disk, the way the original's blobfuse worked).
"""

import json
from collections.abc import Mapping
from pathlib import Path

from runner.mounts.drivers.blobfuse_options import BlobfuseOptions
from runner.mounts.types import MountContext, Volume

_BLOCK_MIB = 16


def cache_kind(options: BlobfuseOptions) -> str:
    """ "block" or "file"."""
    return options.cache or ("block" if options.read_only else "file")


def config_text(
    volume: Volume, options: BlobfuseOptions, context: MountContext, home: Path, allow_others: bool
) -> str:
    """The configuration as JSON, which is YAML."""
    kind = cache_kind(options)
    config: dict[str, object] = {
        "foreground": True,
        "read-only": options.read_only,
        "allow-other": allow_others,
        "default-working-dir": str(home),
        "logging": {"type": "base", "level": "log_warning", "file-path": str(home / "blobfuse2.log")},
        "components": ["libfuse", f"{kind}_cache", "attr_cache", "azstorage"],
        "libfuse": _libfuse(options, context),
        f"{kind}_cache": _block_cache(options) if kind == "block" else _file_cache(options, home),
        "attr_cache": {"timeout-sec": options.attribute_seconds},
        "azstorage": _storage(volume, options),
    }
    return json.dumps(config, indent=1)


def _libfuse(options: BlobfuseOptions, context: MountContext) -> dict[str, object]:
    settings: dict[str, object] = {
        "attribute-expiration-sec": options.attribute_seconds,
        "entry-expiration-sec": options.entry_seconds,
        "negative-entry-expiration-sec": options.negative_seconds,
        "direct-io": options.direct_io,
    }
    if options.umask:
        settings["umask"] = int(options.umask)  # decimal digits that mean octal, as its own command line does
    if context.user_id is not None:
        settings["uid"] = context.user_id
    if context.group_id is not None:
        settings["gid"] = context.group_id
    return settings


def _block_cache(options: BlobfuseOptions) -> dict[str, object]:
    settings: dict[str, object] = {"block-size-mb": _BLOCK_MIB}
    if options.cache_mib:
        settings["mem-size-mb"] = options.cache_mib
    if options.concurrency:
        settings["parallelism"] = options.concurrency
    return settings


def _file_cache(options: BlobfuseOptions, home: Path) -> dict[str, object]:
    settings: dict[str, object] = {
        "path": str(home / "cache"),
        "timeout-sec": options.file_cache_seconds,
        "cleanup-on-start": True,
    }
    if options.cache_mib:
        settings["max-size-mb"] = options.cache_mib
    return settings


def _storage(volume: Volume, options: BlobfuseOptions) -> dict[str, object]:
    endpoint = volume.service_url
    if options.adls:
        endpoint = endpoint.replace(".blob.", ".dfs.", 1)
    settings: dict[str, object] = {
        "type": "adls" if options.adls else "block",
        "account-name": volume.account,
        "container": volume.container,
        "endpoint": endpoint,
        "use-http": endpoint.startswith("http://"),
        "mode": "key" if volume.key else "msi",
    }
    if options.concurrency:
        settings["max-concurrency"] = options.concurrency
    if settings["mode"] == "msi" and volume.identity_client_id:
        settings["appid"] = volume.identity_client_id
    return settings


def secret_environment(volume: Volume) -> Mapping[str, str]:
    """The one variable that holds the secret; none for a managed identity."""
    if volume.key:
        return {"AZURE_STORAGE_ACCESS_KEY": volume.key}
    return {}
