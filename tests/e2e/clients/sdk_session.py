"""A whole session through the published SDK; runs in an environment of its own, without this project.

Takes one argument, JSON: url, subscription, group, workspace, account, key, files. azure-mgmt-batchai 2.0.0
and 7.0.0 differ in how they are made and in how some calls are spelled, in nothing else. Prints a line per
step; ends with exit code 0 when every step did what it did in 2018.
"""

import json
import sys
import time
import urllib.request

from azure.mgmt.batchai import models

ASKED = json.loads(sys.argv[1])
STARTED = time.monotonic()
GROUP, WORKSPACE = ASKED["group"], ASKED["workspace"]
AT = (GROUP, WORKSPACE, "experiment")


def client_2():
    from azure.mgmt.batchai import BatchAIManagementClient
    from msrest.authentication import BasicTokenAuthentication

    made = BatchAIManagementClient(
        BasicTokenAuthentication({"access_token": "x"}), ASKED["subscription"], base_url=ASKED["url"]
    )
    made.config.long_running_operation_timeout = 1
    return made


def client_7():
    from azure.core.pipeline.policies import SansIOHTTPPolicy
    from azure.mgmt.batchai import BatchAI

    # It refuses to send a token over plain http; a loopback stack asks for none.
    return BatchAI(
        object(),
        ASKED["subscription"],
        ASKED["url"],
        authentication_policy=SansIOHTTPPolicy(),
        polling_interval=1,
    )


try:
    client = client_7()
    NEW = True
except ImportError:
    client = client_2()
    NEW = False


# The older SDK takes the parts of some parameter objects, the newer one the objects.
def new_workspace(location, tags):
    return [models.WorkspaceCreateParameters(location=location, tags=tags)] if NEW else [location, tags]


def new_tags(tags):
    return models.WorkspaceUpdateParameters(tags=tags) if NEW else tags


def new_scale(settings):
    return models.ClusterUpdateParameters(scale_settings=settings) if NEW else settings


def begin(operations, name, *arguments):
    """Start a long-running call and wait for its end."""
    call = getattr(operations, f"begin_{name}", None) or getattr(operations, name)
    return call(*arguments).result()


def say(text):
    print(f"{time.monotonic() - STARTED:5.1f} s  {text}", flush=True)


def status_of(call):
    """The HTTP status and error code of a call that fails."""
    try:
        call()
    except Exception as error:
        message = error.error  # of msrestazure: the code itself in .error
        return error.response.status_code, getattr(message, "code", None) or message.error
    raise AssertionError("the call did not fail")


def wait_for(job, *states):
    deadline = time.monotonic() + 60
    while True:
        found = client.jobs.get(*AT, job)
        if str(getattr(found.execution_state, "value", found.execution_state)) in states:
            return found
        assert time.monotonic() < deadline, found.execution_state
        time.sleep(0.2)


def job_parameters(command):
    cluster = client.clusters.get(GROUP, WORKSPACE, "cluster")
    share = models.AzureFileShareReference(
        account_name=ASKED["account"],
        azure_file_url=ASKED["files"] + "/logs",
        credentials=models.AzureStorageCredentialsInfo(account_key=ASKED["key"]),
        relative_mount_path="afs",
    )
    return models.JobCreateParameters(
        cluster=models.ResourceId(id=cluster.id),
        node_count=1,
        mount_volumes=models.MountVolumes(azure_file_shares=[share]),
        std_out_err_path_prefix="$AZ_BATCHAI_JOB_MOUNT_ROOT/afs",
        output_directories=[models.OutputDirectory(id="OUT", path_prefix="$AZ_BATCHAI_JOB_MOUNT_ROOT/afs")],
        environment_variables=[models.EnvironmentVariable(name="WHO", value="world")],
        secrets=[models.EnvironmentVariableWithSecretValue(name="TOKEN", value="s3cr3t-value")],
        custom_toolkit_settings=models.CustomToolkitSettings(command_line=command),
    )


def files(job, identifier):
    options = models.JobsListOutputFilesOptions(outputdirectoryid=identifier, max_results=2)
    return {file.name: file for file in client.jobs.list_output_files(*AT, job, options)}


# --- workspace, experiment, cluster
workspace = begin(client.workspaces, "create", GROUP, WORKSPACE, *new_workspace("northeurope", {"a": "1"}))
assert workspace.name == WORKSPACE and workspace.tags == {"a": "1"}, workspace
assert WORKSPACE in [w.name for w in client.workspaces.list_by_resource_group(GROUP)]
assert WORKSPACE in [w.name for w in client.workspaces.list()]
updated = client.workspaces.update(GROUP, WORKSPACE, new_tags({"b": "2"}))
assert updated.tags == {"b": "2"}
assert begin(client.experiments, "create", *AT).name == "experiment"
assert [e.name for e in client.experiments.list_by_workspace(GROUP, WORKSPACE)] == ["experiment"]
say("workspace and experiment created and listed")

cluster = begin(
    client.clusters,
    "create",
    GROUP,
    WORKSPACE,
    "cluster",
    models.ClusterCreateParameters(
        vm_size="STANDARD_NC6",
        user_account_settings=models.UserAccountSettings(
            admin_user_name="me", admin_user_password="p4ssw0rd-x"
        ),
        scale_settings=models.ScaleSettings(manual=models.ManualScaleSettings(target_node_count=1)),
    ),
)
assert cluster.user_account_settings.admin_user_password is None
assert cluster.node_state_counts.idle_node_count is not None
print("RUNNER", flush=True)  # now the cluster's node may come
deadline = time.monotonic() + 60
while client.clusters.get(GROUP, WORKSPACE, "cluster").node_state_counts.idle_node_count != 1:
    assert time.monotonic() < deadline
    time.sleep(0.2)
assert client.clusters.get(GROUP, WORKSPACE, "cluster").allocation_state in (
    "steady",
    models.AllocationState.steady,
)
nodes = list(client.clusters.list_remote_login_information(GROUP, WORKSPACE, "cluster"))
assert [n.port for n in nodes] == [22], nodes
say("cluster created, its node is idle")

# --- a job that runs, and its files
job = begin(
    client.jobs,
    "create",
    *AT,
    "job",
    job_parameters('echo "hello $WHO"; echo x > $AZ_BATCHAI_OUTPUT_OUT/r.txt'),
)
assert job.secrets[0].name == "TOKEN" and job.secrets[0].value is None
assert job.mount_volumes.azure_file_shares[0].credentials.account_key is None
ended = wait_for("job", "succeeded", "failed")
assert ended.execution_info.exit_code == 0, ended.execution_info
found = files("job", "stdouterr")
assert {"execution.log", "stdout.txt", "stderr.txt"} <= set(found), found
assert [files("job", "OUT")["r.txt"].content_length] == [2]
with urllib.request.urlopen(
    urllib.request.Request(found["stdout.txt"].download_url, headers={"Range": "bytes=6-"})
) as a:
    assert a.status == 206 and a.read() == b"world\n"
assert [j.name for j in client.jobs.list_by_experiment(*AT)] == ["job"]
say("job ran, its files were listed and read")

# --- what fails, as it failed
assert status_of(lambda: client.jobs.get(*AT, "none")) == (404, "JobNotFound")
assert status_of(lambda: client.clusters.get(GROUP, WORKSPACE, "none")) == (404, "ClusterNotFound")
assert status_of(lambda: begin(client.jobs, "create", *AT, "job", job_parameters("other")))[0] == 409
options = models.JobsListOutputFilesOptions(outputdirectoryid="NONE")
assert status_of(lambda: list(client.jobs.list_output_files(*AT, "job", options)))[0] == 400
say("errors have their codes")

# --- terminate a running job, delete a running job
begin(client.jobs, "create", *AT, "long", job_parameters("sleep 600"))
wait_for("long", "running")
nodes = list(client.jobs.list_remote_login_information(*AT, "long"))
assert len(nodes) == 1, nodes
begin(client.jobs, "terminate", *AT, "long")
ended = wait_for("long", "failed")
assert ended.execution_info.errors[0].code == "JobTerminated" and ended.execution_info.exit_code is None
begin(client.jobs, "terminate", *AT, "long")
begin(client.jobs, "create", *AT, "doomed", job_parameters("sleep 600"))
wait_for("doomed", "running")
begin(client.jobs, "delete", *AT, "doomed")
assert status_of(lambda: client.jobs.get(*AT, "doomed")) == (404, "JobNotFound")
say("running jobs were terminated and deleted")

# --- file servers: no machine is made for one; one that somebody runs is read as any
SIGN_IN = models.UserAccountSettings(admin_user_name="me", admin_user_password="p4ssw0rd-x")
wanted = models.FileServerCreateParameters(
    vm_size="STANDARD_NC6",
    ssh_configuration=models.SshConfiguration(user_account_settings=SIGN_IN),
    data_disks=models.DataDisks(disk_size_in_gb=10, disk_count=1, storage_account_type="Standard_LRS"),
)
try:
    begin(client.file_servers, "create", GROUP, WORKSPACE, "server", wanted)
    raise AssertionError("a file server was made")
except Exception as error:
    assert "FileServerNotProvisioned" in str(error), error
# The SDK has mountSettings for reading only.
document = json.loads(json.dumps(wanted.serialize()))
document["properties"]["mountSettings"] = {"mountPoint": "/data", "fileServerInternalIP": "10.0.0.4"}
address = f"{ASKED['url']}{workspace.id}/fileServers/running?api-version=2018-05-01"
urllib.request.urlopen(urllib.request.Request(address, json.dumps(document).encode(), method="PUT")).close()
servers = {server.name: server for server in client.file_servers.list_by_workspace(GROUP, WORKSPACE)}
assert sorted(servers) == ["running", "server"]
assert servers["server"].provisioning_state == "failed" and servers["server"].mount_settings is None
assert servers["running"].mount_settings.file_server_internal_ip == "10.0.0.4"
if hasattr(client.file_servers, "get"):  # 7.0.0 was published without get and delete
    assert client.file_servers.get(GROUP, WORKSPACE, "running").provisioning_state == "succeeded"
    begin(client.file_servers, "delete", GROUP, WORKSPACE, "server")
    assert [s.name for s in client.file_servers.list_by_workspace(GROUP, WORKSPACE)] == ["running"]
say("file servers were announced, listed and deleted")

# --- scale, usages, operations, and everything away
auto_scale = models.AutoScaleSettings(minimum_node_count=0, maximum_node_count=2)
wanted = new_scale(models.ScaleSettings(auto_scale=auto_scale))
scaled = client.clusters.update(GROUP, WORKSPACE, "cluster", wanted)
assert scaled.scale_settings.auto_scale.maximum_node_count == 2 and scaled.scale_settings.manual is None
assert "Clusters" in [u.name.value for u in client.usages.list("northeurope")]
assert list(client.operations.list())
begin(client.clusters, "delete", GROUP, WORKSPACE, "cluster")
assert list(client.clusters.list_by_workspace(GROUP, WORKSPACE)) == []
begin(client.jobs, "delete", *AT, "job")
begin(client.workspaces, "delete", GROUP, WORKSPACE)
assert status_of(lambda: client.workspaces.get(GROUP, WORKSPACE)) == (404, "WorkspaceNotFound")
say("everything deleted")
