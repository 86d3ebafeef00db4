"""The settings of the local stack: the same names that a deployment sets, pointing at the emulators."""

import base64
import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from local.azurite import Endpoints
from local.layout import DataDirectory
from local.processes import StartError
from shared.errors import SettingsError
from shared.settings_reader import settings_from

#: The scope of the local stack; documents and output paths carry it.
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
RESOURCE_GROUP = "batchai"
#: Another name of the stack's account, for its file shares: azure-storage-file 1.4.0, which notebooks of 2018
#: import, refuses the emulators' own name before it sends anything.
FILES_ALIAS = "batchailocal"
#: Jobs run as whoever started the stack: its data directory and its Python may lie in a home that is closed
#: to other users (ADR 0060). A laptop has no identity to lose, and its packet filter is not ours.
AS_ITSELF = {"BATCHAI_JOB_USER": "own", "BATCHAI_JOB_METADATA": "open"}
#: What whoever starts the stack may say in their environment: who reaches it, whom events are sent to, what
#: an operator decides. All else is the stack's own: a shell may hold settings of another installation.
_FROM_OUTSIDE = (
    "BATCHAI_HOST",
    "BATCHAI_ALLOWED_HOSTS",
    "BATCHAI_EVENTS_",
    "BATCHAI_KEEP_DAYS",
    "BATCHAI_KEEP_OUTPUT_DAYS",
    "BATCHAI_LIMITS",
    "BATCHAI_NODE_PRICES",
)


def sealing_key(directory: DataDirectory) -> str:
    """The stack's own key, made once; readable by this user only."""
    return _kept(directory.sealing_key, lambda: base64.b64encode(secrets.token_bytes(32)).decode())


def arm_token(directory: DataDirectory) -> str:
    """What callers of the stack's stand-in of ARM bear, made once; readable by this user only."""
    return _kept(directory.arm_token, lambda: secrets.token_urlsafe(24))


def _kept(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(make())
    return path.read_text().strip()


def files_connection(endpoints: Endpoints, files_port: int) -> str:
    """Connection string of the Azure Files emulator."""
    return (
        f"DefaultEndpointsProtocol=http;AccountName={endpoints.account};AccountKey={endpoints.key};"
        f"FileEndpoint={files_endpoint(endpoints.account, files_port)};"
    )


def files_endpoint(account: str, files_port: int) -> str:
    return f"http://127.0.0.1:{files_port}/{account}"


def shared_settings(directory: DataDirectory, endpoints: Endpoints, files_port: int) -> dict[str, str]:
    """What the function app and the runners both are given."""
    own = {"blob": endpoints.blob_endpoint, "file": files_endpoint(endpoints.account, files_port)}
    alias = {"file": files_endpoint(FILES_ALIAS, files_port)}
    return {
        "BATCHAI_STORAGE": endpoints.connection_string,
        "BATCHAI_SUBSCRIPTION_ID": SUBSCRIPTION,
        "BATCHAI_RESOURCE_GROUP": RESOURCE_GROUP,
        "BATCHAI_LOCATION": "local",
        "BATCHAI_SEALING_KEYS": sealing_key(directory),
        "BATCHAI_ENDPOINTS": json.dumps({endpoints.account: own, FILES_ALIAS: alias}),
        "AZURE_BATCHAI_STORAGE_ACCOUNT": endpoints.account,
        "AZURE_BATCHAI_STORAGE_KEY": endpoints.key,
        # A laptop wants to see a lost runner's job move within seconds, not minutes.
        "BATCHAI_LEASE_SECONDS": "30",
        "BATCHAI_RENEW_SECONDS": "5",
        "BATCHAI_RESEND_SECONDS": "20",
        "BATCHAI_RETRY_SECONDS": "2",
    }


def function_app_settings(shared: Mapping[str, str], directory: DataDirectory) -> dict[str, str]:
    """What the functions host is started with, beside the machine's own variables."""
    return dict(shared) | {
        "AzureWebJobsStorage": shared["BATCHAI_STORAGE"],
        "FUNCTIONS_WORKER_RUNTIME": "python",
        # The receipts of dropped blobs belong to the data directory, not to where the checkout lies.
        "AzureFunctionsWebHost__hostid": "batchai-local",
        "PYTHON_THREADPOOL_THREAD_COUNT": "8",
        "BATCHAI_BLOB_SOURCE": "LogsAndContainerScan",
        "BATCHAI_RUNNER_COMMAND": "make runner CLUSTER={cluster}",
        "BATCHAI_LOOK_SECONDS": "10",
        "BATCHAI_BLOB_CHANGES": str(directory.blob_changes),
        "BATCHAI_SWEEP_SCHEDULE": "*/15 * * * * *",
        # Open, because it listens on the loopback address only.
        "BATCHAI_HTTP_AUTH": "anonymous",
    }


def arm_settings(directory: DataDirectory, url: str, machines: int) -> dict[str, str]:
    """What the function app is given of the machines, where they come and go, `machines` at most. Times for
    people who watch; asking costs nothing here."""
    return {
        "BATCHAI_ARM_ENDPOINT": url,
        "BATCHAI_ARM_TOKEN": arm_token(directory),
        "BATCHAI_ARM_RESOURCE_GROUP": RESOURCE_GROUP,
        "BATCHAI_ARM_SUBSCRIPTION_ID": SUBSCRIPTION,
        "BATCHAI_SCALE_IN_SECONDS": "20",
        "BATCHAI_NODE_START_SECONDS": "60",
        "BATCHAI_POOL_LOOK_SECONDS": "4",
        "BATCHAI_DEFAULT_MOST_NODES": str(machines),
        "BATCHAI_SWEEP_SCHEDULE": "*/5 * * * * *",
    }


def runner_settings(shared: Mapping[str, str], directory: DataDirectory) -> dict[str, str]:
    """What a runner is started with. Jobs find this virtual environment's Python first on their PATH."""
    # A directory of shares: the runner finds account/share by asking for the share's own folder.
    accounts = (shared["AZURE_BATCHAI_STORAGE_ACCOUNT"], FILES_ALIAS)
    premounted = {f"{account}/*": str(directory.shares) for account in accounts}
    return (
        dict(shared)
        | AS_ITSELF
        | {
            "BATCHAI_PREMOUNTED": json.dumps(premounted),
            "BATCHAI_JOB_PATH": str(Path(sys.prefix) / "bin"),
            "BATCHAI_NODE_REPORT_SECONDS": "5",
        }
    )


def without_sealing_key(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings that may be written down: the sealing key has a file of its own."""
    return {name: value for name, value in settings.items() if name != "BATCHAI_SEALING_KEYS"}


def machine() -> dict[str, str]:
    """This process's environment without settings of other installations, see `_FROM_OUTSIDE`."""
    unwanted = ("BATCHAI_", "AZURE_BATCHAI_", "AzureWebJobs")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_FROM_OUTSIDE) or not name.startswith(unwanted)
    }
    return kept | {"PYTHONUNBUFFERED": "1"}


def of_function_app(settings: Mapping[str, str]) -> dict[str, str]:
    """What the functions host is started with: the machine's own variables and `settings`. Raises StartError
    with every fault of them, before anything waits for an app that cannot answer."""
    env = machine() | dict(settings)
    try:
        settings_from(env)
    except SettingsError as error:
        raise StartError("\n  ".join(("settings are wrong:", *error.faults))) from error
    return env
