"""Chaos for hours with a steady stream of jobs: `make soak HOURS=2`, or `python -m tests.soak --minutes 30`.

Writes samples.jsonl (one by one), index.html and a picture for each thing that is measured. Ends with 0 when
nothing is wrong and nothing was seen to grow, with 1 otherwise.
"""

import argparse
import json
import logging
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tests.soak import report
from tests.soak.run import Plan, Soak, run
from tests.soak.slopes import Slope, slopes
from tests.support.durations import minutes


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    plan = Plan(args.minutes * 60, args.seed, args.pace, args.keep)
    out = args.out or Path(tempfile.mkdtemp(prefix="batchai-soak-"))
    out.mkdir(parents=True, exist_ok=True)
    with (
        _quiet_logs(),
        tempfile.TemporaryDirectory(prefix="batchai-soak-", ignore_cleanup_errors=True) as folder,
    ):
        say: Callable[[str], None] = _silent if args.output == "json" else _say
        say(f"samples go to {out}/samples.jsonl")
        soak = run(Path(folder), out, plan, say)
    found = slopes(soak.samples, args.warm_up * 60, args.least * 60)
    page = report.write(soak, found, out)
    if args.output == "json":
        print(json.dumps(_as_json(soak, found, page), indent=2))
    else:
        print(report.table(soak, found), f"curves: {page}", sep="\n")
    return 1 if report.faults(soak, found) else 0


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Broken storage is what this is about: nobody needs to read of it."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)


def _say(line: str) -> None:
    print(line, flush=True)


def _silent(line: str) -> None:
    """Nothing but JSON is to be on standard output."""


def _as_json(soak: Soak, found: list[Slope], page: Path) -> dict[str, object]:
    judged = [asdict(one) for one in found if one.error < float("inf")]
    summary: dict[str, object] = {"jobs": soak.jobs, "faults": soak.faults, "givenUp": soak.given_up}
    return summary | {"slopes": judged, "wrong": report.faults(soak, found), "page": str(page)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=minutes, default=120.0, help="how long (default: 120)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the order of faults")
    parser.add_argument("--out", type=Path, help="folder for samples and curves (default: a new one)")
    parser.add_argument("--pace", type=float, default=1.0, help="seconds between two jobs (default: 1)")
    parser.add_argument(
        "--keep",
        type=float,
        default=60.0,
        help="seconds that ended jobs are kept, their files half as long again (default: 60)",
    )
    parser.add_argument("--warm-up", type=float, default=5.0, help="minutes not judged (default: 5)")
    parser.add_argument(
        "--least", type=float, default=20.0, help="minutes that a verdict needs (default: 20)"
    )
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
