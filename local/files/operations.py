"""Which operation a request is, who does it, and what a SAS must grant for it.

Operations are distinguished by the level of the URL (service, share, path), the method and the query
parameters restype and comp. Source of what a SAS must grant: "Create an account SAS", operations of the file
service.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local.files import copying, directories, files, leasing, listing, ranges, renaming, service, shares
from local.files.errors import FilesError
from local.files.sas import Need
from local.files.state import Answer, Call
from local.files.targets import Target

_READ, _WRITE, _DELETE = (Need("o", letters, "sf") for letters in ("r", "w", "d"))
_CREATE, _MAKE_DIRECTORY, _LIST = Need("o", "cw", "sf"), Need("o", "cw", "s"), Need("c", "l", "s")
_READ_SHARE, _WRITE_SHARE, _DELETE_SHARE, _CREATE_SHARE = (Need("c", p) for p in ("r", "w", "d", "cw"))
_READ_DIRECTORY, _WRITE_DIRECTORY, _DELETE_DIRECTORY = (Need("o", p, "s") for p in ("r", "w", "d"))
_HANDLES = Need("o", "rlw", "sf")


@dataclass(frozen=True)
class Operation:
    handler: Callable[[Call], Answer]
    need: Need


def put_file(call: Call) -> Answer:
    return copying.copy(call) if "x-ms-copy-source" in call.headers else files.create(call)


_SERVICE = {
    "GET  list": Operation(service.list_shares, Need("s", "l")),
    "GET service properties": Operation(service.get_properties, Need("s", "r")),
    "PUT service properties": Operation(service.set_properties, Need("s", "w")),
    "POST service userdelegationkey": Operation(service.user_delegation_key, Need("s", "")),
}
_SHARE = {
    "PUT share ": Operation(shares.create, _CREATE_SHARE),
    "GET share ": Operation(shares.get_properties, _READ_SHARE),
    "DELETE share ": Operation(shares.delete, _DELETE_SHARE),
    "PUT share properties": Operation(shares.set_properties, _WRITE_SHARE),
    "PUT share metadata": Operation(shares.set_metadata, _WRITE_SHARE),
    "GET share metadata": Operation(shares.get_properties, _READ_SHARE),
    "PUT share acl": Operation(shares.set_acl, _WRITE_SHARE),
    "GET share acl": Operation(shares.get_acl, _READ_SHARE),
    "GET share stats": Operation(shares.statistics, _READ_SHARE),
    "PUT share lease": Operation(leasing.lease_share, _WRITE_SHARE),
    "PUT share filepermission": Operation(shares.create_permission, Need("c", "cw", "s")),
    "GET share filepermission": Operation(shares.get_permission, Need("c", "r", "s")),
}
_DIRECTORY = {
    "GET directory ": Operation(directories.get_properties, _READ_DIRECTORY),
    "GET directory list": Operation(listing.list_directory, _LIST),
    "GET directory metadata": Operation(directories.get_properties, _READ_DIRECTORY),
    "PUT directory metadata": Operation(directories.set_metadata, _WRITE_DIRECTORY),
    "PUT directory properties": Operation(directories.set_properties, _WRITE_DIRECTORY),
    "GET  listhandles": Operation(directories.list_handles, _HANDLES),
    "PUT  forceclosehandles": Operation(directories.close_handles, _HANDLES),
}
_PATH = {
    **_DIRECTORY,
    "PUT directory ": Operation(directories.create, _MAKE_DIRECTORY),
    "DELETE directory ": Operation(directories.delete, _DELETE_DIRECTORY),
    "PUT directory rename": Operation(renaming.rename_directory, _WRITE_DIRECTORY),
    "PUT  ": Operation(put_file, _CREATE),
    "GET  ": Operation(files.get, _READ),
    "DELETE  ": Operation(files.delete, _DELETE),
    "PUT  properties": Operation(files.set_properties, _WRITE),
    "PUT  metadata": Operation(files.set_metadata, _WRITE),
    "GET  metadata": Operation(files.get_metadata, _READ),
    "PUT  range": Operation(ranges.put, _WRITE),
    "GET  rangelist": Operation(ranges.list_ranges, _READ),
    "PUT  lease": Operation(leasing.lease_file, _WRITE),
    "PUT  copy": Operation(copying.abort, _WRITE),
    "PUT  rename": Operation(renaming.rename_file, _WRITE),
}
#: Known to the service, absent here: (restype, comp).
_ABSENT = {
    ("share", "snapshot"): "share snapshots",
    ("share", "undelete"): "soft delete",
    ("hardlink", ""): "hard links (NFS shares)",
    ("symboliclink", ""): "symbolic links (NFS shares)",
}


def find(method: str, target: Target, query: Mapping[str, str]) -> Operation:
    """The operation of a request; HEAD counts as GET. Raises FilesError where there is none."""
    restype, comp = query.get("restype", "").lower(), query.get("comp", "").lower()
    table = _PATH if target.path else {**_SHARE, **_DIRECTORY} if target.share else _SERVICE
    found = table.get(f"{'GET' if method == 'HEAD' else method} {restype} {comp}")
    if found:
        return found
    if (restype, comp) in _ABSENT:
        raise FilesError("NotImplemented", f"this emulator has no {_ABSENT[restype, comp]}")
    raise FilesError(
        "UnsupportedHttpVerb",
        f"there is no operation {method} with restype={restype!r} and comp={comp!r} on "
        f"{'a file or directory' if target.path else 'a share' if target.share else 'the service'}",
    )
