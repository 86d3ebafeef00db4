"""`batchai job file` and `batchai job logs`: the files a job writes, listed and followed."""

import sys
from typing import Any

import click

from cli import columns
from cli.faults import INTERRUPTED, NOT_FOUND, Fault
from cli.job import jobs, name, where
from cli.job_wait import interrupted
from cli.links import Links, Place
from cli.messages import say
from cli.options import command, group, job_option
from cli.session import Session
from cli.tail import Follower
from shared.environment.layout import STDOUTERR_FOLDER

files = group(jobs, "file", "Files that jobs write.")
_directory = click.option(
    "directory",
    "-d",
    "--output-directory-id",
    default=STDOUTERR_FOLDER,
    show_default=True,
    help="Id of an output directory of the job.",
)
_path = click.option("-p", "--path", default=".", show_default=True, help="Folder in it.")
_expiry = click.option(
    "--expiry",
    type=click.IntRange(5, 600),
    default=60,
    show_default=True,
    help="Minutes for which links are good.",
)
#: toolType -> part of the log's name, where each process has a log of its own; the first one's.
_FIRST_PROCESS = {"tensorflow": "-wk-0", "pytorch": "-0", "caffe2": "-0"}


@command(
    files,
    "list",
    "job file list -w research -e mnist -j first -d MODEL",
    job_option,
    *where,
    _directory,
    _path,
    _expiry,
)
def list_all(session: Session, job: str, directory: str, path: str, expiry: int) -> None:
    """List files and folders of one output directory, with links to read them."""
    found = session.api.pages(
        "POST",
        f"{session.job(job)}/listOutputFiles",
        outputdirectoryid=directory,
        directory=path,
        linkexpiryinminutes=expiry,
    )
    session.show_all(found, columns.file)


@command(
    files,
    "stream",
    "job file stream -w research -e mnist -j first -f stdout.txt",
    job_option,
    *where,
    click.option("file_name", "-f", "--file-name", required=True, help="Name of the file."),
    _directory,
    _path,
)
def stream(session: Session, job: str, file_name: str, directory: str, path: str) -> None:
    """Print a file while the job writes it, to the job's end.

    It is waited for when it is not there yet. Exit code 3 when the job ends without having written it.
    """
    follow(session, job, Place(session.job(job), directory, path, file_name), wait=True)


@command(
    jobs,
    "logs",
    "job logs -w research -e mnist -n first --follow",
    name,
    *where,
    click.option("-f", "--follow", "follow_it", is_flag=True, help="Go on to the job's end."),
    click.option("--stderr", is_flag=True, help="The error stream."),
    click.option("--file-name", help="Another log.  [default: stdout.txt, or that of the first process]"),
)
def logs(session: Session, name: str, follow_it: bool, stderr: bool, file_name: str | None) -> None:
    """Print what a job has printed; --follow continues while it runs.

    Where each process has a log of its own (TensorFlow, PyTorch, Caffe2), that of the first one.
    """
    path = session.job(name)
    if not file_name:
        file_name = log_name(session.api.get(path), "stderr" if stderr else "stdout")
    follow(session, name, Place(path, STDOUTERR_FOLDER, ".", file_name), wait=follow_it)


def log_name(job: dict[str, Any], kind: str) -> str:
    """The log of a job's first process; `kind`: stdout or stderr."""
    properties = job["properties"]
    tool = str(properties.get("toolType", "")).lower()
    backend = str((properties.get("pyTorchSettings") or {}).get("communicationBackend", "")).lower()
    if tool == "pytorch" and backend == "mpi" and _processes(properties) > 1:
        return f"{kind}.txt"  # one pair of streams for all ranks under mpirun
    return f"{kind}{_FIRST_PROCESS.get(tool, '')}.txt"


def _processes(properties: dict[str, Any]) -> int:
    settings = properties.get("pyTorchSettings") or {}
    return int(settings.get("processCount") or properties.get("nodeCount") or 1)


class Terminal:
    """Standard output as bytes, each piece at once."""

    def write(self, data: bytes) -> None:
        """Write and flush."""
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def follow(session: Session, job: str, place: Place, wait: bool) -> None:
    """Print a file to standard output. Raises Fault where there is none in the end."""
    links = Links(session.api)
    follower = Follower(links, place, Terminal(), say, wait=wait)
    try:
        follower.run()
    except KeyboardInterrupt:
        raise interrupted(job) if wait else Fault("stopped", exit_code=INTERRUPTED) from None
    finally:
        links.close()
    if not follower.found:
        raise Fault(
            f"there is no file {place.name} in the output directory {place.directory} of the job {job}",
            f"See what there is: batchai job file list -j {job} -d {place.directory}",
            NOT_FOUND,
        )
