"""What a node costs an hour, as the operator says: no price is built in. PURE."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

EXPECTED = '{"currency": "EUR", "prices": {"Standard_NC6s_v3": {"dedicated": 3.1, "lowpriority": 0.6}}}'
_PRIORITIES = ("dedicated", "lowpriority")
_MOST = 1e6


@dataclass(frozen=True)
class NodePrices:
    """Prices of an hour in `currency`, by size and priority of a machine."""

    currency: str = ""
    #: by size, in lower case, and priority
    prices: Mapping[tuple[str, str], float] = field(default_factory=dict, hash=False)

    def an_hour(self, vm_size: str, priority: str) -> float | None:
        """None where nobody has said."""
        return self.prices.get((vm_size.lower(), priority.lower()))


NO_PRICES = NodePrices()


def node_prices(text: str) -> NodePrices:
    """Prices of a setting; "" has none. Raises ValueError for what is no such JSON."""
    if not text:
        return NO_PRICES
    raw = json.loads(text)
    if not isinstance(raw, dict) or set(raw) != {"currency", "prices"}:
        raise ValueError("currency and prices are expected")
    currency, prices = raw["currency"], raw["prices"]
    if not (isinstance(currency, str) and currency.isalpha() and len(currency) == 3):
        raise ValueError("currency must be three letters, such as EUR")
    if not isinstance(prices, dict):
        raise ValueError("prices must be an object of VM sizes")
    found = {}
    for size, by_priority in prices.items():
        if not isinstance(by_priority, dict):
            raise ValueError(f"the price of {size} must be an object of priorities")
        for priority, price in by_priority.items():
            if priority not in _PRIORITIES:
                raise ValueError(f"'{priority}' of {size} is no priority; there are {', '.join(_PRIORITIES)}")
            if isinstance(price, bool) or not isinstance(price, (int, float)) or not 0 <= price < _MOST:
                raise ValueError(f"the price of {size} ({priority}) must be a number of an hour's cost")
            found[size.lower(), priority] = float(price)
    return NodePrices(currency.upper(), found)
