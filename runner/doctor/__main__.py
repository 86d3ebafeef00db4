"""`python -m runner.doctor`: examine this machine and its installation."""

import argparse
import logging
import os
import sys

from runner.doctor.checks_settings import Given
from runner.doctor.report import as_json, exit_code, print_table
from runner.doctor.run_checks import examine

_EPILOG = """Settings come from the environment (docs/reference/settings.md); where it has none, from the
local stack that runs in this directory. What is tried in storage has throw-away names and is removed again.

Example:

    python -P -m runner.doctor --cluster research/gpu -o table

Exit codes: 0 nothing failed, 1 something failed, 2 wrong usage."""


def main(argv: list[str] | None = None) -> int:
    """Examine and report; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m runner.doctor",
        description="Check settings, storage rights, mounts, GPUs, the machine; say what mends each fault.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="form")
    parser.add_argument("--cluster", default="", help="<workspace>/<cluster> or <cluster>, as for the runner")
    parser.add_argument("--node-id", default="", help="name of this node (default: the host's)")
    parser.add_argument("--root", default="", help="folder for mounts and temps")
    parser.add_argument(
        "--gpus", default="", help="its GPUs of this machine: 0,1 or UUIDs, none, all (default)"
    )
    args = parser.parse_args(argv)
    logging.disable(logging.CRITICAL)  # SDKs log what the report says better
    report = examine(os.environ, Given(args.cluster, args.node_id, args.root, args.gpus))
    if args.output == "json":
        print(as_json(report))
    else:
        print_table(report)
    return exit_code(report)


if __name__ == "__main__":
    sys.exit(main())
