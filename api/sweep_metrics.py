"""The metric of a run that has ended, from what it wrote: the metrics file or a log, beside its stdout."""

from api.log_files import LogFiles
from shared.jobs.model import Job
from shared.sweeps.metrics import last_match, last_value
from shared.sweeps.plan import Metric

#: Bytes of the end of a file that are looked through for the last value.
_MOST_READ = 1024 * 1024
_METRICS = "metrics"


def read_metric(files: LogFiles, job: Job, metric: Metric) -> float | None:
    """The value of the metric, None where the run wrote none. Where several processes wrote one the first by
    name counts. Raises RequestError for a folder that cannot be read, StoreError."""
    prefix, ending = (_METRICS, ".jsonl") if metric.key else (metric.log, ".txt")
    for name in sorted(file.name for file in files.listed(job)):
        plain = name.rpartition("/")[2]
        # Earlier attempts' files are called stdout.attempt-1.txt.
        if not plain.startswith(prefix) or not plain.endswith(ending) or ".attempt-" in plain:
            continue
        piece = files.read(job, name, -_MOST_READ, _MOST_READ)
        text = piece.data.decode("utf-8", "replace") if piece else ""
        value = last_value(text, metric.key) if metric.key else last_match(text, metric.pattern)
        if value is not None:
            return value
    return None
