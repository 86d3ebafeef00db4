"""The job document of one run of a sweep. PURE."""

import json
from typing import Any

from shared.sweeps.parameters import Value, text
from shared.sweeps.plan import INDEX, SweepPlan
from shared.sweeps.substitution import substituted

#: What the processes of a run see.
ARRAY_INDEX = "AZ_BATCHAI_ARRAY_INDEX"
PARAMETER = "AZ_BATCHAI_PARAM_"


def run_properties(plan: SweepPlan, number: int) -> dict[str, Any]:
    """`properties` of the job of a run: placeholders filled in, the run's variables behind the document's."""
    values = plan.values(number)
    index = plan.index(number)
    job: dict[str, Any] = substituted(dict(plan.job), {INDEX: index, **values}, plan.text_places)
    own = job.get("environmentVariables")
    if own is None or isinstance(own, list):
        job["environmentVariables"] = [*(own or ()), *_variables(index, values)]
    return job


def run_document(plan: SweepPlan, number: int) -> bytes:
    """The job.json of a run."""
    return json.dumps({"properties": run_properties(plan, number)}, ensure_ascii=False).encode()


def _variables(index: int, values: dict[str, Value]) -> list[dict[str, str]]:
    named = {ARRAY_INDEX: str(index)}
    named |= {PARAMETER + name.upper(): text(value) for name, value in values.items()}
    return [{"name": name, "value": value} for name, value in named.items()]


def run_name(sweep: str, index: int) -> str:
    """The name of a run's job."""
    return f"{sweep}-{index}"
