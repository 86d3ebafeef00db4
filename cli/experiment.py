"""`batchai experiment`."""

from cli import columns
from cli.options import command, confirm, group, in_workspace, name_option, name_or_ids, no_wait, yes_option
from cli.session import Session, named

experiments = group(None, "experiment", "Experiments: what jobs lie in.")
_name = name_option("experiment", "-e", "--experiment")
_one = name_or_ids("experiment", "-e", "--experiment")


def _path(session: Session, name: str) -> str:
    return f"{session.workspace()}/experiments/{named('experiment', name)}"


@command(experiments, "create", "experiment create -w research -n mnist", _name, in_workspace)
def create(session: Session, name: str) -> None:
    """Make an experiment. One that is there already stays as it is."""
    session.show(session.api.put(_path(session, name), None), columns.experiment)


@command(experiments, "show", "experiment show -w research -n mnist", _one, in_workspace)
def show(session: Session, name: str) -> None:
    """Show an experiment. Exit code 3 where there is none."""
    session.show(session.api.get(_path(session, name)), columns.experiment)


@command(experiments, "list", "experiment list -w research -o table", in_workspace)
def list_all(session: Session) -> None:
    """List the experiments of a workspace."""
    session.show_all(session.api.pages("GET", f"{session.workspace()}/experiments"), columns.experiment)


@command(
    experiments,
    "delete",
    "experiment delete -w research -n mnist -y",
    _one,
    in_workspace,
    no_wait,
    yes_option,
)
def delete(session: Session, name: str, no_wait: bool, yes: bool) -> None:
    """Delete an experiment with its jobs. Their files stay."""
    path = _path(session, name)
    confirm(yes, f"Delete the experiment {name} and its jobs?")
    session.api.delete(path, wait=not no_wait)
