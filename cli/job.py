"""`batchai job`: show, list, terminate, delete, why, runs."""

import click

from cli import columns, job_status
from cli.messages import say
from cli.options import (
    command,
    confirm,
    group,
    in_experiment,
    in_workspace,
    name_option,
    name_or_ids,
    no_wait,
    yes_option,
)
from cli.session import Session

jobs = group(None, "job", "Jobs: what runs on the nodes of a cluster.")
name = name_option("job", "-j", "--job")
one = name_or_ids("job", "-j", "--job")
where = (in_workspace, in_experiment)

#: What executionState can be.
_STATES = ("queued", "running", "terminating", "succeeded", "failed")


@command(jobs, "show", "job show -w research -e mnist -n first", one, *where)
def show(session: Session, name: str) -> None:
    """Show a job; beside the table its time line, on standard error. Exit code 3 where there is none."""
    answer = session.api.get(session.job(name))
    session.show(answer, columns.job)
    if session.is_table:
        for line in job_status.time_line(answer):
            say(line)


@command(
    jobs,
    "list",
    "job list -w research -e mnist --state failed --created-after 2026-11-23 -o table",
    *where,
    click.option("--state", type=click.Choice(_STATES), help="Only jobs in this state."),
    click.option("--created-after", metavar="TIME", help="Only jobs made at or after a UTC day or ISO time."),
    click.option("--created-before", metavar="TIME", help="Only jobs made before it."),
    click.option("--prefix", help="Only names that begin so."),
)
def list_all(
    session: Session,
    state: str | None,
    created_after: str | None,
    created_before: str | None,
    prefix: str | None,
) -> None:
    """List the jobs of an experiment, by name; with a state or a time the newest first."""
    wanted = {
        "state": state,
        "createdafter": created_after,
        "createdbefore": created_before,
        "prefix": prefix,
    }
    query = {name: value for name, value in wanted.items() if value}
    session.show_all(session.api.pages("GET", f"{session.experiment()}/jobs", **query), columns.job)


@command(jobs, "runs", "job runs -w research -e mnist -n first -o table", name, *where)
def runs(session: Session, name: str) -> None:
    """List every run there was under a job's name, oldest first."""
    session.show_all(session.api.pages("GET", f"{session.job(name)}/runs"), columns.run)


@command(
    jobs, "terminate", "job terminate -w research -e mnist -n first -y", one, *where, no_wait, yes_option
)
def terminate(session: Session, name: str, no_wait: bool, yes: bool) -> None:
    """Stop a job. One that has ended stays as it is."""
    path = session.job(name)
    confirm(yes, f"Terminate the job {name}?")
    session.api.post(f"{path}/terminate", wait=not no_wait)


@command(jobs, "delete", "job delete -w research -e mnist -n first -y", one, *where, no_wait, yes_option)
def delete(session: Session, name: str, no_wait: bool, yes: bool) -> None:
    """Delete a job, terminating it first. Its files stay."""
    path = session.job(name)
    confirm(yes, f"Delete the job {name}?")
    session.api.delete(path, wait=not no_wait)


@command(jobs, "why", "job why -w research -e mnist -n first", name, *where)
def why(session: Session, name: str) -> None:
    """Say in words how a job stands: what it waits for, since when it runs, how it ended."""
    answer = session.api.get(session.job(name))
    if session.form or session.query:
        session.show(answer, job_status.row)
        return
    for line in job_status.why(answer):
        click.echo(line)
