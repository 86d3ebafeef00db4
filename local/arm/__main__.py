"""`python -m local.arm`: the stand-in with runners for machines, until SIGINT or SIGTERM."""

import argparse
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from local.arm.cloud import Cloud
from local.arm.server import listen, serve, url_of
from local.layout import DataDirectory
from local.runner_machines import RunnerMachines
from local.runner_process import dealt_gpus
from runner.machine import nvml

_EPILOG = """Its machines are runners of this installation with the environment of this program, one for each
machine of a scale set whose tag batchai-cluster names the cluster. They end with it, also where it is killed.

BATCHAI_LOCAL_ARM_TOKEN    what callers have to bear: Authorization: Bearer <token>
BATCHAI_LOCAL_START_SECONDS    how long a machine takes to start (0)
"""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    token = os.environ.pop("BATCHAI_LOCAL_ARM_TOKEN", "")
    try:
        seconds = float(os.environ.pop("BATCHAI_LOCAL_START_SECONDS", "") or 0)
        if not token or not 0 <= seconds < 86400:
            raise ValueError("BATCHAI_LOCAL_ARM_TOKEN is needed; BATCHAI_LOCAL_START_SECONDS is a number")
        machines = RunnerMachines(
            DataDirectory(options.root), dealt_gpus(nvml.inventory(), options.machines), os.environ
        )
        cloud = Cloud(machines, seconds, options.notice_seconds)
        with listen("127.0.0.1", options.port) as listener:
            print(f"Azure Resource Manager (scale sets): {url_of(listener)}", flush=True)
            serve(cloud, listener, token, _stop_on_signals)
    except (ValueError, OSError) as error:
        print(f"python -m local.arm: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.arm",
        description="The part of Azure Resource Manager that scale sets need, on one machine.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", type=Path, required=True, help="data directory of the stack")
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 takes a free one")
    parser.add_argument("--machines", type=int, required=True, help="how many machines there can be")
    parser.add_argument(
        "--notice-seconds",
        type=float,
        default=2.0,
        help="between the announcement of a deletion and the end of the machine (default: %(default)s)",
    )
    return parser


def _stop_on_signals(server: uvicorn.Server) -> None:
    def ask(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)


if __name__ == "__main__":
    sys.exit(main())
