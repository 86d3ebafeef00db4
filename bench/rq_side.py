"""Feeds RQ, in the environment of the peers.

Beside `python -m bench.peers`, which talks to it in lines of JSON: {"do": "put"|"drained"|"commands"}.
"""

import json
import sys
import time
from typing import Any


def main() -> None:
    import redis  # type: ignore[import-not-found]  # of the peers' environment only
    import rq  # type: ignore[import-not-found]

    url, folder = sys.argv[1:]

    class Counted(redis.Redis):  # type: ignore[misc]
        """Counts what it sends one by one."""

        sent = 0

        def execute_command(self, *words: Any, **options: Any) -> Any:
            self.sent += 1
            return super().execute_command(*words, **options)

    connection = Counted.from_url(url)
    looks = 0
    queue = rq.Queue("bench", connection=connection)
    jobs: list[Any] = []

    def put(command: str, count: int) -> float:
        jobs[:] = [
            queue.enqueue("bench.rq_job.run", command, folder, f"j{time.time_ns()}-{number}", result_ttl=600)
            for number in range(count)
        ]
        return time.time()

    def drained(pause: float) -> dict[str, float]:
        nonlocal looks
        before = connection.sent
        for job in jobs:
            while not (job.is_finished or job.is_failed):
                time.sleep(pause)
        seen = time.time()
        looks += connection.sent - before
        fetched = rq.job.Job.fetch_many([job.id for job in jobs], connection)
        assert all(job.is_finished for job in fetched), "every job of RQ's has succeeded"
        first = min(job.started_at.timestamp() for job in fetched)
        return {"first": first, "last": max(job.ended_at.timestamp() for job in fetched), "seen": seen}

    def commands() -> float:
        """Without the looks at whether jobs have ended."""
        return float(connection.info("stats")["total_commands_processed"] - looks)

    for line in sys.stdin:
        asked = json.loads(line)
        what = asked.pop("do")
        answer = {"put": put, "drained": drained, "commands": commands}[what](**asked)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
