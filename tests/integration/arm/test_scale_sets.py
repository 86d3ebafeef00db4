"""The stand-in of Azure Resource Manager, asked by the real SDK."""

import threading
import time
from collections.abc import Iterator

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceModifiedError,
    ResourceNotFoundError,
)

from runner.machine.scheduled_events import EventWatcher, MachineEvent
from tests.support.arm import GROUP, SUBSCRIPTION, Arm, arm, client
from tests.support.waiting import eventually


@pytest.fixture
def cloud() -> Iterator[Arm]:
    with arm() as running:
        yield running


def _codes(vm: object) -> list[str]:
    return [status.code for status in vm.instance_view.statuses]  # type: ignore[attr-defined]


def test_a_set_is_found_by_its_tag_in_its_group_and_in_the_subscription(cloud: Arm) -> None:
    cloud.put("one", "research/gpu")
    cloud.put("two", "default/default")
    for found in (cloud.sets.list(GROUP), cloud.sets.list_all()):
        tags = {one.name: one.tags["batchai-cluster"] for one in found}
        assert tags == {"one": "research/gpu", "two": "default/default"}
    assert list(cloud.sets.list("elsewhere")) == []
    found = cloud.sets.get("BATCHAI", "ONE")
    assert (found.sku.name, found.sku.capacity, found.orchestration_mode) == ("STANDARD_NC6", 0, "Flexible")


def test_a_long_list_comes_in_pages(cloud: Arm) -> None:
    for number in range(101):
        cloud.put(f"pool{number:03}")
    assert len(list(cloud.sets.list(GROUP))) == 101


def test_a_capacity_makes_machines_and_its_operation_ends(cloud: Arm) -> None:
    cloud.put()
    poller = cloud.resize(2)
    assert poller.result().sku.capacity == 2
    assert poller.status() == "Succeeded"
    vms = cloud.ready(2)
    assert sorted(cloud.machines.on) == sorted(vm.name for vm in vms)
    for vm in vms:
        assert vm.instance_id == vm.name and vm.name.startswith("pool_")
        assert vm.os_profile.computer_name.startswith("bai-")
        assert _codes(vm) == ["ProvisioningState/succeeded", "PowerState/running"]
    view = cloud.sets.get_instance_view(GROUP, "pool").virtual_machine.statuses_summary
    assert [(line.code, line.count) for line in view] == [("ProvisioningState/succeeded", 2)]


def test_machines_take_their_time_to_start() -> None:
    with arm(start_seconds=1.5) as cloud:
        cloud.put()
        begun = time.monotonic()
        cloud.resize(1)
        assert [vm.provisioning_state for vm in cloud.vms()] == ["Creating"]
        assert cloud.sets.get(GROUP, "pool").provisioning_state == "Updating"
        cloud.ready(1)
        assert time.monotonic() - begun >= 1.5
        assert cloud.sets.get(GROUP, "pool").provisioning_state == "Succeeded"


def test_the_machines_of_a_set_are_virtual_machines_as_any_other(cloud: Arm) -> None:
    cloud.put("pool", capacity=2)
    cloud.put("other", capacity=1)
    of_pool = f"'virtualMachineScaleSet/id' eq '{cloud.sets.get(GROUP, 'pool').id}'"
    cloud.ready(2)
    names = {vm.name for vm in cloud.vms()}
    listed = list(cloud.sdk.virtual_machines.list(GROUP, filter=of_pool, expand="instanceView"))
    assert {vm.name for vm in listed} == names
    assert all(vm.virtual_machine_scale_set.id.endswith("/virtualMachineScaleSets/pool") for vm in listed)
    assert {vm.name for vm in cloud.sdk.virtual_machines.list_all(filter=of_pool)} == names
    assert len(list(cloud.sdk.virtual_machines.list(GROUP))) == 3
    one = cloud.sdk.virtual_machines.get(GROUP, listed[0].name, expand="instanceView")
    assert one.os_profile.computer_name == listed[0].os_profile.computer_name
    assert cloud.sdk.virtual_machines.instance_view(GROUP, one.name).statuses
    with pytest.raises(HttpResponseError, match="filter"):
        list(cloud.sdk.virtual_machines.list(GROUP, filter="name eq 'x'"))


def test_exactly_the_named_machine_is_deleted_and_the_capacity_follows(cloud: Arm) -> None:
    cloud.put(capacity=3)
    first, second, third = cloud.ready(3)
    cloud.sets.begin_delete_instances(GROUP, "pool", {"instanceIds": [second.name]}).result()
    assert {vm.name for vm in cloud.vms()} == {first.name, third.name}
    assert cloud.capacity() == 2
    assert second.name not in cloud.machines.on
    # And as a virtual machine
    cloud.sdk.virtual_machines.begin_delete(GROUP, first.name, force_deletion=True).result()
    assert ([vm.name for vm in cloud.vms()], cloud.capacity()) == ([third.name], 1)
    # One that is gone is refused, in the service's words
    with pytest.raises(HttpResponseError, match="not an active Virtual Machine Scale Set VM instanceId"):
        cloud.sets.begin_delete_instances(GROUP, "pool", {"instanceIds": [second.name]})
    cloud.sdk.virtual_machines.begin_delete(GROUP, first.name).result()
    assert cloud.capacity() == 1


def test_a_smaller_capacity_takes_the_oldest_and_a_deleted_set_all(cloud: Arm) -> None:
    cloud.put(capacity=1)
    oldest = cloud.ready(1)[0].name
    cloud.resize(2).result()
    cloud.resize(1).result()
    left = [vm.name for vm in cloud.vms()]
    assert len(left) == 1 and oldest not in left
    cloud.sets.begin_delete(GROUP, "pool").result()
    with pytest.raises(ResourceNotFoundError, match="ResourceNotFound"):
        cloud.sets.get(GROUP, "pool")
    assert cloud.machines.on == []


def test_a_newer_capacity_preempts_the_older_operation() -> None:
    with arm(start_seconds=1.5) as cloud:
        cloud.put()
        path = f"{cloud.sets.get(GROUP, 'pool').id}?api-version=2026-04-01"
        older = cloud.control.patch(path, json={"sku": {"capacity": 1}}).headers["Azure-AsyncOperation"]
        assert cloud.control.get(older).json()["status"] == "InProgress"
        cloud.resize(2).result()
        shown = cloud.control.get(older).json()
        assert (shown["status"], shown["error"]["code"]) == ("Canceled", "OperationPreempted")
        cloud.ready(2)


def test_of_two_who_have_read_the_same_set_one_changes_it(cloud: Arm) -> None:
    read = cloud.put()
    matches = {"etag": read.etag, "match_condition": MatchConditions.IfNotModified}
    cloud.resize(1, **matches).result()
    with pytest.raises(ResourceModifiedError):
        cloud.resize(3, **matches)
    assert cloud.capacity() == 1


def test_beyond_the_quota_the_whole_change_is_refused(cloud: Arm) -> None:
    cloud.put("pool", capacity=1)
    cloud.put("other")
    cloud.faults(quota=2)
    with pytest.raises(HttpResponseError) as refused:
        cloud.resize(2, "other")
    assert refused.value.status_code == 409
    assert refused.value.error and refused.value.error.code == "OperationNotAllowed"
    assert "Current Limit: 2, Current Usage: 1, Additional Required: 2" in refused.value.message
    assert (cloud.capacity("other"), cloud.vms("other")) == (0, [])
    cloud.faults(quota=None)
    cloud.resize(2, "other").result()


@pytest.mark.parametrize(("priority", "code"), [("Regular", "AllocationFailed"), ("Spot", "SkuNotAvailable")])
def test_what_cannot_be_allocated_stays_as_failed_until_it_is_deleted(
    cloud: Arm, priority: str, code: str
) -> None:
    cloud.put(priority=priority)
    cloud.faults(available=1)
    with pytest.raises(HttpResponseError, match=code):
        cloud.resize(2).result()
    states = {vm.provisioning_state: vm for vm in cloud.vms()}
    assert set(states) == {"Succeeded", "Failed"}
    failed = states["Failed"]
    assert failed.instance_view.statuses[0].code == f"ProvisioningState/failed/{code}"
    assert "STANDARD_NC6" in failed.instance_view.statuses[0].message
    assert cloud.capacity() == 2
    cloud.sets.begin_delete_instances(GROUP, "pool", {"instanceIds": [failed.name]}).result()
    assert cloud.capacity() == 1
    cloud.ready(1)


def test_there_are_no_more_machines_than_are_available() -> None:
    with arm(available=2) as cloud:
        cloud.put()
        with pytest.raises(HttpResponseError, match="AllocationFailed"):
            cloud.resize(3).result()
        assert len(cloud.machines.on) == 2


def test_throttled_and_down_are_answered_as_the_service_answers(cloud: Arm) -> None:
    cloud.put()
    cloud.faults(throttled=1, retry_after=17)
    with pytest.raises(HttpResponseError) as throttled:
        cloud.resize(1)
    assert throttled.value.status_code == 429
    assert getattr(throttled.value.response, "headers", {})["Retry-After"] == "17"
    assert cloud.capacity() == 0
    cloud.faults(down=True)
    with pytest.raises(HttpResponseError) as down:
        cloud.resize(1)
    assert down.value.status_code == 503
    cloud.faults(down=False)
    assert cloud.capacity() == 0


def test_a_lost_answer_is_a_change_that_was_made(cloud: Arm) -> None:
    cloud.put()
    cloud.faults(lost_answers=1)
    with pytest.raises(AzureError):
        cloud.resize(1).result()
    assert cloud.capacity() == 1
    cloud.ready(1)


def test_a_spot_machine_hears_of_its_eviction_and_is_gone(cloud: Arm) -> None:
    cloud.put(priority="Spot", capacity=2)
    evicted, other = cloud.ready(2)
    reported = cloud.machines.environments[evicted.name]
    heard: list[MachineEvent] = []
    going = threading.Event()

    def hear(event: MachineEvent) -> None:
        heard.append(event)
        going.set()

    watcher = EventWatcher(
        reported["BATCHAI_SCHEDULED_EVENTS_URL"],
        reported["BATCHAI_VM_NAME"],
        hear,
        going.clear,
        every_seconds=0.1,
    )
    watcher.start()
    try:
        cloud.evict(evicted.name, 1.5)
        assert going.wait(5)
        assert heard[0].kind == "Preempt"
        # Until then it is there
        assert len(cloud.machines.on) == 2
        eventually(lambda: len(cloud.machines.on) == 1, 5)
    finally:
        watcher.end()
    assert [vm.name for vm in cloud.ready(1)] == [other.name]
    assert cloud.capacity() == 1
    # By Azure's own operation, half a minute ahead; what is no Spot machine stays
    cloud.sdk.virtual_machines.simulate_eviction(GROUP, other.name)
    cloud.put("dedicated", capacity=1)
    with pytest.raises(HttpResponseError, match="no Spot"):
        cloud.sdk.virtual_machines.simulate_eviction(GROUP, cloud.ready(1, "dedicated")[0].name)


def test_a_deleted_machine_hears_of_it_before_it_ends(cloud: Arm) -> None:
    cloud.put(capacity=1)
    [vm] = cloud.ready(1)
    url = cloud.machines.environments[vm.name]["BATCHAI_SCHEDULED_EVENTS_URL"]
    cloud.sets.begin_delete_instances(GROUP, "pool", {"instanceIds": [vm.name]}, polling=False)
    answer = cloud.control.get(url, headers={"Metadata": "true"}).json()
    assert [event["EventType"] for event in answer["Events"]] == ["Terminate"]
    cloud.ready(0)
    assert cloud.control.get(url).status_code == 400  # as for who forgot the header


def test_whoever_has_no_token_or_no_version_is_refused(cloud: Arm) -> None:
    with client(cloud.server.url, "guessed") as stranger, pytest.raises(ClientAuthenticationError):
        list(stranger.virtual_machine_scale_sets.list(GROUP))
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachineScaleSets"
    assert cloud.control.get(path).json()["error"]["code"] == "MissingApiVersionParameter"
    answer = cloud.control.patch("/control/faults", json={"quotas": 1}, headers={"Authorization": ""})
    assert answer.status_code == 401
    assert "there are quota, available" in cloud.control.patch("/control/faults", json={"quotas": 1}).text


@pytest.mark.parametrize(
    "body",
    [
        {"sku": {"capacity": -1}},
        {"sku": {"capacity": "2"}},
        {"sku": {"capacity": 1001}},
        {"tags": {"a": 1}},
        {"properties": {"orchestrationMode": "Uniform"}},
        [],
    ],
)
def test_what_the_service_would_refuse_is_refused(cloud: Arm, body: object) -> None:
    cloud.put()
    path = f"{cloud.sets.get(GROUP, 'pool').id}?api-version=2026-04-01"
    answer = cloud.control.patch(path, json=body)
    assert (answer.status_code, cloud.capacity()) == (400, 0)
