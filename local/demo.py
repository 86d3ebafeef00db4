"""The demo: a real data set and script, a job.json dropped into a container, and what comes of it.

No private call starts the job: everything here is the public SDK of Azure Storage and an HTTP GET.
"""

import subprocess
import sys
import time
from contextlib import ExitStack

from azure.storage.blob import BlobServiceClient
from azure.storage.fileshare import ShareServiceClient
from rich.console import Console

from local.demo_machines import MachinesWatch
from local.demo_watch import Interrupt, Watch
from local.environment import RESOURCE_GROUP, SUBSCRIPTION
from local.layout import DataDirectory, StackState, load
from local.seed import drop_cluster
from local.stack import APP, Stack
from shared.names.ids import ClusterId

EXAMPLE = APP / "examples" / "digits"
#: Its own: a stack that runs already keeps the clusters it has.
CLUSTER = ClusterId("default", "digits-demo")
#: The demo shows how its machine is deleted again; nobody should have to wait long for that.
_IMPATIENT = {"BATCHAI_SCALE_IN_SECONDS": "3"}
_JOB_PATH = "default/demo/digits/job.json"
_JOB_ID = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/providers/Microsoft.BatchAI"
    "/workspaces/default/experiments/demo/jobs/digits"
)


def run(directory: DataDirectory, console: Console) -> int:
    """Run the demo on the running stack, or on one of its own that is stopped afterwards.

    The exit code of the job; 1 when it ended without one, 130 on Ctrl-C.
    """
    stack: Stack | None = None
    interrupt = Interrupt()
    try:
        state = load(directory)
        if state is None:
            _title(console, "1. The stack, on free ports of this machine")
            stack = Stack(
                directory, lambda line: console.print(f"   {line}"), overrides=_IMPATIENT, machines=1
            )
            state = stack.start()
        else:
            _title(console, "1. The stack is running already (make status)")
        with ExitStack() as clients:
            console.print(f"   look at it all in a browser while it runs: {state.console}")
            blobs = clients.enter_context(BlobServiceClient.from_connection_string(state.storage))
            shares = clients.enter_context(ShareServiceClient.from_connection_string(state.files))
            machines = MachinesWatch(console, directory, state, CLUSTER)
            clients.callback(machines.close)
            return _show(directory, console, state, blobs, shares, machines, interrupt)
    except KeyboardInterrupt:
        console.print("\ninterrupted; stopping")
        return 130
    finally:
        if stack:
            stack.stop()
            console.print("   everything is stopped; no process and no mount is left")


def _show(
    directory: DataDirectory,
    console: Console,
    state: StackState,
    blobs: BlobServiceClient,
    shares: ShareServiceClient,
    machines: MachinesWatch,
    interrupt: Interrupt,
) -> int:
    _title(console, "2. Data into the container data, the script onto the share scripts")
    _upload(directory, console, blobs, shares)
    _title(console, "3. cluster.json and job.json, dropped with the blob SDK")
    cluster_path = f"{CLUSTER}/cluster.json"
    drop_cluster(blobs, cluster_path, (EXAMPLE / "cluster.json").read_bytes())
    console.print(f"   clusters/{cluster_path}")
    document = (EXAMPLE / "job.json").read_bytes()
    blobs.get_blob_client("jobs", _JOB_PATH).upload_blob(document, overwrite=True)
    console.print(f"   jobs/{_JOB_PATH}")
    watch = Watch(
        console, state.http + _JOB_ID, shares, blobs, _JOB_PATH, time.time(), interrupt, machines.show
    )
    _title(console, "4. What happens")
    job = watch.follow()
    if job is None:
        return 1
    _title(console, "5. What came of it")
    code = watch.result(job)
    machines.await_none()
    _next_steps(console, state, directory)
    return code


def _upload(
    directory: DataDirectory, console: Console, blobs: BlobServiceClient, shares: ShareServiceClient
) -> None:
    data = directory.root / "demo-data"
    subprocess.run([sys.executable, str(EXAMPLE / "make_data.py"), "--out", str(data)], check=True)
    container = blobs.get_container_client("data")
    if not container.exists():
        container.create_container()
    for path in sorted(data.iterdir()):
        container.upload_blob(f"digits/{path.name}", path.read_bytes(), overwrite=True)
        console.print(f"   data/digits/{path.name}  {path.stat().st_size:,} bytes")
    present = {share.name for share in shares.list_shares()}
    for name in ("scripts", "output", "logs"):
        if name not in present:
            shares.create_share(name)
    folder = shares.get_share_client("scripts").get_directory_client("digits")
    if not folder.exists():
        folder.create_directory()
    script = EXAMPLE / "train.py"
    folder.upload_file(script.name, script.read_bytes())
    console.print(f"   scripts/digits/{script.name}  {script.stat().st_size:,} bytes")


def _next_steps(console: Console, state: StackState, directory: DataDirectory) -> None:
    _title(console, "Next")
    console.print(
        "   make up        leaves the stack running; drop your own job.json into the container jobs"
    )
    console.print("   make status    what runs where       make down   stops it")
    console.print(
        f"   {EXAMPLE.relative_to(APP)}/job.json is the document of this job: change it and drop it again"
    )
    console.print(f"   the shares are plain folders in {directory.shares}")


def _title(console: Console, text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")
