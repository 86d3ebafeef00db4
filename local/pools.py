"""The scale sets of the local stack: every cluster has one, as in Azure each has a pool."""

import hashlib
import json
import logging
import re
import threading
from typing import Any

import httpx
from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import AzureKeyCredentialPolicy

from local.environment import RESOURCE_GROUP, SUBSCRIPTION, arm_token
from local.layout import DataDirectory, StackState
from local.runner_machines import CLUSTER_TAG
from shared.backend import Backend
from shared.errors import StoreError
from shared.names.ids import ClusterId
from shared.stores.cluster_table import ClusterRow

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 1.0
_PLAIN_NAME = re.compile(r"[a-z0-9-]{1,12}")
_FALLBACK_SIZE = "STANDARD_D1"


class PoolKeeper:
    """Makes a scale set for each cluster, and removes those of clusters that are no more, from a thread."""

    def __init__(self, backend: Backend, url: str, token: str) -> None:
        # Imported late: it takes a quarter of a second, and `status` needs none of it.
        from azure.mgmt.compute import ComputeManagementClient

        self._backend = backend
        bearer = AzureKeyCredentialPolicy(AzureKeyCredential(token), "Authorization", prefix="Bearer")
        self._client = ComputeManagementClient(
            _NoToken(), SUBSCRIPTION, base_url=url, authentication_policy=bearer, retry_total=0
        )
        self._made: dict[str, tuple[str, str]] = {}  #: of each set by name: size and priority
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pools", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Stop looking; returns when a look under way has ended."""
        self._ending.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        while not self._ending.wait(_PAUSE_SECONDS):
            try:
                self._follow(self._backend.clusters.list_all()[0])
            except (StoreError, AzureError) as error:
                log.warning("pools not looked at: %s", error)
            except Exception:
                # Without its thread a new cluster would wait for machines for ever.
                log.exception("pools not looked at")

    def _follow(self, rows: list[ClusterRow]) -> None:
        wanted = {set_name(row.id): row for row in rows}
        for name, row in wanted.items():
            size, priority = _machine(row)
            if self._made.get(name) != (size, priority):
                self._sets.begin_create_or_update(
                    RESOURCE_GROUP, name, _body(row.id, size, priority), polling=False
                )
                self._made[name] = (size, priority)
        for name in self._made.keys() - wanted.keys():
            self._sets.begin_delete(RESOURCE_GROUP, name, polling=False)
            del self._made[name]

    @property
    def _sets(self) -> Any:
        return self._client.virtual_machine_scale_sets


class _NoToken:
    """The SDK wants a credential; the header is set by a policy, for over plain HTTP it would send none."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        raise NotImplementedError("the stand-in of ARM takes one token only")


def machines_of(state: StackState, directory: DataDirectory) -> list[dict[str, str]]:
    """Name, scale set and state of each machine of a running stack; none where it does not answer."""
    if not state.arm:
        return []
    headers = {"Authorization": f"Bearer {arm_token(directory)}"}
    try:
        answer = httpx.get(f"{state.arm}/control/machines", headers=headers, timeout=5, trust_env=False)
        found: list[dict[str, str]] = answer.raise_for_status().json()
    except httpx.HTTPError:
        return []
    return found


def set_name(cluster: ClusterId) -> str:
    """The name of a cluster's scale set, and so the beginning of its nodes' names: short, for paths."""
    text = str(cluster).lower()
    plain = cluster.cluster.lower()
    if cluster.workspace == "default" and _PLAIN_NAME.fullmatch(plain):
        return plain
    stem = re.sub(r"[^a-z0-9]+", "-", plain)[:8].strip("-")
    return f"{stem}-{hashlib.sha256(text.encode()).hexdigest()[:4]}".lstrip("-")


def _machine(row: ClusterRow) -> tuple[str, str]:
    """Size and priority of a cluster's machines."""
    properties = json.loads(row.properties)
    spot = str(properties.get("vmPriority", "")).lower() == "lowpriority"
    return str(properties.get("vmSize") or _FALLBACK_SIZE), "Spot" if spot else "Regular"


def _body(cluster: ClusterId, size: str, priority: str) -> dict[str, Any]:
    """The parts of infra/modules/pool.bicep that mean something here. The capacity is the controller's."""
    name = set_name(cluster)
    return {
        "location": "local",
        "tags": {"batchai-pool": name, CLUSTER_TAG: str(cluster)},
        "sku": {"name": size, "tier": "Standard"},
        "properties": {
            "orchestrationMode": "Flexible",
            "virtualMachineProfile": {
                "priority": priority,
                "osProfile": {"computerNamePrefix": f"{name}-"},
            },
        },
    }
