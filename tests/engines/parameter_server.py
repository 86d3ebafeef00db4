"""What a distributed TensorFlow job does with its TF_CONFIG, without TensorFlow: every task opens the port
that is its own and exchanges numbers with the others.

Each worker, the master among them, gives index + 1 to a parameter server. The master waits until all have,
and sends it to every other worker, on the port of that worker, what the sum is. Parameter servers serve for
ever.
"""

import json
import os
import socket
import socketserver
import threading
import time
from collections.abc import Callable

CONFIG = json.loads(os.environ["TF_CONFIG"])
CLUSTER, ROLE, INDEX = CONFIG["cluster"], CONFIG["task"]["type"], CONFIG["task"]["index"]
numbers: list[int] = []


class Handler(socketserver.StreamRequestHandler):
    """One line in, one line out: a number to keep, or nothing; back comes everything that was kept."""

    def handle(self) -> None:
        if line := self.rfile.readline().strip():
            numbers.append(int(line))
        self.wfile.write(json.dumps(numbers).encode() + b"\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def ask(place: str, text: str) -> list[int]:
    """Connect, again and again until the other task is there."""
    host, _, port = place.rpartition(":")
    deadline = time.monotonic() + 60
    while True:
        try:
            with socket.create_connection((host, int(port)), timeout=10) as connection:
                connection.sendall(text.encode() + b"\n")
                return list(json.loads(connection.makefile().readline()))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def until(size: int, answer: Callable[[], list[int]]) -> list[int]:
    while len(found := answer()) < size:
        time.sleep(0.02)
    return list(found)


def main() -> None:
    job = "ps" if ROLE == "ps" else "worker"
    port = int(CLUSTER[job][INDEX].rpartition(":")[2])
    # All addresses, as TensorFlow's server listens.
    with Server(("", port), Handler) as server:
        if ROLE == "ps":
            server.serve_forever()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        workers, store = CLUSTER["worker"], CLUSTER["ps"][0]
        ask(store, str(INDEX + 1))
        if ROLE == "master":
            total = sum(until(len(workers), lambda: ask(store, "")))
            for other in workers[1:]:
                ask(other, str(total))
        else:
            (total,) = until(1, lambda: numbers)
        print(f"{ROLE} {INDEX} at port {port}: the sum is {total}", flush=True)
        server.shutdown()


main()
