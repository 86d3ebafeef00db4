"""`python -m tests.e2e.chaos --minutes 10 --seed 7`: chaos at random, and the ledger's verdict."""

import argparse
import logging
import random
import sys
import tempfile
from pathlib import Path

from tests.e2e.chaos import run_gangs
from tests.e2e.chaos.run import run
from tests.support.durations import minutes


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.chaos", description=__doc__)
    parser.add_argument("--minutes", type=minutes, default=2.0, help="how long (default: 2)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--quiet", action="store_true", help="print the verdict only")
    parser.add_argument("--gangs", action="store_true", help="jobs of one, two and three nodes")
    args = parser.parse_args()
    logging.disable(logging.ERROR)  # broken storage is what this is about
    with tempfile.TemporaryDirectory(prefix="batchai-chaos-", ignore_cleanup_errors=True) as folder:
        say = (lambda line: None) if args.quiet else (lambda line: print(line, flush=True))
        if args.gangs:
            wrong = run_gangs.run(Path(folder), args.minutes * 60, args.seed, say)
            print(f"seed {args.seed}", *(wrong or ["nothing wrong"]), sep="\n")
            return 1 if wrong else 0
        report = run(Path(folder), args.minutes * 60, args.seed, say)
    print(report.table())
    if not report.verdict.good:
        print(report.logs)
    return 0 if report.verdict.good else 1


if __name__ == "__main__":
    sys.exit(main())
