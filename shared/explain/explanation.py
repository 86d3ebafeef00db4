"""What would become of a job document, as plain data: the JSON form of `batchai explain`. PURE.

Members are only ever added, never renamed: scripts read this. Secret values are `***`.
"""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import SecretStr

from shared.documents.spec import JobSpec, MountVolumes
from shared.environment.layout import DEFAULT_NODE_ROOT, NodeLayout
from shared.environment.variables import Node, Placement, job_environment, job_paths
from shared.launch.plan import LaunchPlan, preparation_log_name
from shared.launch.planning import plan
from shared.names.ids import ClusterId, JobId, Scope
from shared.names.paths import is_below
from shared.names.service_urls import service_url
from shared.times import iso_duration

MASK = "***"
#: Options of mount commands that carry a password (`-o username=u,password=p`).
_PASSWORD = re.compile(r"((?:pass(?:word)?|key|secret|token|cred(?:ential)?s?)=)[^,\s]+", re.IGNORECASE)


@dataclass(frozen=True)
class Places:
    """Whose job it would be. Names in angle brackets stand for those of a real one."""

    scope: Scope = Scope("<subscription>", "<resource-group>")  # noqa: RUF009 - frozen
    workspace: str = "<workspace>"
    experiment: str = "<experiment>"
    job: str = "<job>"


IMAGINED = Places()


def imagined_placement(nodes: int, gpus: int, places: Places = IMAGINED) -> Placement:
    """A placement on machines that do not exist, with `gpus` each."""
    job = JobId(places.workspace, places.experiment, places.job)
    return Placement(
        scope=places.scope,
        job=job,
        cluster=ClusterId(places.workspace, "<cluster>"),
        uuid="<uuid>",
        attempt=1,
        layout=NodeLayout(DEFAULT_NODE_ROOT, job),
        nodes=tuple(Node(f"node-{i}", f"10.0.{(4 + i) // 256}.{(4 + i) % 256}", gpus) for i in range(nodes)),
    )


def explanation(spec: JobSpec, placement: Placement, cloud: str = "") -> dict[str, Any]:
    """Everything `batchai explain` says of an accepted document. `cloud`: the domain of its storage, "": the
    public one's.

    Raises LaunchError for what cannot start.
    """
    spec = _without_secrets(spec)
    launch = plan(spec, placement)
    paths = job_paths(spec, placement)
    image = spec.container_settings and spec.container_settings.image_source_registry.image
    folders = [("logs", "stdouterr", "AZ_BATCHAI_STDOUTERR_DIR", paths.logs)]
    folders += [("input", key, f"AZ_BATCHAI_INPUT_{key}", path) for key, path in paths.inputs.items()]
    folders += [("output", key, f"AZ_BATCHAI_OUTPUT_{key}", path) for key, path in paths.outputs.items()]
    volumes = list(_volumes(spec.mount_volumes, placement.layout, cloud))
    mounted = [volume["path"] for volume in volumes]
    nodes = [replace(placement, index=i) for i in range(len(placement.nodes))]
    common = _common_environment(spec, nodes)
    return {
        "toolType": launch.tool_type,
        "nodeCount": spec.node_count,
        "gpusPerNode": placement.this.gpus,
        "image": image,
        "priority": spec.scheduling_priority,
        "maxWallClockTime": iso_duration(spec.constraints.max_wall_clock_time),
        "volumes": volumes,
        "folders": [_folder(*folder, mounted, placement.layout) for folder in folders],
        "environment": common,
        "secrets": [secret.name for secret in spec.secrets],
        "preparation": launch.preparation,
        "nodes": [_node(launch, spec, node, common) for node in nodes],
        "files": dict(launch.files),
        "notes": list(launch.notes),
    }


def _without_secrets(spec: JobSpec) -> JobSpec:
    mask = {"value": SecretStr(MASK), "value_secret_reference": None}
    return spec.model_copy(
        update={"secrets": tuple(secret.model_copy(update=mask) for secret in spec.secrets)}
    )


def _common_environment(spec: JobSpec, nodes: list[Placement]) -> dict[str, str]:
    """What all nodes have alike."""
    first, *others = (job_environment(spec, node) for node in nodes)
    return {name: value for name, value in first.items() if all(o.get(name) == value for o in others)}


def _volumes(volumes: MountVolumes, layout: NodeLayout, cloud: str) -> Iterator[dict[str, str]]:
    """The job's volumes in the order they are mounted."""

    def volume(kind: str, source: str, relative: str) -> dict[str, str]:
        target = f"$AZ_BATCHAI_JOB_MOUNT_ROOT/{relative.strip('/')}"
        return {"kind": kind, "source": source, "target": target, "path": _on_node(target, layout)}

    for share in volumes.azure_file_shares:
        yield volume("azureFileShare", share.azure_file_url.partition("?")[0], share.relative_mount_path)
    for blob in volumes.azure_blob_file_systems:
        source = f"{service_url(blob.account_name, 'blob', cloud)}/{blob.container_name}"
        yield volume("azureBlobFileSystem", source, blob.relative_mount_path)
    for server in volumes.file_servers:
        source = f"{server.file_server.id}:{server.source_directory or '/'}"
        yield volume("fileServer", source, server.relative_mount_path)
    for other in volumes.unmanaged_file_systems:
        source = _PASSWORD.sub(rf"\1{MASK}", other.mount_command)
        yield volume("unmanagedFileSystem", source, other.relative_mount_path)


def _on_node(target: str, layout: NodeLayout) -> str:
    return target.replace("$AZ_BATCHAI_JOB_MOUNT_ROOT", layout.job_mount_root)


def _folder(
    kind: str, key: str, variable: str, path: str, mounted: list[str], layout: NodeLayout
) -> dict[str, str]:
    """One folder, and what it lies on: "job volume", "cluster volume", "node" or "" for an empty path.
    `mounted`: where the job's volumes are."""
    if any(is_below(path, volume) for volume in mounted):
        on = "job volume"
    elif is_below(path, layout.mount_root):
        on = "cluster volume"
    else:
        on = "node" if path else ""
    return {"kind": kind, "id": key, "variable": variable, "path": path, "on": on}


def _node(launch: LaunchPlan, spec: JobSpec, placement: Placement, common: dict[str, str]) -> dict[str, Any]:
    index = placement.index
    prepared = [preparation_log_name(stream, placement) for stream in ("stdout", "stderr")]
    own = {k: v for k, v in job_environment(spec, placement).items() if k not in common}
    return {
        "index": index,
        "nodeId": placement.this.node_id,
        "address": placement.this.address,
        "environment": own,
        "preparationLogs": prepared if launch.preparation else [],
        "processes": [
            {
                **{key: value for key, value in asdict(process).items() if key != "node"},
                "stdout": process.log_name("stdout"),
                "stderr": process.log_name("stderr"),
            }
            for process in launch.processes
            if process.node == index
        ],
    }
