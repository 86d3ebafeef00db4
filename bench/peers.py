"""Ours beside RQ, Slurm and Ray, alternately in one run on this machine: `python -m bench.peers --jobs 100`.

Every system runs the same job: shell text that does nothing but print the time, its output in a file. Printed
are how many jobs a second workers drain from a full queue, how long one job takes that is put alone, and what
a job costs: processor time of the workers with everything that they start, storage calls, memory. Only ratios
of one run say anything about a machine that is shared.
"""

import argparse
import math
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.peer import Latency, Missing, Peer
from bench.peer_ours import Ours
from bench.peer_ray import Ray
from bench.peer_rq import Rq
from bench.peer_slurm import Slurm
from bench.process_cost import bystanders

_OTHERS: dict[str, type[Peer]] = {"rq": Rq, "slurm": Slurm, "ray": Ray}
_AT_ONCE = 20  #: sequential jobs of one system before it is another's turn


def main() -> None:
    asked = _asked()
    with tempfile.TemporaryDirectory(prefix="peers-") as folder, ExitStack() as stack:
        peers: list[Peer] = []
        for kind in (Ours, *(_OTHERS[name] for name in asked.beside)):
            place = Path(folder, kind.name)
            place.mkdir()
            try:
                peers.append(kind(place))
                stack.callback(peers[-1].close)
            except Missing as missing:
                print(f"not measured: {missing}")
        stack.enter_context(bystanders(asked.bystanders))
        for count in asked.workers:
            _drains(peers, count, asked.jobs, asked.rounds)
        if asked.latencies:
            _latencies(peers, asked.latencies)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    names = list(_OTHERS)
    parser.add_argument("--beside", nargs="*", choices=names, default=names, help="the other systems")
    parser.add_argument("--jobs", type=int, default=200, help="jobs of one drain (default: 200)")
    parser.add_argument("--rounds", type=int, default=3, help="drains of each system (default: 3)")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4], help="workers of a drain")
    parser.add_argument("--latencies", type=int, default=200, help="jobs put one by one (default: 200)")
    parser.add_argument("--bystanders", type=int, default=0, help="idle processes of others (default: 0)")
    return parser.parse_args()


def _drains(peers: Sequence[Peer], workers: int, jobs: int, rounds: int) -> None:
    rates: defaultdict[str, list[float]] = defaultdict(list)
    cpu: defaultdict[str, list[float]] = defaultdict(list)
    calls: defaultdict[str, list[float]] = defaultdict(list)
    memory: dict[str, float] = {}
    for peer in peers:
        peer.workers(workers)
    for _ in range(rounds):
        for peer in peers:
            called = peer.calls()
            peer.put(jobs)
            before = peer.cost()
            peer.wake()
            rates[peer.name].append(peer.drained().rate)
            after = peer.cost()
            calls[peer.name].append((peer.calls() - called) / jobs)
            peer.quiet()
            cpu[peer.name].append((after.cpu_seconds - before.cpu_seconds) / jobs)
            memory[peer.name] = after.memory_mib
    print(f"\ndrain of {jobs} jobs, {workers} workers, median of {rounds}")
    print(f"{'':<8}{'jobs/s':>10}{'ratio':>8}{'CPU ms/job':>12}{'ratio':>8}{'MiB':>8}{'calls/job':>11}")
    ours = (statistics.median(rates["ours"]), statistics.median(cpu["ours"]))
    for peer in peers:
        rate, each = statistics.median(rates[peer.name]), statistics.median(cpu[peer.name])
        row = f"{rate:>10.1f}{ours[0] / rate:>8.2f}{each * 1e3:>12.1f}{ours[1] / each:>8.2f}"
        called = statistics.median(calls[peer.name])
        sent = "-" if math.isnan(called) else f"{called:.1f}"
        print(f"{peer.name:<8}{row}{memory[peer.name]:>8.0f}{sent:>11}", flush=True)


def _latencies(peers: Sequence[Peer], count: int) -> None:
    found: defaultdict[str, list[Latency]] = defaultdict(list)
    for peer in peers:
        peer.workers(1)
    for start in range(0, count, _AT_ONCE):
        for peer in peers:
            peer.wake()
            peer.one()
            found[peer.name] += [peer.one() for _ in range(min(_AT_ONCE, count - start))]
            peer.quiet()
    print(f"\n{count} jobs one by one, one worker; milliseconds p50 / p99")
    print(f"{'':<8}{'accepted':>16}{'accepted->runs':>18}{'put->runs':>18}{'put->seen':>18}")
    for name, rows in found.items():
        columns = (
            [row.accepted for row in rows],
            [row.started - row.accepted for row in rows],
            [row.started for row in rows],
            [row.seen for row in rows],
        )
        words = (f"{statistics.median(c):.0f} / {_worst(c):.0f}" for c in columns)
        print(f"{name:<8}" + "".join(f"{w:>{n}}" for w, n in zip(words, (16, 18, 18, 18), strict=True)))


def _worst(values: Sequence[float]) -> float:
    """The 99th percentile."""
    return sorted(values)[max(0, round(len(values) * 0.99) - 1)]


if __name__ == "__main__":
    main()
