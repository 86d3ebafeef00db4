"""`batchai cluster create`: a cluster document from a file, options, or both; options win."""

from typing import Any

import click

from cli import columns
from cli.cluster import clusters
from cli.document import read_properties
from cli.faults import USAGE, Fault, Refused
from cli.login_options import account_options, account_settings
from cli.options import command, in_workspace, name_option
from cli.session import Session
from cli.storage import Mounts, completed, mount_options
from cli.words import one_of

#: The original's two aliases.
_IMAGES = {
    "ubuntults": ("Canonical", "UbuntuServer", "16.04-LTS"),
    "ubuntudsvm": ("microsoft-ads", "linux-data-science-vm-ubuntu", "linuxdsvmubuntu"),
}
_count = click.IntRange(min=0)


@command(
    clusters,
    "create",
    "cluster create -w research -n gpus -s Standard_NC6 -t 1 --use-auto-storage --generate-ssh-keys",
    name_option("cluster"),
    in_workspace,
    click.option("file", "-f", "--config-file", help="A cluster.json; - is standard input."),
    click.option("-s", "--vm-size", help="For instance Standard_NC6."),
    click.option("-t", "--target", type=_count, help="How many nodes are wanted."),
    click.option("--min", "least", type=_count, help="Nodes when nothing waits."),
    click.option("--max", "most", type=_count, help="Nodes at most; with --min: as many as jobs need."),
    click.option(
        "--vm-priority",
        type=one_of("dedicated", "lowpriority"),
        help="Priority of the VMs.",
    ),
    click.option("-i", "--image", help="UbuntuLTS, UbuntuDSVM or publisher:offer:sku:version."),
    click.option("--custom-image", help="ARM id of an image made from that of --image."),
    account_options,
    click.option(
        "--use-auto-storage",
        is_flag=True,
        help="Mount the share batchaishare at autoafs and the container batchaicontainer at autobfs, of the "
        "installation's own account.",
    ),
    mount_options,
    click.option("--setup-task", help="Command to run on each node when it starts."),
    click.option("--setup-task-output", help="Where its output is written; needed with --setup-task."),
    click.option("--subnet", help="ARM id of the subnet of the nodes."),
)
def create(session: Session, name: str, file: str | None, use_auto_storage: bool, **given: Any) -> None:
    """Make a cluster, from a cluster.json, from options, or from both (options win).

    Machines are not made here: runners join a cluster by its name.
    """
    path = session.cluster(name)
    mounts = Mounts(**{key: given.pop(key) for key in Mounts.__dataclass_fields__})
    properties = _properties(read_properties(file) if file else {}, given)
    setup = dict(properties.get("nodeSetup") or {})
    volumes = completed(session, setup.get("mountVolumes"), mounts, use_auto_storage)
    if volumes:
        properties["nodeSetup"] = setup | {"mountVolumes": volumes}
    _refuse_existing(session, path, name)
    session.show(session.api.put(path, {"properties": properties}), columns.cluster)


def _refuse_existing(session: Session, path: str, name: str) -> None:
    """As the original did; the service itself would give an existing cluster the new document."""
    try:
        session.api.get(path)
    except Refused as fault:
        if fault.status == 404 and fault.code == "ClusterNotFound":
            return
        raise
    raise Fault(
        f"the cluster {name} is there already",
        f"To change its size: batchai cluster resize -n {name} -t N. To replace it, delete it first.",
    )


def _properties(properties: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The document's properties with the options over them. Raises Fault."""
    account = account_settings(
        properties.get("userAccountSettings"),
        given["user_name"],
        given["ssh_key"],
        given["password"],
        given["generate_ssh_keys"],
    )
    plain = {"vmSize": given["vm_size"], "vmPriority": given["vm_priority"]}
    properties |= {key: value for key, value in plain.items() if value} | {"userAccountSettings": account}
    if not properties.get("vmSize"):
        raise Fault("no VM size was given", "Give -s, for instance -s Standard_NC6.", USAGE)
    if given["image"] or given["custom_image"]:
        image = image_reference(given["image"], given["custom_image"])
        properties["virtualMachineConfiguration"] = {"imageReference": image}
    if scale := scale_settings(given["target"], given["least"], given["most"]):
        properties["scaleSettings"] = scale
    if not properties.get("scaleSettings"):
        raise Fault("no number of nodes was given", "Give -t, or --min and --max.", USAGE)
    if given["setup_task"]:
        properties["nodeSetup"] = {
            **(properties.get("nodeSetup") or {}),
            "setupTask": _setup_task(given["setup_task"], given["setup_task_output"]),
        }
    if given["subnet"]:
        properties["subnet"] = {"id": given["subnet"]}
    return properties


def _setup_task(command_line: str, output: str | None) -> dict[str, Any]:
    if not output:
        raise Fault(
            "--setup-task needs --setup-task-output",
            "For instance: --setup-task-output '$AZ_BATCHAI_MOUNT_ROOT/autoafs'",
            USAGE,
        )
    return {"commandLine": command_line, "stdOutErrPathPrefix": output}


def scale_settings(target: int | None, least: int | None, most: int | None) -> dict[str, Any] | None:
    """scaleSettings as the original client made them from its three options. Raises Fault."""
    if target is None and least is None and most is None:
        return None
    if (least is None) != (most is None):
        raise Fault("--min and --max go together", "Give both, or -t alone.", USAGE)
    if least is None or most is None:
        return {"manual": {"targetNodeCount": target}}
    if least > most:
        raise Fault(f"--min {least} is more than --max {most}", exit_code=USAGE)
    if least == most and target in (None, least):
        return {"manual": {"targetNodeCount": least}}
    counts = {"minimumNodeCount": least, "maximumNodeCount": most, "initialNodeCount": target or 0}
    return {"autoScale": counts}


def image_reference(image: str | None, custom_image: str | None) -> dict[str, Any]:
    """imageReference of --image and --custom-image. Raises Fault."""
    if not image:
        raise Fault("--custom-image needs --image, which names what it was made from", exit_code=USAGE)
    parts = image.split(":") if ":" in image else [*_IMAGES.get(image.lower(), ()), ""]
    if len(parts) != 4 or not all(parts[:3]):
        raise Fault(
            f"--image {image} is neither UbuntuLTS nor UbuntuDSVM nor publisher:offer:sku:version",
            exit_code=USAGE,
        )
    fields = dict(zip(("publisher", "offer", "sku", "version"), parts, strict=True))
    fields["virtualMachineImageId"] = custom_image or ""
    return {key: value for key, value in fields.items() if value}
