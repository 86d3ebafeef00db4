"""local.environment: what of the shell that starts the stack reaches its parts."""

import pytest

from local import environment
from local.processes import StartError


def test_what_an_operator_decides_is_passed_on_and_other_installations_settings_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = {"BATCHAI_LIMITS": "{}", "BATCHAI_KEEP_DAYS": "9", "BATCHAI_EVENTS_URL": "https://e.example"}
    others = {"BATCHAI_STORAGE": "of-another", "AZURE_BATCHAI_STORAGE_KEY": "k", "AzureWebJobsStorage": "x"}
    for name, value in {**wanted, **others}.items():
        monkeypatch.setenv(name, value)
    found = environment.machine()
    assert wanted.items() <= found.items()
    assert not others.keys() & found.keys()
    assert "PATH" in found


def test_settings_that_the_app_cannot_use_are_named_before_it_is_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BATCHAI_LIMITS", '{"workspaces": {"*": {"jobs": 3}}}')
    monkeypatch.setenv("BATCHAI_KEEP_DAYS", "long")
    with pytest.raises(StartError) as refused:
        environment.of_function_app({"BATCHAI_STORAGE": "UseDevelopmentStorage=true"})
    assert "BATCHAI_LIMITS: workspaces.* must be an object of liveJobs, nodes, gpuHours" in str(refused.value)
    assert "BATCHAI_KEEP_DAYS" in str(refused.value)
