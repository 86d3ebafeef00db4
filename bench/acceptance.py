"""Documents that the function app accepts in a second: `python -m bench.acceptance [documents] [rounds]`.

In each round as many documents go through a function that only reads its blob and through the app, on one
thin host each and one Azurite. A host is stopped (SIGSTOP) while its documents are dropped. The ratio is what
to compare, because both share the machine; CPU per document shows what the rates would be on a machine with
nothing else to do. Storage calls are those of the app; the host's own come on top.
"""

import signal
import statistics
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
from azure.storage.blob import BlobServiceClient

from api.blob_drops import take_job
from local import azurite, environment, processes
from local.host.launch import host_command
from local.layout import DataDirectory
from shared.backend import Backend, backend, provision
from shared.documents.parse import DocumentSettings, parse_job
from shared.names.ids import ClusterId
from shared.settings_reader import settings_from
from shared.stores.connection import CallCounter

_APP = Path(__file__).parent.parent
_TRIVIAL = """\
    import azure.functions as func

    app = func.FunctionApp()

    @app.blob_trigger(arg_name="blob", path="trivial/{path}/job.json", connection="BATCHAI_STORAGE")
    def trivial(blob: func.InputStream) -> None:
        blob.read()
    """
_DOCUMENT = b"""{
  "properties": {
    "nodeCount": 1,
    "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs",
    "environmentVariables": [{"name": "EPOCHS", "value": "12"}, {"name": "SEED", "value": "7"}],
    "secrets": [{"name": "TOKEN", "value": "not-a-real-one"}],
    "inputDirectories": [{"id": "DATA", "path": "$AZ_BATCHAI_JOB_MOUNT_ROOT/data"}],
    "outputDirectories": [{"id": "MODEL", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/models"}],
    "customToolkitSettings": {"commandLine": "python $AZ_BATCHAI_INPUT_DATA/train.py --epochs 12"}
  }
}
"""
_LIMIT_SECONDS = 90.0


@dataclass(frozen=True)
class Rate:
    """What one batch of documents took."""

    per_second: float
    host_ms: float  #: CPU of the host per document
    azurite_ms: float


@dataclass(frozen=True)
class Lane:
    """A host with one function that is measured, and where its documents are dropped."""

    host: processes.Child
    function: str
    container: str

    def done(self) -> int:
        return self.host.log.read_bytes().count(f"Executed 'Functions.{self.function}' (Succeeded".encode())


def main() -> None:
    documents, rounds = _number(1, 200), _number(2, 3)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        directory = DataDirectory(folder)
        directory.make()
        emulator, endpoints = azurite.start(
            folder / "azurite.log", directory.azurite, changes=directory.blob_changes
        )
        stack.callback(emulator.stop)
        shared = environment.shared_settings(directory, endpoints, processes.free_port())
        settings = settings_from(shared)
        provision(settings)
        counter = CallCounter()
        services = backend(settings, counter)
        stack.callback(services.close)
        blobs = stack.enter_context(BlobServiceClient.from_connection_string(settings.storage))
        blobs.create_container("trivial")
        home = ClusterId("default", "default")
        cluster = (_APP / "examples/hello/cluster.json").read_bytes()
        services.cluster_manager.accept(home, cluster, f"{settings.clusters_container}/{home}/cluster.json")
        lanes = _lanes(stack, folder, environment.function_app_settings(shared, directory))
        results: dict[str, list[Rate]] = {lane.function: [] for lane in lanes}
        for number in range(rounds + 1):
            for lane in lanes:
                rate = _batch(lane, emulator, blobs, f"r{number}", documents if number else 20)
                if number:  # the first batch is the warm-up
                    results[lane.function].append(rate)
        _show(results, _alone(services, counter, documents), documents)


def _lanes(stack: ExitStack, folder: Path, settings: Mapping[str, str]) -> tuple[Lane, Lane]:
    trivial = folder / "trivial"
    trivial.mkdir()
    (trivial / "function_app.py").write_text(textwrap.dedent(_TRIVIAL))
    (trivial / "host.json").write_bytes((_APP / "host.json").read_bytes())
    return (
        Lane(_host(stack, folder, trivial, settings), "trivial", "trivial"),
        Lane(_host(stack, folder, _APP, settings), "job_dropped", "jobs"),
    )


def _host(stack: ExitStack, folder: Path, app: Path, settings: Mapping[str, str]) -> processes.Child:
    own = {"AzureFunctionsWebHost__hostid": f"bench-{app.name}", "BATCHAI_SWEEP_SCHEDULE": "0 0 0 1 1 *"}
    env = environment.machine() | dict(settings) | own
    changes, thin = DataDirectory(folder).blob_changes, env | {"BATCHAI_HOST": "thin"}
    command = host_command(app, processes.free_port(), blob_changes=changes, environment=thin)
    host = processes.start("host", command, folder / f"host-{app.name}.log", env, _APP)
    stack.callback(host.stop)
    host.wait_ready(lambda: b"Ready:" in host.log.read_bytes(), 60)
    return host


def _batch(lane: Lane, emulator: processes.Child, blobs: BlobServiceClient, name: str, count: int) -> Rate:
    """Drop `count` documents while the host is stopped, let it go on, wait for the last."""
    before = lane.done()
    lane.host.process.send_signal(signal.SIGSTOP)

    def drop(number: int) -> None:
        path = f"default/{name}/j{number}/job.json"
        blobs.get_blob_client(lane.container, path).upload_blob(_DOCUMENT, overwrite=True)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(drop, range(count)))
    cpu = _cpu(lane.host), _cpu(emulator)
    begun = time.monotonic()
    lane.host.process.send_signal(signal.SIGCONT)
    while lane.done() - before < count:
        if time.monotonic() - begun > _LIMIT_SECONDS:
            raise SystemExit(f"{lane.function}: {lane.done() - before} of {count}\n{lane.host.tail(40)}")
        time.sleep(0.02)
    seconds = time.monotonic() - begun
    spent = _cpu(lane.host) - cpu[0], _cpu(emulator) - cpu[1]
    return Rate(count / seconds, *(1000 * each / count for each in spent))


def _cpu(child: processes.Child) -> float:
    times = psutil.Process(child.process.pid).cpu_times()
    return times.user + times.system


def _alone(services: Backend, counter: CallCounter, count: int) -> tuple[float, float, float]:
    """Per document, in this process: CPU milliseconds of accepting and of parsing alone, storage calls."""
    place = "{}/default/alone/j{}/job.json"
    container = services.settings.jobs_container
    take_job(services, place.format(container, "first"), _DOCUMENT, "0x1")
    counter.reset()
    number = iter(range(count))
    accepting = _milliseconds(
        lambda: take_job(services, place.format(container, next(number)), _DOCUMENT, "0x1"), count
    )
    calls = counter.snapshot().total() / count
    reading = DocumentSettings.of(services.settings)
    return accepting, _milliseconds(lambda: parse_job(_DOCUMENT, reading), count), calls


def _milliseconds(act: Callable[[], object], times: int) -> float:
    begun = time.process_time()
    for _ in range(times):
        act()
    return 1000 * (time.process_time() - begun) / times


def _show(results: Mapping[str, list[Rate]], alone: tuple[float, float, float], documents: int) -> None:
    print(f"\n{documents} documents a round; medians; CPU in ms per document")
    print(f"{'function':<14}{'docs/s':>8}{'host':>8}{'azurite':>9}")
    medians = {}
    for name, rates in results.items():
        figures = [(rate.per_second, rate.host_ms, rate.azurite_ms) for rate in rates]
        columns = [statistics.median(column) for column in zip(*figures, strict=True)]
        medians[name] = columns
        print(f"{name:<14}{columns[0]:8.1f}{columns[1]:8.1f}{columns[2]:9.1f}")
    accepting, parsing, calls = alone
    trivial, ours = medians["trivial"], medians["job_dropped"]
    print(f"the app's rate is {ours[0] / trivial[0]:.0%} of the trivial function's")
    share = f"{parsing:.1f} ms ({parsing / ours[1]:.0%})"
    print(f"of the host's {ours[1]:.1f} ms per document the parser takes {share}")
    print(f"accepting alone, in one thread without a host: {accepting:.1f} ms CPU, {calls:.2f} storage calls")


def _number(place: int, otherwise: int) -> int:
    return int(sys.argv[place]) if len(sys.argv) > place else otherwise


if __name__ == "__main__":
    main()
