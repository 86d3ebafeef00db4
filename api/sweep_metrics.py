"""The metric of a run that has ended, from what it wrote: the metrics file or a log, beside its stdout."""

from api.output_files import folder_of
from shared.backend import Backend
from shared.environment.layout import STDOUTERR_FOLDER
from shared.jobs.model import Job
from shared.stores.volumes.reading import list_names, read_end
from shared.sweeps.metrics import last_match, last_value
from shared.sweeps.plan import Metric

#: Bytes of the end of a file that are looked through for the last value.
_MOST_READ = 1024 * 1024
_METRICS = "metrics"


def read_metric(backend: Backend, job: Job, metric: Metric) -> float | None:
    """The value of the metric, None where the run wrote none. Where several processes wrote one the first by
    name counts. Raises RequestError for a folder that cannot be read, StoreError."""
    kind, folder = folder_of(backend.manager, backend.clusters, job, STDOUTERR_FOLDER)
    prefix, ending = (_METRICS, ".jsonl") if metric.key else (metric.log, ".txt")
    for name in sorted(list_names(kind, folder)):
        # Earlier attempts' files are called stdout.attempt-1.txt.
        if not name.startswith(prefix) or not name.endswith(ending) or ".attempt-" in name:
            continue
        text = read_end(kind, folder, name, _MOST_READ)
        value = last_value(text, metric.key) if metric.key else last_match(text, metric.pattern)
        if value is not None:
            return value
    return None
