"""Which connection strings of Application Insights are taken, and what is said of others."""

import logging

import pytest

from shared.errors import SettingsError
from shared.stores.application_insights import Insights, insights_from
from shared.telemetry.log_records import _severity

KEY = "12345678-1234-1234-1234-123456789abc"
CONNECTION, AUTHENTICATION = (
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
)


@pytest.mark.parametrize(
    "text",
    [
        f"InstrumentationKey={KEY}",
        f"InstrumentationKey={KEY};IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/",
        f"IngestionEndpoint=http://127.0.0.1:4318/;InstrumentationKey={KEY};LiveEndpoint=https://x.example/",
    ],
)
def test_a_connection_string_is_taken(text: str) -> None:
    assert insights_from({CONNECTION: f" {text}\n"}) == Insights(text)


def test_who_sends_is_read_beside_it() -> None:
    env = {CONNECTION: f"InstrumentationKey={KEY}", AUTHENTICATION: "ClientId=abc;Authorization=AAD"}
    assert insights_from(env) == Insights(env[CONNECTION], True, "abc")
    assert insights_from({**env, AUTHENTICATION: "Authorization=AAD"}) == Insights(env[CONNECTION], True)
    assert insights_from({AUTHENTICATION: "Authorization=AAD"}) is None
    assert insights_from({}) is None


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        "InstrumentationKey=s3cret",
        f"InstrumentationKey={KEY};IngestionEndpoint=http://s3cret.example/",
        f"InstrumentationKey={KEY};IngestionEndpoint=s3cret",
    ],
)
def test_another_text_is_a_fault_that_does_not_repeat_it(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        insights_from({CONNECTION: text})
    said = str(refused.value.faults)
    assert CONNECTION in said and "InstrumentationKey=<uuid>" in said
    assert "s3cret" not in said and KEY not in said


def test_the_string_is_no_part_of_what_is_shown() -> None:
    assert KEY not in repr(Insights(f"InstrumentationKey={KEY}"))


@pytest.mark.parametrize(
    ("level", "number"),
    [
        (logging.DEBUG, 5),
        (logging.INFO, 9),
        (logging.WARNING, 13),
        (logging.ERROR, 17),
        (logging.CRITICAL, 21),
        (1, 5),
        (90, 21),
    ],
)
def test_levels_have_their_numbers(level: int, number: int) -> None:
    assert _severity(level) == number
