"""Which fault of an attempt means which outcome. Logs what no rule expects."""

import logging
from dataclasses import replace

from runner.attempt.result import Result
from runner.containers.errors import ContainerError
from runner.isolation import job_folders
from runner.isolation.node_config import NodeConfig
from runner.processes.process_tracker import ProcessTracker
from runner.processes.stop_signal import StopReason
from shared.errors import LaunchError, MountError, SecretError
from shared.jobs.model import Job, Outcome, Reason

log = logging.getLogger(__name__)


def no_secrets(error: Exception) -> Result:
    """The document's secrets could not be read: SecretError, or StoreError of a Key Vault."""
    reason = Reason.SECRET_UNAVAILABLE if isinstance(error, SecretError) else Reason.RUNNER_FAULT
    return Result(Outcome(reason, message=str(error)))


def no_folders(error: job_folders.FolderError) -> Result:
    """Nothing of the job has begun: any other node may have it, as its first."""
    return Result(None, stopped=StopReason.DRAIN, node_fault=str(error), temps_fault=True)


def no_logs(job: Job, error: Exception) -> Result:
    """Volumes or logs could not be resolved, before anything was mounted."""
    if isinstance(error, MountError):
        return Result(_mount(error))
    if isinstance(error, LaunchError):
        return Result(Outcome(Reason.START_FAILED, message=str(error)))
    log.error("not begun", exc_info=error, extra={"action": "run", "job": str(job.id)})
    return Result(Outcome(Reason.RUNNER_FAULT, message=str(error)), node_fault=str(error))


def ended_by(job: Job, error: Exception, outcome: Outcome | None, *, for_runner: bool) -> Outcome | None:
    """The outcome of an attempt that raised between mounting and unmounting. `outcome`: what it had come to
    before; `for_runner`: whether it was stopped for the runner's sake."""
    if isinstance(error, MountError):
        # After the job has ended this is an undo that failed: the job's own result stands.
        return outcome or (None if for_runner else _mount(error))
    if isinstance(error, ContainerError):
        return _container(error)
    if isinstance(error, LaunchError):
        return Outcome(Reason.START_FAILED, message=str(error))
    log.error("attempt failed", exc_info=error, extra={"action": "run", "job": str(job.id)})
    return Outcome(Reason.RUNNER_FAULT, message=f"{type(error).__name__}: {error}")


def explained(
    outcome: Outcome, tracker: ProcessTracker, config: NodeConfig, node_faults: list[str]
) -> Outcome:
    """The outcome of a failure, with the limit it ran into or the full disk it met in its message. Where no
    program of the user's had a say in that, it is the node's fault, which is added to `node_faults`."""
    if outcome.succeeded:
        return outcome
    if exceeded := tracker.bounds.exceeded():
        outcome = replace(outcome, message=f"{outcome.message}; {exceeded}")
    if not job_folders.is_full(config.root):
        return outcome
    message = f"{outcome.message}; the node's disk is full"
    asked_for = (Reason.TERMINATED, Reason.WALL_CLOCK, Reason.GPUS_IDLE)
    if outcome.exit_code is None and outcome.reason not in asked_for:
        node_faults.append("the node's disk is full")
        return Outcome(Reason.RUNNER_FAULT, message=message)
    return replace(outcome, message=message)


def _mount(error: MountError) -> Outcome:
    return Outcome(Reason(error.code), message=str(error), transient=error.transient)


def _container(error: ContainerError) -> Outcome:
    details = (("imageName", error.image),)
    return Outcome(Reason.CONTAINER_START, message=str(error), details=details, transient=error.transient)
