"""Which step host an attempt has: its container where the document names one, else the node."""

from collections.abc import Mapping

from runner.attempt.host import AttemptHost
from runner.attempt.record import AttemptRecord
from runner.containers.container_host import ContainerStepHost
from runner.mounts.types import Volume
from runner.processes.process_tracker import ProcessTracker
from runner.processes.step_host import NodeStepHost, StepHost
from runner.processes.stop_signal import StopSignal
from shared.documents.spec import JobSpec
from shared.environment.variables import Placement
from shared.jobs.events import EventKind


def step_host_of(
    spec: JobSpec,
    placement: Placement,
    host: AttemptHost,
    volumes: Mapping[str, tuple[Volume, ...]],
    record: AttemptRecord,
    tracker: ProcessTracker,
    stop: StopSignal,
) -> StepHost:
    """Not yet open. `volumes`: mount root -> what is mounted there."""
    if spec.container_settings is None:
        return NodeStepHost(host.config, placement.layout, tracker, record.say, host.share)
    return ContainerStepHost(
        config=host.config,
        spec=spec,
        placement=placement,
        tracker=tracker,
        volumes=volumes,
        say=record.say,
        stop=stop,
        gpus=host.share.device_ids,
        image_ready=lambda image: record.happened(EventKind.IMAGE_READY, image),
    )
