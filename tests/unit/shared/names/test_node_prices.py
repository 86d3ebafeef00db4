"""shared.names.node_prices: what the operator says that nodes cost."""

import pytest

from shared.errors import SettingsError
from shared.names.node_prices import EXPECTED, NO_PRICES, node_prices
from shared.settings_reader import settings_from
from tests.support.cases import cases


def test_prices_are_found_whatever_the_case_of_a_size() -> None:
    prices = node_prices(EXPECTED)
    assert prices.currency == "EUR"
    assert prices.an_hour("STANDARD_NC6S_V3", "dedicated") == 3.1
    assert prices.an_hour("standard_nc6s_v3", "lowpriority") == 0.6
    assert prices.an_hour("STANDARD_D1", "dedicated") is None
    assert node_prices("") == NO_PRICES


@cases(
    "text",
    [
        "{",
        "[]",
        '{"prices": {}}',
        '{"currency": "euro", "prices": {}}',
        '{"currency": "EUR", "prices": []}',
        '{"currency": "EUR", "prices": {"A": 1}}',
        '{"currency": "EUR", "prices": {"A": {"spot": 1}}}',
        '{"currency": "EUR", "prices": {"A": {"dedicated": -1}}}',
        '{"currency": "EUR", "prices": {"A": {"dedicated": true}}}',
        '{"currency": "EUR", "prices": {"A": {"dedicated": NaN}}}',
    ],
)
def test_what_is_no_price_is_named_with_what_would_be_right(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings_from({"BATCHAI_NODE_PRICES": text})
    [fault] = [fault for fault in refused.value.faults if "BATCHAI_NODE_PRICES" in fault]
    assert EXPECTED in fault
