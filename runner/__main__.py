"""`python -m runner`: a runner of one cluster."""

import argparse
import gc
import logging
import os
import sys
from collections.abc import Callable

from runner.agent.gang_session import gang_session
from runner.agent.loop import Agent
from runner.agent.shutdown import FINISHED, LEAVE_SECONDS, OUT_OF_TIME, Departure, await_listener
from runner.agent.stay import Stay
from runner.config import RunnerConfig, config_from
from runner.containers.container import sweep as sweep_containers
from runner.containers.docker import Docker
from runner.isolation.node_config import NodeConfig
from runner.isolation.setup import isolated
from runner.logs.routing import mount_context
from runner.machine import priority
from runner.machine.gpu_claims import claimed
from runner.machine.gpu_share import GpuShare
from runner.machine.network import primary_address
from runner.mounts import mount
from runner.processes import orphans
from runner.secrets import log_filter
from runner.secrets.redaction import KnownSecrets, without_parameters
from runner.secrets.settings import secrets_in
from runner.ssh.ssh_link import SshLink
from shared import fail_points
from shared.backend import Backend, backend
from shared.errors import SettingsError, StoreError
from shared.settings import Settings
from shared.settings_reader import settings_from
from shared.stores.application_insights import (
    Insights,
    InsightsExporters,
    InsightsHandler,
    insights_from,
)
from shared.stores.secrets import sealing_keys
from shared.telemetry import switch

_EPILOG = f"""Settings come from the environment: BATCHAI_STORAGE and BATCHAI_SEALING_KEYS are needed,
docs/reference/settings.md lists the rest. Example:

    python -P -m runner --cluster research/gpu --node-id gpu-0 --root /mnt/batchai

SIGTERM and Ctrl-C hand the job under way back to the queue and stop. The process is gone
BATCHAI_DRAIN_SECONDS and {LEAVE_SECONDS:.0f} s later, whatever storage does. SIGUSR1, or
`batchai cluster node drain`, lets it end the job under way, take no other, and leave.
Exit codes: 0 stopped, 1 a Key Vault does not answer, 2 wrong settings, {OUT_OF_TIME} stopped because the
time was up: the lease of the job under way runs out, {FINISHED} left after its job as it was asked to.

For schedulers that start a runner for each job: --once leaves with 0 after one job, whatever became of it.
--idle-exit leaves with 0 after SECONDS without a job, with 1 where the node was not once ready for one."""

_IDLE_EXIT_SECONDS = 60.0
#: New objects until Python looks for cycles among them (700 by default: several times a job), such looks
#: until it looks again at what the first ones left, and these until it looks at everything. By default that
#: is once in hundreds of jobs, and a runner grows by megabytes meanwhile.
_COLLECTED_AT = (10_000, 4, 1)
#: The exit code of a runner that waited for work in vain on a node that could not have done any.
NEVER_READY = 1


def main(argv: list[str] | None = None) -> int:
    """Run until stopped; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m runner",
        description="Take jobs of one cluster and run them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cluster", default="", help="<workspace>/<cluster> or <cluster> (default: default)")
    parser.add_argument("--node-id", default="", help="name of this node (default: the host's)")
    parser.add_argument("--root", default="", help="folder for mounts and temps, one per runner")
    parser.add_argument(
        "--address", default="", help="how other nodes reach this one (default: its own IPv4)"
    )
    parser.add_argument(
        "--gpus", default="", help="its GPUs of this machine: 0,1 or UUIDs, none, all (default)"
    )
    parser.add_argument("--once", action="store_true", help="leave after one job (see below)")
    parser.add_argument(
        "--idle-exit",
        type=seconds,
        metavar="SECONDS",
        help=f"leave after so long without a job (default: never; with --once {_IDLE_EXIT_SECONDS:.0f})",
    )
    args = parser.parse_args(argv)
    await_listener()
    known = KnownSecrets()
    known.know("settings", secrets_in(os.environ))
    log_filter.set_up(known)
    try:
        config, wired, insights = _read(args)
        whose = f"runner {config.node_id} of cluster {config.cluster}"
        idle_exit = args.idle_exit or (_IDLE_EXIT_SECONDS if args.once else None)
        known.know("settings", (*secrets_in(os.environ), *sealing_keys.texts(wired.settings)))
        with (
            log_filter.sent_to(_sending(insights, config.node_id), known),
            switch.telemetry(
                os.environ, "batchai-runner", config.node_id, _redacted(known), _warn, InsightsExporters
            ),
            isolated(config) as node,
            claimed(config.gpus, whose) as share,
        ):
            return _run(node, wired, known, share, Stay(args.once, idle_exit))
    except SettingsError as error:
        for fault in error.faults:
            print(f"error: {fault}", file=sys.stderr)
        return 2
    except StoreError as error:  # the vault of the sealing key: another start may find it
        print(f"error: {error}", file=sys.stderr)
        return 1


def _run(config: NodeConfig, wired: Backend, known: KnownSecrets, share: GpuShare, stay: Stay) -> int:
    """Work until stopped; the exit code."""
    log = logging.getLogger("runner")
    priority.raise_own()
    orphans.adopt_orphans()
    sweep_containers(Docker(config.docker), config.root, log.info)  # they hold on to what is mounted
    context = mount_context(config, log.info, lambda error: log.warning("%s", error))
    mount.sweep(config.root, context)
    agent = Agent(wired, config, gang_session(SshLink), known=known, share=share, stay=stay)
    Departure(agent.stop, agent.kill, config.drain_seconds + LEAVE_SECONDS, agent.finish).listen()
    log.info("node %s of cluster %s, root %s", config.node_id, config.cluster, config.root)
    spare_the_collector()
    agent.run()
    wired.close()
    if stay.is_over:
        return NEVER_READY if stay.never_ready else 0
    return FINISHED if agent.has_finished else 0


def spare_the_collector() -> None:
    """What is there by now stays: Python looks for cycles only among what is made from now on."""
    gc.collect()
    gc.freeze()
    # What stays counts no more: or Python waits until a quarter as much has come.
    gc.collect()
    gc.set_threshold(*_COLLECTED_AT)


def seconds(text: str) -> float:
    """A number of seconds of the command line. Raises ValueError; argparse shows this name."""
    value = float(text)
    if not 0 < value < 86400:
        raise ValueError(text)
    return value


def _redacted(known: KnownSecrets) -> Callable[[str], str]:
    return lambda text: without_parameters(known.text(text))


def _warn(text: str) -> None:
    logging.getLogger("runner").warning("%s", text)


def _sending(insights: Insights | None, node_id: str) -> InsightsHandler | None:
    """What sends the log to Application Insights, where the settings name one."""
    if insights is None:
        return None
    try:
        return InsightsHandler(insights, node_id)
    except ImportError:
        # A node that runs jobs and logs to its journal only is better than none.
        wanted = "install what requirements.txt names first"
        logging.getLogger("runner").warning("nothing is sent to Application Insights: %s", wanted)
        return None


def _read(args: argparse.Namespace) -> tuple[RunnerConfig, Backend, Insights | None]:
    """The runner's config, its backend, and where its log is written beside stderr. Raises SettingsError with
    the faults of all."""
    faults: list[str] = []
    config: RunnerConfig | None = None
    settings: Settings | None = None
    insights: Insights | None = None
    try:
        insights = insights_from(os.environ)
    except SettingsError as error:
        faults += error.faults
    try:
        switch.exporters_from(os.environ)
    except SettingsError as error:
        faults += error.faults
    try:
        fail_points.prepare(os.environ)
        address = args.address or os.environ.get("BATCHAI_NODE_ADDRESS", "") or primary_address()
        config = config_from(os.environ, args.cluster, args.node_id, args.root, args.gpus, address)
    except SettingsError as error:
        faults += error.faults
    try:
        settings = sealing_keys.with_vault_keys(settings_from(os.environ))
    except SettingsError as error:
        faults += error.faults
    if faults or config is None or settings is None:
        raise SettingsError(tuple(faults))
    return config, backend(settings), insights


if __name__ == "__main__":
    sys.exit(main())
