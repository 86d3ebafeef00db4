"""`batchai file-server`: NFS servers that volumes can name."""

from typing import Any

import click

from cli import columns
from cli.document import read_properties
from cli.faults import USAGE, Fault, Refused
from cli.login_options import account_options, account_settings
from cli.options import command, confirm, group, in_workspace, name_option, name_or_ids, no_wait, yes_option
from cli.session import Session
from cli.words import one_of

file_servers = group(None, "file-server", "File servers: NFS servers that volumes can name.")
_name = name_option("file server")
_one = name_or_ids("file server")
_count = click.IntRange(min=1)
_DISKS = {
    "disk_count": "diskCount",
    "disk_size": "diskSizeInGB",
    "caching_type": "cachingType",
    "storage_sku": "storageAccountType",
}


@command(
    file_servers,
    "create",
    "file-server create -w research -n data --internal-ip 10.0.0.4 --mount-point /export -p secret",
    _name,
    in_workspace,
    click.option("file", "-f", "--config-file", help="A document; - is standard input."),
    click.option("-s", "--vm-size", help="VM size; kept, nothing is made of it."),
    click.option("--disk-count", type=_count, help="How many disks."),
    click.option("--disk-size", type=_count, help="Size of a disk in Gb."),
    click.option(
        "--storage-sku",
        type=one_of("Premium_LRS", "Standard_LRS"),
        help="Kind of disks.",
    ),
    click.option(
        "--caching-type",
        type=one_of("none", "readonly", "readwrite"),
        help="Of the disks.",
    ),
    account_options,
    click.option("--subnet", help="ARM id of its subnet."),
    click.option("--internal-ip", help="Address of an NFS server that you run (ours)."),
    click.option("--mount-point", help="Directory that it exports (ours)."),
    no_wait,
)
def create(session: Session, name: str, file: str | None, no_wait: bool, **given: Any) -> None:
    """Make an NFS server known under a name.

    No machine is made: --internal-ip names a server that you run. Without it the operation fails, in words.
    """
    path = session.file_server(name)
    try:
        session.api.get(path)
    except Refused as fault:
        if fault.code != "FileServerNotFound":
            raise
    else:
        raise Fault(f"the file server {name} is there already", f"batchai file-server delete -n {name}")
    body = {"properties": _properties(read_properties(file) if file else {}, given)}
    if no_wait:
        session.api.begin_put(path, body)
    else:
        session.show(session.api.put(path, body), columns.file_server)


def _properties(properties: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    address, directory = given["internal_ip"], given["mount_point"]
    if address:
        mount = {"fileServerInternalIP": address} | ({"mountPoint": directory} if directory else {})
        # What the REST API requires of a machine, where there is none to make.
        properties = {"vmSize": "none", "mountSettings": mount} | properties
        disks = {"diskCount": 1, "diskSizeInGB": 1, "storageAccountType": "Standard_LRS"}
        properties["dataDisks"] = disks | (properties.get("dataDisks") or {})
    elif directory:
        raise Fault("--mount-point belongs with --internal-ip", exit_code=USAGE)
    if given["vm_size"]:
        properties["vmSize"] = given["vm_size"]
    disks = {member: given[option] for option, member in _DISKS.items() if given[option]}
    if disks:
        properties["dataDisks"] = {**(properties.get("dataDisks") or {}), **disks}
    ssh = dict(properties.get("sshConfiguration") or {})
    ssh["userAccountSettings"] = account_settings(
        ssh.get("userAccountSettings"),
        given["user_name"],
        given["ssh_key"],
        given["password"],
        given["generate_ssh_keys"],
    )
    properties["sshConfiguration"] = ssh
    if given["subnet"]:
        properties["subnet"] = {"id": given["subnet"]}
    return properties


@command(file_servers, "show", "file-server show -w research -n data", _one, in_workspace)
def show(session: Session, name: str) -> None:
    """Show a file server. Exit code 3 where there is none."""
    session.show(session.api.get(session.file_server(name)), columns.file_server)


@command(file_servers, "list", "file-server list -w research -o table", in_workspace)
def list_all(session: Session) -> None:
    """List the file servers of a workspace."""
    session.show_all(session.api.pages("GET", f"{session.workspace()}/fileServers"), columns.file_server)


@command(
    file_servers,
    "delete",
    "file-server delete -w research -n data -y",
    _one,
    in_workspace,
    no_wait,
    yes_option,
)
def delete(session: Session, name: str, no_wait: bool, yes: bool) -> None:
    """Forget a file server. The machine behind it is not touched."""
    path = session.file_server(name)
    confirm(yes, f"Delete the file server {name}?")
    session.api.delete(path, wait=not no_wait)
