"""What it costs to load the function app: `python -m bench.imports 10`, with any Python it is deployed on.

Each figure is the median of processes of their own, in seconds of processor time: on a busy machine the clock
on the wall shows how busy it is. The last column compares with `import azure.functions`, which all pay.
"""

import json
import statistics
import subprocess
import sys

_STEPS = ("import azure.functions", "import function_app, beyond it", "first request, beyond that")
#: The first request makes the backend; what it then asks storage for is no matter of loading.
_LOAD = """
import base64, json, os, time
times = [time.process_time()]
import azure.functions
times.append(time.process_time())
import function_app
times.append(time.process_time())
os.environ["BATCHAI_STORAGE"] = "UseDevelopmentStorage=true"
os.environ["BATCHAI_SEALING_KEYS"] = base64.b64encode(bytes(32)).decode()
import api.blob_drops, shared.backend, shared.settings_reader
made = shared.backend.backend(shared.settings_reader.settings_from(os.environ))
made.connection.tables, made.connection.blobs, made.connection.queues
times.append(time.process_time())
print(json.dumps([end - begin for begin, end in zip(times, times[1:])]))
"""


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    rows = [_once() for _ in range(count + 1)][1:]  # the first one also compiles
    medians = [statistics.median(column) for column in zip(*rows, strict=True)]
    print(f"Python {sys.version.split()[0]}, {count} processes\n{'step':<32}{'seconds':>8}{'ratio':>8}")
    for name, median in zip(_STEPS, medians, strict=True):
        print(f"{name:<32}{median:8.2f}{median / medians[0]:8.2f}")


def _once() -> list[float]:
    done = subprocess.run([sys.executable, "-c", _LOAD], capture_output=True, text=True, check=True)
    times: list[float] = json.loads(done.stdout)
    return times


if __name__ == "__main__":
    main()
