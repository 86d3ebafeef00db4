"""A cluster that grows and shrinks, through azure-mgmt-batchai 7.0.0; runs without this project, in an
environment of its own.

Takes one argument, JSON: url, subscription, group, workspace. The subscription has quota for two machines.
Prints a line per step; ends with exit code 0 when the cluster was at each moment what Batch AI says it is.
"""

import json
import sys
import time

from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.batchai import BatchAI, models

ASKED = json.loads(sys.argv[1])
STARTED = time.monotonic()
AT = (ASKED["group"], ASKED["workspace"], "growing")

# It refuses to send a token over plain http; a loopback stack asks for none.
client = BatchAI(
    object(),
    ASKED["subscription"],
    ASKED["url"],
    authentication_policy=SansIOHTTPPolicy(),
    polling_interval=1,
)


def say(text):
    print(f"{time.monotonic() - STARTED:5.1f} s  {text}", flush=True)


def manual(count):
    return models.ScaleSettings(manual=models.ManualScaleSettings(target_node_count=count))


def counts(cluster):
    """nodeStateCounts that are not 0."""
    found = cluster.node_state_counts
    states = ("idle", "running", "preparing", "unusable", "leaving")
    numbers = {state: getattr(found, f"{state}_node_count") for state in states}
    assert sum(numbers.values()) == cluster.current_node_count, (numbers, cluster.current_node_count)
    return {state: number for state, number in numbers.items() if number}


def state(cluster):
    return str(getattr(cluster.allocation_state, "value", cluster.allocation_state))


def codes(cluster):
    return [error.code for error in cluster.errors or ()]


def resize(count):
    return client.clusters.update(*AT, models.ClusterUpdateParameters(scale_settings=manual(count)))


def wait_for(condition, seconds=40):
    """The cluster once it is so; whatever is seen on the way has as many nodes as states of nodes."""
    deadline = time.monotonic() + seconds
    while True:
        found = client.clusters.get(*AT)
        seen = (state(found), counts(found), codes(found))
        if condition(*seen):
            return found
        assert time.monotonic() < deadline, seen
        time.sleep(0.2)


# --- none
client.workspaces.begin_create(*AT[:2], models.WorkspaceCreateParameters(location="northeurope")).result()
user = models.UserAccountSettings(admin_user_name="me", admin_user_password="p4ssw0rd-x")
wanted = models.ClusterCreateParameters(
    vm_size="STANDARD_NC6", user_account_settings=user, scale_settings=manual(0)
)
client.clusters.begin_create(*AT, wanted).result()
empty = wait_for(lambda state, counts, codes: state == "steady")
assert (counts(empty), codes(empty)) == ({}, []), (counts(empty), codes(empty))
say("steady without a node")

# --- two: machines are counted from the moment that they are there
resize(2)
growing = wait_for(lambda state, counts, codes: counts)
assert state(growing) == "resizing" and counts(growing).keys() <= {"preparing", "idle"}, counts(growing)
say(f"resizing: {counts(growing)}")
full = wait_for(lambda state, counts, codes: (state, counts) == ("steady", {"idle": 2}))
assert codes(full) == [], codes(full)
assert full.allocation_state_transition_time > empty.allocation_state_transition_time
assert len(list(client.clusters.list_remote_login_information(*AT))) == 2
say("steady with two idle nodes")

# --- a third one is refused, in the words of the cloud
resize(3)
refused = wait_for(lambda state, counts, codes: codes)
assert codes(refused) == ["OperationNotAllowed"], codes(refused)
assert "exceeding approved STANDARD_NC6 Cores quota" in refused.errors[0].message, refused.errors[0].message
assert (state(refused), counts(refused)) == ("resizing", {"idle": 2}), counts(refused)
say("resizing with two nodes, and the reason why")

# --- none again
resize(0)
gone = wait_for(lambda state, counts, codes: (state, counts) == ("steady", {}))
assert codes(gone) == [], codes(gone)
assert gone.scale_settings.manual.target_node_count == 0
assert gone.allocation_state_transition_time > full.allocation_state_transition_time
say("steady without a node once more")
