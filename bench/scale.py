"""How far an installation scales, on paper that runs: `python -m bench.scale [jobs] [folder for plots]`.

10, 100 and 1,000 runners with 100,000 jobs in one and in ten workspaces, in the virtual time of
bench/scale_model.py: throughput, waits, storage operations against Azure's limits, money, the first limit.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from bench.scale_model import (
    ACCEPTED,
    ACCOUNT,
    INSTANCES,
    PARTITION,
    QUEUE,
    Case,
    Outcome,
    Profile,
    Simulation,
    cases,
    nothing,
    profile,
)

#: USD per 10,000 operations (East US, LRS, list prices as in docs/how-to/deploy.md): writing blobs, the rest.
_BLOB_WRITE, _OTHER = 0.05, 0.004
_MONTH_SECONDS = 730 * 3600
_COLOURS = {1: "#0b6fb8", 10: "#c8553d"}


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    steps = profile()
    print(f"a job: {steps.calls.total()} calls ({_named(steps)}), {steps.entities} entities of its partition")
    _limits(steps)
    heading = f"{'jobs':<8}{'runners':>8}{'ws':>4}{'jobs/s':>9}{'wait p50':>10}{'p99':>10}{'ops/s':>8}"
    print(f"\n{heading}{'partition':>11}{'queue':>7}{'account':>9}{'USD/month':>11}")
    seen = [(case, Simulation(case, steps).run()) for case in cases(jobs)]
    for case, outcome in seen:
        print(_line(case, outcome))
    if len(sys.argv) > 2:
        folder = Path(sys.argv[2])
        (folder / "scale-throughput.svg").write_text(_plot(seen, "jobs a second", _throughput))
        (folder / "scale-partition.svg").write_text(
            _plot(seen, "share of a partition's 2,000 entities a second", lambda o: o.shares["partition"])
        )


def _named(steps: Profile) -> str:
    parts = {"submit": steps.submit, "claim": steps.claim, "finish": steps.finish}
    return ", ".join(f"{name} {step.total}" for name, step in parts.items())


def _limits(steps: Profile) -> None:
    """Jobs a second at which each limit is reached, whatever the number of runners."""
    messages = steps.submit.messages + steps.claim.messages + steps.finish.messages
    for name, rate in {
        "a workspace (partition of the table)": PARTITION / steps.entities,
        "a cluster (one of its queues)": QUEUE / messages,
        "the account": ACCOUNT / steps.calls.total(),
        f"the function app ({INSTANCES} instances at {ACCEPTED:.0f}/s)": INSTANCES * ACCEPTED,
    }.items():
        print(f"{name:<52}{rate:8.0f} jobs/s")


def _line(case: Case, outcome: Outcome) -> str:
    shares = outcome.shares
    kind = "no-op" if case.lengths is nothing else "mixed"
    rate = outcome.calls.total() / outcome.seconds
    return (
        f"{kind:<8}{case.runners:>8}{case.workspaces:>4}{_throughput(outcome):9.1f}{outcome.wait(0.5):10.0f}"
        f"{outcome.wait(0.99):10.0f}{rate:8.0f}{shares['partition']:11.1%}{shares['queue']:7.1%}"
        f"{shares['account']:9.1%}{_money(outcome):11.2f}"
    )


def _throughput(outcome: Outcome) -> float:
    return len(outcome.ended) / outcome.seconds


def _money(outcome: Outcome) -> float:
    """USD for storage operations if a month went on like this."""
    blobs = outcome.calls["PUT blob"]
    price = blobs * _BLOB_WRITE + (outcome.calls.total() - blobs) * _OTHER
    return price / 10_000 * _MONTH_SECONDS / outcome.seconds


def _plot(seen: list[tuple[Case, Outcome]], what: str, value: Callable[[Outcome], float]) -> str:
    """Bars of the no-op cases: groups by runners, colours by workspaces."""
    shown = [(case, value(outcome)) for case, outcome in seen if case.lengths is nothing]
    highest = max(height for _, height in shown)
    groups = sorted({case.runners for case, _ in shown})
    bars = []
    for case, height in shown:
        x = 80 + groups.index(case.runners) * 150 + (60 if case.workspaces > 1 else 0)
        tall = 220 * height / highest
        text = f"{height:.0%}" if highest <= 1.2 else f"{height:,.0f}"
        colour = _COLOURS[case.workspaces]
        bars.append(f'<rect x="{x}" y="{260 - tall:.1f}" width="50" height="{tall:.1f}" fill="{colour}"/>')
        bars.append(f'<text x="{x + 25}" y="{254 - tall:.1f}" text-anchor="middle">{text}</text>')
    labels = [
        f'<text x="{135 + place * 150}" y="280" text-anchor="middle">{runners:,} runners</text>'
        for place, runners in enumerate(groups)
    ]
    keys = [
        f'<text x="{300 + place * 130}" y="20" fill="{_COLOURS[count]}">workspaces: {count}</text>'
        for place, count in enumerate(_COLOURS)
    ]
    title = f'<text x="20" y="20">{what}</text>'
    style = 'font-family="sans-serif" font-size="13"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 295" {style}>'
    background = '<rect width="560" height="295" fill="white"/><path d="M60 260H540" stroke="black"/>'
    return "\n".join([head, background, title, *keys, *bars, *labels, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
