"""The table of each kind of thing: the columns of the original client. In: flat resources (cli/shape.py)."""

from collections.abc import Callable
from typing import Any

from cli.metric_series import shown
from cli.shape import part

#: What the service says where there is no limit: the largest number a client can read.
_NO_LIMIT = 2_147_483_647
#: What is shared fairly, as the service calls it and as people do.
_SHARED = {"liveJobs": "jobs", "nodes": "nodes"}
Row = dict[str, str]
Columns = Callable[[dict[str, Any]], Row]


def workspace(item: dict[str, Any]) -> Row:
    return {
        "Name": _text(item, "name"),
        "Resource Group": _text(item, "resourceGroup"),
        "Location": _text(item, "location"),
        "State": _text(item, "provisioningState"),
    }


def experiment(item: dict[str, Any]) -> Row:
    return {
        "Name": _text(item, "name"),
        "Resource Group": _text(item, "resourceGroup"),
        "Workspace": part(_text(item, "id"), "workspaces"),
        "State": _text(item, "provisioningState"),
    }


def cluster(item: dict[str, Any]) -> Row:
    counts = item.get("nodeStateCounts") or {}
    states = ("Idle", "Running", "Preparing", "Leaving", "Unusable")
    return {
        "Name": _text(item, "name"),
        "Resource Group": _text(item, "resourceGroup"),
        "Workspace": part(_text(item, "id"), "workspaces"),
        "VM Size": _text(item, "vmSize"),
        "State": _state(item, "allocationState"),
        **{state: str(counts.get(f"{state.lower()}NodeCount", 0)) for state in states},
    }


def job(item: dict[str, Any]) -> Row:
    on = item.get("cluster") or {}
    return {
        "Name": _text(item, "name"),
        "Cluster": part(_text(on, "id"), "clusters"),
        "Cluster RG": _text(on, "resourceGroup"),
        "Cluster Workspace": part(_text(on, "id"), "workspaces"),
        "Tool": _text(item, "toolType"),
        "Nodes": _text(item, "nodeCount"),
        "State": _state(item, "executionState"),
        "Exit code": _text(item.get("executionInfo") or {}, "exitCode"),
    }


def event(item: dict[str, Any]) -> Row:
    data = item.get("data") or {}
    return {
        "Time": _text(item, "time"),
        "Job": f"{_text(data, 'experiment')}/{_text(data, 'job')}",
        "State": _text(data, "state"),
        "Attempt": _text(data, "attempt"),
        "Nodes": " ".join(data.get("nodes") or ()),
        "Reason": _text(data, "reason"),
        "Exit code": _text(data, "exitCode"),
    }


def run(item: dict[str, Any]) -> Row:
    """A run in the history of a job, by the beginning of its uuid."""
    info = item.get("executionInfo") or {}
    errors = info.get("errors") or [{}]
    return {
        "Run": _text(item, "name")[:8],
        "Created": _moment(_text(item, "creationTime")),
        "Ended": _moment(_text(info, "endTime")),
        "Attempts": _text(item, "attempt"),
        "State": _state(item, "executionState"),
        "Exit code": _text(info, "exitCode"),
        "Error": _text(errors[0], "code"),
    }


def file(item: dict[str, Any]) -> Row:
    return {
        "Name": _text(item, "name"),
        "Type": _text(item, "fileType"),
        "Size": "" if item.get("fileType") == "directory" else _text(item, "contentLength"),
        "Modified": _text(item, "lastModified"),
    }


def node(item: dict[str, Any]) -> Row:
    port = item.get("port")
    return {
        "ID": _text(item, "nodeId"),
        "IP": _text(item, "ipAddress"),
        "SSH Port": "" if port is None else str(int(port)),
    }


def cluster_node(item: dict[str, Any]) -> Row:
    state = _text(item, "state")
    return {
        **node(item),
        "State": f"{state}, marked" if item.get("drain") else state,
        "GPUs": ", ".join(map(_gpu, item.get("gpus") or ())),
        "Version": _text(item, "version"),
    }


def _gpu(gpu: dict[str, Any]) -> str:
    """How busy one is, and how full: 87% 12.5/141 GiB."""
    used, total = gpu.get("memoryUsedBytes"), gpu.get("memoryTotalBytes")
    percent = gpu.get("utilizationPercent")
    busy = "?" if percent is None else f"{percent}%"
    return busy if used is None or not total else f"{busy} {used / 2**30:.3g}/{total / 2**30:.3g} GiB"


def metric(item: dict[str, Any]) -> Row:
    key = _text(item, "metric")
    values = {name: shown(key, item.get(name.lower())) for name in ("Last", "Min", "Max")}
    return {"Metric": key, "Process or Node": _text(item, "of"), **values, "Samples": _text(item, "samples")}


def compared_metric(item: dict[str, Any]) -> Row:
    """A metric of two jobs: the columns are named after them."""
    key = _text(item, "metric")
    row = {"Metric": key, "Process or Node": _text(item, "of")}
    for job in item["jobs"]:
        for name in ("last", "min", "max"):
            row[f"{job['job']} {name}"] = shown(key, job.get(name))
    return row


def file_server(item: dict[str, Any]) -> Row:
    disks, mount = item.get("dataDisks") or {}, item.get("mountSettings") or {}
    return {
        "Name": _text(item, "name"),
        "Resource Group": _text(item, "resourceGroup"),
        "Size": _text(item, "vmSize"),
        "Disks": f"{disks.get('diskCount')} x {disks.get('diskSizeInGb')} Gb" if disks else "",
        "Public IP": _text(mount, "fileServerPublicIp"),
        "Internal IP": _text(mount, "fileServerInternalIp"),
        "Mount Point": _text(mount, "mountPoint"),
    }


def sweep(item: dict[str, Any]) -> Row:
    runs = item.get("runs") or {}
    return {
        "Name": _text(item, "name"),
        "State": _state(item, "state"),
        "Runs": _text(runs, "total"),
        "Succeeded": _text(runs, "succeeded"),
        "Failed": _text(runs, "failed"),
        "In Flight": _text(runs, "inFlight"),
        "Waiting": _text(runs, "waiting"),
        "Created": _moment(_text(item, "creationTime")),
    }


def usage(item: dict[str, Any]) -> Row:
    name = item.get("name") or {}
    return {
        "Value": _text(name, "localizedValue") or _text(name, "value"),
        "Usage": _text(item, "currentValue") or "0",
        "Limit": "none" if item.get("limit") == _NO_LIMIT else _text(item, "limit") or "0",
    }


def node_usage(item: dict[str, Any]) -> Row:
    return {
        "Name": _text(item, "name"),
        "Jobs": _text(item, "jobs"),
        "Node Hours": _text(item, "nodeHours"),
        "Idle Node Hours": _text(item, "idleNodeHours"),
        "GPU Hours": _text(item, "gpuHours"),
        "Estimated Cost": f"{_text(item, 'estimatedCost')} {_text(item, 'currency')}".strip(),
    }


def limits(item: dict[str, Any]) -> Row:
    """What a workspace or a submitter uses: "3 of 4", "3" where there is no limit."""

    def shown(member: str) -> str:
        amount = item.get(member) or {}
        if "used" not in amount:
            return ""
        return f"{amount['used']:g}" + (f" of {amount['limit']:g}" if "limit" in amount else "")

    share = item.get("fairShare") or {}
    return {
        "Of": _text(item, "of"),
        "Name": _text(item, "name"),
        "Live Jobs": shown("liveJobs"),
        "Nodes": shown("nodes"),
        "GPU Hours": shown("gpuHours"),
        "Waiting": _text(item, "waiting"),
        "Fair Share": ", ".join(f"{many:.3g} {_SHARED[word]}" for word, many in share.items()),
    }


def _state(item: dict[str, Any], member: str) -> str:
    """As the original showed it: deleting wins over everything else."""
    deleting = item.get("provisioningState") == "deleting"
    return "deleting" if deleting else _text(item, member)


def _moment(timestamp: str) -> str:
    """To the second, without the letters: 2018-06-06 20:26:23."""
    return timestamp[:19].replace("T", " ")


def _text(item: dict[str, Any], member: str) -> str:
    value = item.get(member)
    return "" if value is None else str(value)
