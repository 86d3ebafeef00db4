"""`batchai job create`: submit a job document, and with --watch stay with the job to its end."""

from typing import Any

import click

from cli import columns
from cli.document import read_job
from cli.faults import USAGE, Fault, Refused
from cli.job import jobs, where
from cli.job_file import Terminal, log_name
from cli.job_wait import Progress, finish, interrupted, wait
from cli.links import Links, Place
from cli.messages import say
from cli.options import command, name_option
from cli.session import Session, named
from cli.storage import Mounts, completed, mount_options
from cli.sweep_array import create_array
from cli.tail import Follower
from shared.environment.layout import STDOUTERR_FOLDER

_WATCH_SECONDS = 1.0


@command(
    jobs,
    "create",
    "job create -w research -e mnist -n first -c gpus -f job.json",
    name_option("job"),
    *where,
    click.option("file", "-f", "--config-file", required=True, help="The job.json; - is standard input."),
    click.option("-c", "--cluster", help="Cluster: its name, or ARM id.  [default: the document's]"),
    mount_options,
    click.option(
        "--array", metavar="FIRST-LAST", help="One job for each index, as one sweep: AZ_BATCHAI_ARRAY_INDEX."
    ),
    click.option("--max-concurrent", type=click.IntRange(1, 10_000), help="Of an array: jobs at once."),
    click.option(
        "--watch", is_flag=True, help="Stay: show the job's states and its output, exit as it does."
    ),
)
def create(
    session: Session,
    name: str,
    file: str,
    cluster: str | None,
    watch: bool,
    array: str | None,
    max_concurrent: int | None,
    **given: Any,
) -> None:
    """Submit a job. The document is checked first, and faults are reported with line and column."""
    path = session.job(name)
    if max_concurrent and not array:
        raise Fault("--max-concurrent is for --array", "Leave it out, or give --array 0-99.", USAGE)
    properties = read_job(file, session.account())
    if cluster:
        properties["cluster"] = {"id": cluster_id(session, cluster)}
    elif isinstance(document_cluster := (properties.get("cluster") or {}).get("id"), str):
        properties["cluster"] = {"id": cluster_id(session, document_cluster)}
    volumes = completed(session, properties.get("mountVolumes"), Mounts(**given))
    if volumes:
        properties["mountVolumes"] = volumes
    if array:
        create_array(session, name, {"properties": properties}, array, max_concurrent, watch)
        return
    _refuse_existing(session, path)
    job = session.api.put(path, {"properties": properties})
    if not watch:
        session.show(job, columns.job)
        return
    try:
        ended = watched(session, path, job)
    except KeyboardInterrupt:
        raise interrupted(name) from None
    finish(ended)


def cluster_id(session: Session, cluster: str) -> str:
    """The ARM id of a cluster named by its ARM id or, in the job's workspace, by its name."""
    return cluster if cluster.startswith("/") else session.cluster(named("cluster", cluster))


def _refuse_existing(session: Session, path: str) -> None:
    try:
        session.api.get(path)
    except Refused as fault:
        if fault.status == 404 and fault.code == "JobNotFound":
            return
        raise
    raise Fault(
        "A job with given name, experiment, workspace and resource group already exists.",
        "Choose another name, or delete it: batchai job delete -n ...",
    )


def watched(session: Session, path: str, job: dict[str, Any]) -> dict[str, Any]:
    """The job once it has ended; until then its states go to standard error and its stdout to stdout."""
    links = Links(session.api)
    place = Place(path, STDOUTERR_FOLDER, ".", log_name(job, "stdout"))
    follower = Follower(links, place, Terminal(), _quiet, _WATCH_SECONDS, looked=Progress(say))
    try:
        return follower.run()
    except Refused as fault:
        if fault.status == 404:
            raise
        say(f"the output cannot be shown: {fault.message}")
        return wait(session.api, path, _WATCH_SECONDS, say)
    finally:
        links.close()


def _quiet(line: str) -> None:
    """What a follower says, less what the states say already."""
    if "not there yet" not in line:
        say(line)
