"""Runs tasks of Ray, in the environment of the peer.

Beside `python -m bench.peers`, which talks to it in lines of JSON: {"do": "workers"|"drain"|"one"}.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    import ray  # type: ignore[import-not-found]  # of the peer's environment only

    folder = sys.argv[1]
    answers = sys.stdout
    sys.stdout = sys.stderr  # Ray prints

    def run(command: str, name: str) -> tuple[float, float]:
        started = time.time()
        with Path(folder, f"{name}.out").open("ab") as out, Path(folder, f"{name}.err").open("ab") as err:
            subprocess.run(["/bin/bash", "-c", command], stdout=out, stderr=err, check=True)
        return started, time.time()

    def workers(count: int) -> int:
        ray.shutdown()
        ray.init(num_cpus=count, include_dashboard=False, log_to_driver=False, _temp_dir=f"{folder}/ray")
        return count

    def drain(command: str, count: int) -> dict[str, float]:
        task = ray.remote(max_retries=0)(run)
        times = ray.get([task.remote(command, f"j{time.time_ns()}-{number}") for number in range(count)])
        return {"first": min(first for first, _ in times), "last": max(last for _, last in times)}

    def one(command: str) -> dict[str, float]:
        name, begun = f"j{time.time_ns()}", time.time()
        asked = ray.remote(max_retries=0)(run).remote(command, name)
        accepted = time.time()
        ray.get(asked)
        seen = time.time()
        started = float(Path(folder, f"{name}.out").read_text())
        return {"accepted": accepted - begun, "started": started - begun, "seen": seen - begun}

    does: dict[str, Any] = {"workers": workers, "drain": drain, "one": one}
    for line in sys.stdin:
        asked = json.loads(line)
        answer = does[asked.pop("do")](**asked)
        print(json.dumps(answer), file=answers, flush=True)
    ray.shutdown()


if __name__ == "__main__":
    main()
