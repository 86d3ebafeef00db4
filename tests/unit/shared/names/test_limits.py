"""shared.names.limits: the setting BATCHAI_LIMITS."""

import re

import pytest

from shared.names.limits import EXPECTED, NO_LIMITS, UNLIMITED, Limit, limits_from
from tests.support.cases import cases


def test_what_is_expected_is_read() -> None:
    limits = limits_from(EXPECTED)
    assert limits.over == "wait" and limits.any and limits.by_month
    assert limits.of_workspace("any") == Limit(nodes=20, gpu_hours=1000)
    assert limits.of_submitter("Ada@Example.com") == Limit(live_jobs=200)
    assert limits.of_submitter("bob@example.com") == Limit(live_jobs=50)


def test_nothing_is_limited_by_default() -> None:
    assert limits_from("") == NO_LIMITS
    assert not NO_LIMITS.any and not NO_LIMITS.by_month
    assert limits_from('{"workspaces": {"a": {"nodes": 1}}}').of_workspace("b") == UNLIMITED


@cases(
    ("text", "says"),
    [
        ("[]", "an object"),
        ('{"users": {}}', "an object"),
        ('{"over": "never"}', "over is 'never'; it must be wait or refuse"),
        ('{"workspaces": 1}', "workspaces must be an object of names"),
        ('{"workspaces": {"a": 1}}', "workspaces.a must be an object of liveJobs, nodes, gpuHours"),
        ('{"submitters": {"a": {"jobs": 1}}}', "submitters.a must be an object of"),
        ('{"submitters": {"a": {"nodes": -1}}}', "submitters.a.nodes must be a number of at least 0"),
        ('{"submitters": {"a": {"nodes": true}}}', "submitters.a.nodes must be a number"),
        ('{"submitters": {"a": {"nodes": "1"}}}', "submitters.a.nodes must be a number"),
        ("{", "Expecting"),
    ],
)
def test_what_is_wrong_is_named(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        limits_from(text)
