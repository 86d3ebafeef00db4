"""The table of variables agrees with the variables that a job really gets."""

from shared.documents.rules.variables import ALWAYS, BY_TOOLKIT
from shared.environment.variables import job_environment
from tests.support import placements


def test_what_is_always_set_is_what_the_environment_sets() -> None:
    values = job_environment(placements.job(nodes=2), placements.placement(nodes=2, gpus=1))

    set_for_all = {name for name in values if name.startswith("AZ_BATCH")}
    assert set_for_all - BY_TOOLKIT.keys() == ALWAYS
