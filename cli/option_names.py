"""Which option of a command gives a member of a document, for refusals that speak of the member."""

import re
from collections.abc import Collection

#: member or query parameter of the REST API -> options that give it, of whatever command.
_OPTIONS = {
    "adminUserName": ("--user-name",),
    "adminUserPassword": ("--password",),
    "adminUserSshPublicKey": ("--ssh-key",),
    "cachingType": ("--caching-type",),
    "commandLine": ("--setup-task",),
    "createdafter": ("--created-after",),
    "createdbefore": ("--created-before",),
    "dataDisks": ("--disk-count", "--disk-size", "--storage-sku"),
    "diskCount": ("--disk-count",),
    "diskSizeInGB": ("--disk-size",),
    "fileServerInternalIP": ("--internal-ip",),
    "imageReference": ("--image",),
    "initialNodeCount": ("--target",),
    "linkexpiryinminutes": ("--expiry",),
    "maximumNodeCount": ("--max",),
    "minimumNodeCount": ("--min",),
    "mountPoint": ("--mount-point",),
    "outputdirectoryid": ("--output-directory-id",),
    "scaleSettings": ("--target", "--min", "--max"),
    "stdOutErrPathPrefix": ("--setup-task-output",),
    "storageAccountType": ("--storage-sku",),
    "targetNodeCount": ("--target",),
    "virtualMachineImageId": ("--custom-image",),
    "vmPriority": ("--vm-priority",),
    "vmSize": ("--vm-size",),
}
#: Words as they stand in messages; of $.properties.dataDisks.diskCount the last one is meant.
_MEMBER = re.compile(r"(?<![\w.])(?:[$\w\[\]]+\.)*(\w+)(?![\w.\[]*\w)")


def options_for(message: str, known: Collection[str]) -> str:
    """The options behind the members that a refusal names, as advice; "" where it names none.

    `known`: the options of the command.
    """
    seen = []
    for member in dict.fromkeys(_MEMBER.findall(message)):
        options = [option for option in _OPTIONS.get(member, ()) if option in known]
        if options:
            seen.append(f"{member} is given with {', '.join(options)}")
    return "; ".join(seen)
