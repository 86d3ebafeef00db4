"""What is kept of a file server's document: everything but its secrets. PURE."""

from typing import Any

from shared.errors import RequestError
from shared.names.table_limits import size_fault, written

_REQUIRED = ("vmSize", "sshConfiguration", "dataDisks")
_SHOWN = ("vmSize", "sshConfiguration", "dataDisks", "subnet", "mountSettings")
_DISKS = {"diskSizeInGB": int, "diskCount": int, "storageAccountType": str}
_SETTINGS = ("mountPoint", "fileServerPublicIP", "fileServerInternalIP")


def file_server_detail(properties: dict[str, Any]) -> dict[str, Any]:
    """The members that GET shows, defaults filled in. Raises RequestError.

    mountSettings, which the original only reported, may be given: it names a server that somebody runs.
    """
    for name in _REQUIRED:
        if name not in properties:
            raise _wrong(f"properties.{name} is missing")
    detail = {name: properties[name] for name in _SHOWN if properties.get(name) is not None}
    if not isinstance(detail.get("vmSize"), str):
        raise _wrong("properties.vmSize must be text")
    detail["dataDisks"] = _disks(detail.get("dataDisks"))
    detail["sshConfiguration"] = _ssh(detail.get("sshConfiguration"))
    if "subnet" in detail:
        detail["subnet"] = {"id": _text(detail["subnet"], "id", "properties.subnet")}
    if "mountSettings" in detail:
        detail["mountSettings"] = _mount_settings(detail["mountSettings"])
    if fault := size_fault(written(detail)):
        raise _wrong(f"it is too large to be kept. {fault}")
    return detail


def _disks(disks: Any) -> dict[str, Any]:
    if not isinstance(disks, dict):
        raise _wrong("properties.dataDisks must be an object")
    for name, kind in _DISKS.items():
        if not isinstance(disks.get(name), kind) or isinstance(disks.get(name), bool):
            raise _wrong(f"properties.dataDisks.{name} is missing or of the wrong type")
    caching = disks.get("cachingType", "none")
    if caching not in ("none", "readonly", "readwrite"):
        raise _wrong("properties.dataDisks.cachingType must be none, readonly or readwrite")
    return {"diskSizeInGB": disks["diskSizeInGB"], "cachingType": caching} | {
        name: disks[name] for name in ("diskCount", "storageAccountType")
    }


def _ssh(configuration: Any) -> dict[str, Any]:
    account = configuration.get("userAccountSettings") if isinstance(configuration, dict) else None
    where = "properties.sshConfiguration.userAccountSettings"
    shown = {"adminUserName": _text(account, "adminUserName", where)}
    if isinstance(account, dict) and isinstance(account.get("adminUserSshPublicKey"), str):
        shown["adminUserSshPublicKey"] = account["adminUserSshPublicKey"]
    addresses = configuration.get("publicIPsToAllow")
    if isinstance(addresses, list) and all(isinstance(a, str) for a in addresses):
        return {"publicIPsToAllow": addresses, "userAccountSettings": shown}
    return {"userAccountSettings": shown}


def _mount_settings(given: Any) -> dict[str, str]:
    internal = _text(given, "fileServerInternalIP", "properties.mountSettings")
    kept = {name: given[name] for name in _SETTINGS if isinstance(given.get(name), str)}
    return {"mountPoint": "/mnt/data"} | kept | {"fileServerInternalIP": internal}


def _text(parent: Any, name: str, where: str) -> str:
    value = parent.get(name) if isinstance(parent, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise _wrong(f"{where}.{name} is missing")
    return value


def _wrong(text: str) -> RequestError:
    return RequestError(f"The file server cannot be made: {text}.", "InvalidRequestContent")
