"""local.environment: what of the shell that starts the stack reaches its parts."""

import pytest

from local import environment


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
