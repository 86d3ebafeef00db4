"""How storage is reached, and each right there by trying it with throw-away names."""

import re
from collections.abc import Callable

from runner.doctor.check import Check, failed, not_checked, ok
from runner.secrets.settings import parts_of
from shared.environment.volume_addresses import endpoint_of
from shared.errors import BatchAIError, NotFoundError, StoreError
from shared.settings import Settings
from shared.stores import permission_probe
from shared.stores.connection import Connection
from shared.stores.permission_probe import Tried

#: service -> (role that an identity needs, how it is tried)
RIGHTS: dict[str, tuple[str, Callable[[Connection], Tried]]] = {
    "table": ("Storage Table Data Contributor", permission_probe.table_rights),
    "queue": ("Storage Queue Data Contributor", permission_probe.queue_rights),
    "blob": ("Storage Blob Data Contributor", permission_probe.blob_rights),
}
_PROVISION = (
    'python -c "import os; from shared import backend, settings_reader; '
    'backend.provision(settings_reader.settings_from(os.environ))"'
)
_FILE_ROLE = "Storage File Data Privileged Contributor"


def account_of(settings: Settings) -> str:
    """The account with the state; "" where the connection string names it by its addresses only."""
    if not settings.storage:
        return settings.storage_account
    parts = {name.lower(): value for name, value in parts_of(settings.storage).items()}
    development = parts.get("usedevelopmentstorage", "").lower() == "true"
    return parts.get("accountname") or ("devstoreaccount1" if development else "")


def access(settings: Settings) -> list[Check]:
    """By what the state account is opened: a connection string, or which identity."""
    name = "storage access"
    account = account_of(settings) or "(not named)"
    if settings.storage:
        signed = "sharedaccesssignature=" in settings.storage.lower()
        return [ok(name, f"connection string with {'a SAS' if signed else 'a key'}, account {account}")]
    try:
        return [ok(name, f"account {account} as {permission_probe.identity_name()}")]
    except StoreError as error:
        mend = "az vm identity assign -g GROUP -n VM  # on a laptop: az login"
        return [failed(name, f"account {account}: {error}", mend)]


def right(service: str, settings: Settings) -> list[Check]:
    """The rights on one service of the state account: a key of RIGHTS."""
    role, probe = RIGHTS[service]
    connection = Connection(settings)
    try:
        tried = probe(connection)
    finally:
        connection.close()
    return [verdict(f"{service} rights", tried, account_of(settings), role, bool(settings.storage))]


def file_right(settings: Settings) -> list[Check]:
    """The rights on file shares of the data account, to which logs are appended."""
    name = "file share rights"
    account = settings.data_account or next((a for a, urls in settings.endpoints.items() if urls.file), "")
    endpoint = endpoint_of(account, "file", settings)
    if not account:
        return [
            not_checked(
                name, "no data account is set", "export AZURE_BATCHAI_STORAGE_ACCOUNT=... and ..._KEY=..."
            )
        ]
    key = settings.data_key if account == settings.data_account else ""
    if not key and endpoint.startswith("http:"):
        return [
            not_checked(name, f"no key of account {account} is set", "export AZURE_BATCHAI_STORAGE_KEY=...")
        ]
    tried = permission_probe.share_rights(account, key, endpoint)
    return [verdict(name, tried, account, _FILE_ROLE, bool(key), "AZURE_BATCHAI_STORAGE_KEY")]


def verdict(
    name: str, tried: Tried, account: str, role: str, by_key: bool, setting: str = "BATCHAI_STORAGE"
) -> Check:
    """What a probe says, with what mends it."""
    if tried.fault is None:
        return ok(name, ", ".join(tried.worked))
    worked = f" ({', '.join(tried.worked)} worked)" if tried.worked else ""
    return failed(name, f"{tried.fault}{worked}", _remedy(tried.fault, account, role, by_key, setting))


def reach_remedy(account: str) -> str:
    """What shows why an account does not answer."""
    return (
        f"az storage account show -n {account or 'ACCOUNT'} --query "
        '"{endpoints:primaryEndpoints, rules:networkRuleSet}"  # check name, network and firewall'
    )


def _remedy(fault: BatchAIError, account: str, role: str, by_key: bool, setting: str) -> str:
    account = account or "ACCOUNT"
    if isinstance(fault, NotFoundError):
        return f"{_PROVISION}  # makes the tables and containers"
    if "could not be reached" in str(fault):
        return reach_remedy(account)
    if not re.search(r"answered (40[13]|None)", str(fault)):
        return f"az storage account show -n {account}  # and try again: it may have been a hiccup"
    if not by_key:
        return (
            f'az role assignment create --assignee IDENTITY --role "{role}" '
            f'--scope "$(az storage account show -n {account} --query id -o tsv)"'
        )
    if setting == "BATCHAI_STORAGE":
        words = "show-connection-string", "connectionString"
    else:
        words = "keys list", "[0].value"
    return f'export {setting}="$(az storage account {words[0]} -n {account} --query {words[1]} -o tsv)"'
