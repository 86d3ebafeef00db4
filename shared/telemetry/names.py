"""Every span, attribute and metric, with what it means. docs/reference/telemetry.md lists them; a test
compares. PURE."""

from enum import Enum, StrEnum


class SpanName(StrEnum):
    """The spans of a job's trace."""

    JOB = "batchai.job"  #: from the moment it was accepted until status.json shows its end: the root
    ACCEPT = "batchai.accept"  #: the function app reads, stores and queues the document
    WAIT = "batchai.wait"  #: queued, until a runner begins to claim it
    CLAIM = "batchai.claim"  #: the runner writes the claim over the job's row
    ATTEMPT = "batchai.attempt"  #: from the claim until the end of the attempt is reported
    NODE = "batchai.node"  #: one node's part in an attempt
    MOUNT = "batchai.mount"  #: one volume is mounted
    IMAGE = "batchai.image"  #: the container's image is made present
    PREPARATION = "batchai.preparation"  #: jobPreparation runs
    PROCESSES = "batchai.processes"  #: the job's processes run
    UNMOUNT = "batchai.unmount"  #: one volume is written back and unmounted
    UPLOAD = "batchai.upload"  #: the logs are brought where people read them


class Attribute(StrEnum):
    """What spans, metrics and log records say of themselves. Nothing that a document's author wrote freely,
    beside names: no command, no variable, no message."""

    JOB = "batchai.job.id"  #: <workspace>/<experiment>/<job>
    RUN = "batchai.job.uuid"  #: of the run
    STATE = "batchai.job.state"  #: of a span: succeeded or failed; of a metric: any
    TOOL = "batchai.job.tool_type"
    CLUSTER = "batchai.cluster"  #: <workspace>/<cluster>
    NODES = "batchai.job.node_count"
    NUMBER = "batchai.attempt.number"  #: from 1
    REASON = "batchai.attempt.reason"  #: how it ended, a closed list
    NODE = "batchai.node.id"
    NODE_STATE = "batchai.node.state"
    VOLUME = "batchai.volume.kind"
    DRIVER = "batchai.volume.driver"
    FOLDER = "batchai.volume.folder"  #: relativeMountPath
    IMAGE = "container.image.name"
    EXIT_CODE = "process.exit.code"
    SERVICE = "batchai.storage.service"  #: blob, queue or table
    METHOD = "http.request.method"


class Kind(StrEnum):
    """What becomes of the values of a metric."""

    COUNTER = "counter"  #: they are added up
    GAUGE = "gauge"  #: the latest counts
    HISTOGRAM = "histogram"  #: how they are spread


class Metric(Enum):
    """A metric: its name, kind and unit (UCUM's)."""

    JOBS = ("batchai.jobs", Kind.GAUGE, "{job}")
    QUEUE_LENGTH = ("batchai.queue.length", Kind.GAUGE, "{job}")
    QUEUE_AGE = ("batchai.queue.age", Kind.GAUGE, "s")
    NODES = ("batchai.nodes", Kind.GAUGE, "{node}")
    WAIT = ("batchai.job.wait.duration", Kind.HISTOGRAM, "s")
    RUN = ("batchai.attempt.duration", Kind.HISTOGRAM, "s")
    ATTEMPTS = ("batchai.attempts", Kind.COUNTER, "{attempt}")
    GPU_TIME = ("batchai.gpu.time", Kind.COUNTER, "s")
    EVENTS_SENT = ("batchai.events.sent", Kind.COUNTER, "{event}")
    EVENTS_WAITING = ("batchai.events.waiting", Kind.GAUGE, "{event}")
    EVENTS_AGE = ("batchai.events.age", Kind.GAUGE, "s")
    REQUESTS = ("batchai.storage.requests", Kind.COUNTER, "{request}")
    THROTTLED = ("batchai.storage.throttled", Kind.COUNTER, "{request}")

    def __init__(self, title: str, kind: Kind, unit: str) -> None:
        self.title = title
        self.kind = kind
        self.unit = unit
