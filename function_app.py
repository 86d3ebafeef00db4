"""The entry points of the function app: dropped documents, the sweeper's timer, and the HTTP blueprints."""

import logging
import os

import azure.functions as func

from api import (
    blob_triggers,
    clusters,
    console,
    documents,
    emulated_account,
    event_turns,
    events,
    experiments,
    file_servers,
    health,
    job_files,
    job_logs,
    job_metrics,
    jobs,
    limits,
    nodes,
    provider,
    queue_drops,
    resource_groups,
    sweep_steps,
    sweeps,
    usage,
    workspace_jobs,
    workspaces,
)
from api.wired import backend, reconciler
from shared import log_context
from shared.event_settings import event_settings
from shared.settings import QUEUE
from shared.settings_reader import drop_source, http_level

log = logging.getLogger(__name__)
log_context.set_up()

_SOURCE = drop_source(os.environ)
_LEVEL = func.AuthLevel[http_level(os.environ)]

app = func.FunctionApp(http_auth_level=_LEVEL)
_PARTS = (
    health,
    workspaces,
    experiments,
    jobs,
    workspace_jobs,
    job_files,
    sweeps,
    job_logs,
    documents,
    job_metrics,
    clusters,
    nodes,
    file_servers,
    usage,
    events,
    limits,
    provider,
    console,
)
for part in _PARTS:
    app.register_functions(part.bp)
for beside in (resource_groups, emulated_account, sweep_steps):
    app.register_functions(beside.bp)


# One of the two modules listens for drops; docs/reference/settings.md, BATCHAI_BLOB_SOURCE.
app.register_functions(queue_drops.bp if _SOURCE == QUEUE else blob_triggers.blueprint(_SOURCE))
if (_EVENTS := event_settings(os.environ, [])).url:
    app.register_functions(event_turns.blueprint(_EVENTS.seconds))


@app.timer_trigger(arg_name="timer", schedule="%BATCHAI_SWEEP_SCHEDULE%")
def sweep(timer: func.TimerRequest) -> None:
    """Heal what a crash left behind, and answer drops that no trigger sees."""
    report = backend().sweeper.sweep()
    backend().cascading_deletion.resume()
    sweep_steps.mend(backend())
    reconciler().turn()
    backend().near_misses.look()
    backend().keeping.turn()
    log.info("swept: %s", report, extra={"action": "sweep"})
