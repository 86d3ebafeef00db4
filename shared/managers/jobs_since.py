"""The jobs of a workspace that were created since a moment, whatever their experiment. Reads only."""

from collections.abc import Iterator
from datetime import datetime

from shared.jobs.model import Job
from shared.managers.workspace_manager import WorkspaceManager
from shared.stores.job_lists import JobFilter, JobLists

_PAGE = 1000


def jobs_since(
    lists: JobLists, workspaces: WorkspaceManager, workspace: str, since: datetime
) -> Iterator[Job]:
    """The latest run of each name: a call for each thousand and each experiment. Raises StoreError."""
    asked = JobFilter(created_after=since)
    for experiment in workspaces.list_experiments(workspace, most=_PAGE):
        token = ""
        while True:
            page = lists.page(workspace, experiment.name, asked, token, _PAGE)
            yield from page.jobs
            if not (token := page.token):
                break
