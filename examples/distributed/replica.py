"""A parameter server and its workers, called as distributed TensorFlow scripts are, with Python alone.

The workers fit y = 3 x + 2, each to its own half of the data; the parameter server holds the two numbers and
adds to them what the workers find. Replace this script by one that uses TensorFlow: its arguments stay.
"""

import argparse
import json
import socket
import socketserver
import time
from pathlib import Path

state = {"a": 0.0, "b": 0.0, "steps": 0}


class Parameters(socketserver.StreamRequestHandler):
    """Each line is a change to add; the answer is what the numbers are now."""

    def handle(self) -> None:
        for line in self.rfile:
            for name, change in json.loads(line).items():
                state[name] += change
            self.wfile.write(json.dumps(state).encode() + b"\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


def connect(place: str) -> socket.socket:
    """The other task may still be starting."""
    host, _, port = place.rpartition(":")
    while True:
        try:
            return socket.create_connection((host, int(port)))
        except OSError:
            time.sleep(0.1)


def work(place: str, index: int, workers: int, steps: int) -> dict[str, float]:
    """Gradient descent on every `workers`-th point, each step upon what all have found so far."""
    points = [(x / 50, 3 * x / 50 + 2) for x in range(index, 100, workers)]
    with connect(place) as connection, connection.makefile("rw") as lines:
        found, change = {}, {}
        for step in range(steps + 1):
            lines.write(json.dumps(change) + "\n")
            lines.flush()
            found = json.loads(lines.readline())
            errors = [(x, found["a"] * x + found["b"] - y) for x, y in points]
            change = {
                "a": -0.1 * sum(error * x for x, error in errors) / len(errors),
                "b": -0.1 * sum(error for _, error in errors) / len(errors),
                "steps": 1,
            }
            if step % 200 == 0:
                print(f"worker {index}, step {step}: a = {found['a']:.3f}, b = {found['b']:.3f}", flush=True)
        return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--job_name", choices=("ps", "worker"), required=True)
    parser.add_argument("--task_index", type=int, required=True)
    parser.add_argument("--ps_hosts", required=True)
    parser.add_argument("--worker_hosts", required=True)
    parser.add_argument("--train_steps", type=int, default=1000)
    parser.add_argument("--checkpoint_dir", default="")
    args = parser.parse_args()
    servers, workers = args.ps_hosts.split(","), args.worker_hosts.split(",")
    if args.job_name == "ps":
        port = int(servers[args.task_index].rpartition(":")[2])
        with Server(("", port), Parameters) as server:
            print(f"parameter server at {servers[args.task_index]}", flush=True)
            server.serve_forever()
    found = work(servers[0], args.task_index, len(workers), args.train_steps)
    if args.task_index == 0 and args.checkpoint_dir:
        Path(args.checkpoint_dir, "model.json").write_text(json.dumps(found))


main()
