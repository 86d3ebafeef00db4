"""What the local stack costs while nothing happens: `python -m bench.idle [documents] [seconds]`.

Lays 10,000 documents (by default), each with its answer, into the container of an Azurite, with receipts, as
in a stack that has run for a while; starts the stack with one runner on it, lets it settle, and prints what
share of a processor each part takes.
"""

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
from azure.storage.blob import BlobServiceClient

from local import azurite
from local.host.blob_messages import quoted
from local.host.model import FUNCTION_ID_PREFIX
from local.host.receipts import HOSTS_CONTAINER, Receipts
from local.layout import DataDirectory
from local.stack import Stack

_HOST_ID = "batchai-local"
_SETTLE_SECONDS = 20.0


def main() -> None:
    documents = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    with tempfile.TemporaryDirectory() as folder:
        directory = DataDirectory(Path(folder))
        directory.make()
        _lay(directory, documents)
        stack = Stack(directory, print)
        state = stack.start()
        try:
            time.sleep(_SETTLE_SECONDS)
            before = {part.name: _cpu(part.pid) for part in state.parts}
            time.sleep(seconds)
            spent = {part.name: _cpu(part.pid) - before[part.name] for part in state.parts}
        finally:
            stack.stop()
    print(f"\n{documents} documents, {seconds:.0f} s idle; share of one processor")
    for name, cpu in (*spent.items(), ("all", sum(spent.values()))):
        print(f"{name:<24}{cpu / seconds:8.2%}")


def _lay(directory: DataDirectory, documents: int) -> None:
    begun = time.monotonic()
    child, endpoints = azurite.start(directory.root / "azurite.log", directory.azurite)
    try:
        with BlobServiceClient.from_connection_string(endpoints.connection_string) as client:
            container, hosts = client.create_container("jobs"), client.create_container(HOSTS_CONTAINER)

            def lay(number: int) -> tuple[str, str]:
                path = f"default/exp/job-{number:06}"
                container.upload_blob(f"{path}/status.json", b"{}")
                dropped = container.upload_blob(f"{path}/job.json", b"{}")
                return quoted(str(dropped.get_blob_properties().etag)), f"{path}/job.json"

            with ThreadPoolExecutor(4) as pool:
                receipts = list(pool.map(lay, range(documents)))
            Receipts(hosts, _HOST_ID, f"{FUNCTION_ID_PREFIX}job_dropped", "jobs").write(receipts)
    finally:
        child.stop()
    print(f"laid: {documents} documents, {time.monotonic() - begun:.0f} s", flush=True)


def _cpu(pid: int) -> float:
    """Seconds of a process and of those that it started and that still live."""
    process = psutil.Process(pid)
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return float(sum(time.user + time.system for time in times))


if __name__ == "__main__":
    main()
