"""What Batch AI's helper job_factory did: many jobs of one template, submitted at once by a pool of threads.

Runs in an environment of its own, without this project. Takes one argument, JSON: url, subscription, group,
workspace, cluster (its ARM id), jobs, threads. Prints how many were made in how many seconds.
"""

import json
import sys
import time
from multiprocessing.pool import ThreadPool

from azure.mgmt.batchai import BatchAIManagementClient, models
from msrest.authentication import BasicTokenAuthentication

ASKED = json.loads(sys.argv[1])
AT = (ASKED["group"], ASKED["workspace"], "experiment")


def parameters(number):
    """The template with one line of the search in it, as job_factory filled in its $PARAM_ placeholders."""
    return models.JobCreateParameters(
        cluster=models.ResourceId(id=ASKED["cluster"]),
        node_count=1,
        std_out_err_path_prefix="$AZ_BATCHAI_JOB_MOUNT_ROOT",
        custom_toolkit_settings=models.CustomToolkitSettings(
            command_line=f"train --learning-rate 0.{number}"
        ),
        environment_variables=[models.EnvironmentVariable(name="PARAM", value=str(number))],
    )


def main():
    client = BatchAIManagementClient(
        BasicTokenAuthentication({"access_token": "x"}), ASKED["subscription"], base_url=ASKED["url"]
    )
    client.config.long_running_operation_timeout = 1
    begun = time.monotonic()

    def submit(number):
        return client.jobs.create(*AT, f"job_{number}", parameters(number)).result().name

    with ThreadPool(ASKED["threads"]) as pool:
        made = pool.map(submit, range(ASKED["jobs"]), chunksize=1)
    seconds = time.monotonic() - begun
    listed = sorted(job.name for job in client.jobs.list_by_experiment(*AT))
    assert sorted(made) == listed == sorted(f"job_{n}" for n in range(ASKED["jobs"])), "some were lost"
    print(f"{len(listed)} jobs by {ASKED['threads']} threads in {seconds:.1f} s")


main()
