"""The routes of the Batch AI REST API 2018-05-01 and of what its clients ask for beside it; which route a
path was meant for."""

import re

PROVIDER = "providers/Microsoft.BatchAI"
STORAGE = "providers/Microsoft.Storage/storageAccounts"
RESOURCE_GROUPS = "subscriptions/{subscription}/resourceGroups"
RESOURCE_GROUP = f"{RESOURCE_GROUPS}/{{resource_group}}"
STORAGE_ACCOUNTS = "subscriptions/{subscription}/" + STORAGE
STORAGE_ACCOUNTS_OF_GROUP = f"{RESOURCE_GROUP}/{STORAGE}"
STORAGE_ACCOUNT = f"{STORAGE_ACCOUNTS_OF_GROUP}/{{account}}"
STORAGE_NAMES = "subscriptions/{subscription}/providers/Microsoft.Storage/checkNameAvailability"
SUBSCRIPTION = "subscriptions/{subscription}/" + PROVIDER
GROUP = f"{RESOURCE_GROUP}/{PROVIDER}"
WORKSPACES = f"{GROUP}/workspaces"
WORKSPACE = f"{WORKSPACES}/{{workspace}}"
EXPERIMENTS = f"{WORKSPACE}/experiments"
EXPERIMENT = f"{EXPERIMENTS}/{{experiment}}"
JOBS = f"{EXPERIMENT}/jobs"
JOB = f"{JOBS}/{{job}}"
RUN = f"{JOB}/runs/{{run}}"
SWEEPS = f"{EXPERIMENT}/sweeps"
SWEEP = f"{SWEEPS}/{{sweep}}"
CLUSTERS = f"{WORKSPACE}/clusters"
CLUSTER = f"{CLUSTERS}/{{cluster}}"
NODES = f"{CLUSTER}/nodes"
NODE = f"{NODES}/{{node}}"
FILE_SERVERS = f"{WORKSPACE}/fileServers"
FILE_SERVER = f"{FILE_SERVERS}/{{file_server}}"
LOCATION = f"{SUBSCRIPTION}/locations/{{location}}"

#: Every route with the methods it has, to distinguish a wrong method from a wrong path. Those of the
#: emulators' storage account are left out: elsewhere they are wrong paths.
METHODS = {
    RESOURCE_GROUPS: "GET",
    RESOURCE_GROUP: "GET, PUT, HEAD",
    f"{PROVIDER}/operations": "GET",
    f"{PROVIDER}/session": "GET",
    f"{SUBSCRIPTION}/workspaces": "GET",
    WORKSPACES: "GET",
    WORKSPACE: "GET, PUT, PATCH, DELETE",
    f"{WORKSPACE}/usage": "GET",
    f"{WORKSPACE}/limits": "GET",
    f"{WORKSPACE}/jobs": "GET",
    f"{WORKSPACE}/sweeps": "GET",
    f"{WORKSPACE}/events": "GET",
    f"{WORKSPACE}/validate": "POST",
    EXPERIMENTS: "GET",
    EXPERIMENT: "GET, PUT, DELETE",
    JOBS: "GET",
    JOB: "GET, PUT, DELETE",
    f"{JOB}/terminate": "POST",
    f"{JOB}/listOutputFiles": "POST",
    f"{JOB}/listRemoteLoginInformation": "POST",
    f"{JOB}/runs": "GET",
    RUN: "GET",
    f"{RUN}/listOutputFiles": "POST",
    SWEEPS: "GET",
    SWEEP: "GET, PUT, DELETE",
    f"{SWEEP}/runs": "GET",
    f"{SWEEP}/terminate": "POST",
    f"{SWEEP}/rerun": "POST",
    f"{JOB}/document": "GET",
    f"{RUN}/document": "GET",
    f"{JOB}/logs": "GET",
    f"{JOB}/logs/{{*name}}": "GET",
    f"{RUN}/logs": "GET",
    f"{RUN}/logs/{{*name}}": "GET",
    f"{JOB}/metrics": "GET",
    f"{RUN}/metrics": "GET",
    CLUSTERS: "GET",
    CLUSTER: "GET, PUT, PATCH, DELETE",
    f"{CLUSTER}/listRemoteLoginInformation": "POST",
    f"{CLUSTER}/demand": "GET",
    NODES: "GET",
    f"{NODE}/drain": "POST",
    f"{NODE}/undrain": "POST",
    FILE_SERVERS: "GET",
    FILE_SERVER: "GET, PUT, DELETE",
    f"{LOCATION}/usages": "GET",
    f"{LOCATION}/operationresults/{{operation}}": "GET",
    f"{LOCATION}/operationstatuses/{{operation}}": "GET",
}


def methods_of(path: str) -> str | None:
    """The methods of the route that `path` (without a slash at its beginning) fits, or None."""
    return next((methods for expression, methods in _EXPRESSIONS if expression.fullmatch(path)), None)


def _expression(route: str) -> re.Pattern[str]:
    parts = (_part(part) for part in route.split("/"))
    return re.compile("/".join(parts) + "/?", re.IGNORECASE)


def _part(part: str) -> str:
    if part.startswith("{*"):
        return ".+"
    return "[^/]+" if part.startswith("{") else re.escape(part)


_EXPRESSIONS = [(_expression(route), methods) for route, methods in METHODS.items()]
