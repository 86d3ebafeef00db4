"""The stand-in of Azure Resource Manager in a thread, with the real SDK as its client."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.core.pipeline.policies import AzureKeyCredentialPolicy
from azure.mgmt.compute import ComputeManagementClient

from local.arm.cloud import Cloud
from local.arm.server import ArmServer
from tests.support.waiting import eventually

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
GROUP = "batchai"
TOKEN = "arm-token"


class NoToken:
    """A credential that is never asked: the header is set by a policy."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        raise AssertionError(scopes)


def client(url: str, token: str = TOKEN) -> ComputeManagementClient:
    """The SDK over plain HTTP: its own bearer policy refuses that. It repeats nothing by itself."""
    bearer = AzureKeyCredentialPolicy(AzureKeyCredential(token), "Authorization", prefix="Bearer")
    return ComputeManagementClient(
        NoToken(), SUBSCRIPTION, base_url=url, authentication_policy=bearer, retry_total=0
    )


@dataclass
class Sleeper:
    """A machine whose program sleeps."""

    process: subprocess.Popen[bytes]
    powered: bool = True

    @property
    def is_off(self) -> bool:
        return self.process.poll() is not None

    def keep_up(self) -> None:
        pass

    def shut_down(self) -> None:
        self.process.terminate()

    def power_off(self) -> None:
        self.process.kill()
        self.process.wait()
        self.powered = False


@dataclass
class Sleepers:
    """Machines that are real processes and do nothing."""

    available: int = 4
    started: dict[str, Sleeper] = field(default_factory=dict)
    environments: dict[str, dict[str, str]] = field(default_factory=dict)

    def start(self, name: str, tags: Mapping[str, str], environment: Mapping[str, str]) -> Sleeper:
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        self.started[name] = Sleeper(process)
        self.environments[name] = dict(environment)
        return self.started[name]

    @property
    def on(self) -> list[str]:
        return [name for name, machine in self.started.items() if machine.powered]


@dataclass
class Arm:
    """A running stand-in and its client."""

    server: ArmServer
    machines: Sleepers
    sdk: Any  #: a ComputeManagementClient; its models say of every member that it may be missing
    control: httpx.Client

    @property
    def sets(self) -> Any:
        return self.sdk.virtual_machine_scale_sets

    def put(self, name: str = "pool", cluster: str = "default/default", **more: Any) -> Any:
        """A scale set as infra/ makes it."""
        profile = {"osProfile": {"computerNamePrefix": "bai-"}, "priority": more.get("priority", "Regular")}
        body = {
            "location": "local",
            "tags": {"batchai-pool": name, "batchai-cluster": cluster},
            "sku": {"name": "STANDARD_NC6", "tier": "Standard", "capacity": more.get("capacity", 0)},
            "properties": {"orchestrationMode": "Flexible", "virtualMachineProfile": profile},
        }
        return self.sets.begin_create_or_update(GROUP, name, body).result()

    def resize(self, capacity: int, name: str = "pool", **more: Any) -> Any:
        """The poller of a change of the capacity."""
        return self.sets.begin_update(GROUP, name, {"sku": {"capacity": capacity}}, **more)

    def capacity(self, name: str = "pool") -> int:
        found: int = self.sets.get(GROUP, name).sku.capacity
        return found

    def vms(self, name: str = "pool") -> list[Any]:
        return list(self.sdk.virtual_machine_scale_set_vms.list(GROUP, name, expand="instanceView"))

    def ready(self, count: int, name: str = "pool") -> list[Any]:
        """The machines once `count` of them run and no other is there."""

        def look() -> list[Any] | None:
            found = self.vms(name)
            states = [vm.provisioning_state for vm in found]
            assert states == ["Succeeded"] * count, states
            return found if found else [*found, *()] or None

        if count:
            found = eventually(look, 10)
            assert found
            return found
        eventually(lambda: not self.vms(name), 10)
        return []

    def faults(self, **members: Any) -> None:
        """What is to go wrong from now on."""
        answer = self.control.patch("/control/faults", json=members)
        assert answer.status_code == 200, answer.text

    def evict(self, vm: str, seconds: float) -> None:
        answer = self.control.post(f"/control/evictions/{vm}", json={"seconds": seconds})
        assert answer.status_code == 200, answer.text


@contextmanager
def arm(available: int = 4, start_seconds: float = 0.0, notice_seconds: float = 0.5) -> Iterator[Arm]:
    """A stand-in whose machines sleep. At the end every one of them is off."""
    machines = Sleepers(available)
    with ArmServer(Cloud(machines, start_seconds, notice_seconds), TOKEN) as server:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with client(server.url) as sdk, httpx.Client(base_url=server.url, headers=headers) as control:
            yield Arm(server, machines, sdk, control)
    assert machines.on == []
