"""The generator of random sweeps: the same numbers on every machine, with every version of Python. PURE.

A draw depends on the seed, the parameter's name and the run's number, and on nothing else:

    SHA-256 of the UTF-8 text "batchai sweep 1|<seed>|<name>|<number>"; of the first 8 bytes as a big-endian
    number the highest 53 bits; divided by 2^53

So another parameter changes no values of the others, and a larger count begins with the same runs
(docs/adr/0342). Values are computed in decimal arithmetic, whose ln and exp are correctly rounded everywhere.
"""

import hashlib
from decimal import Context, Decimal

#: Digits that are computed with, and that a value keeps.
EXACT = Context(prec=30)
_KEPT = Context(prec=12)
_SCALE = 2**53


def draw(seed: int, name: str, number: int) -> Decimal:
    """A number from 0 (inclusive) to 1 (exclusive)."""
    digest = hashlib.sha256(f"batchai sweep 1|{seed}|{name}|{number}".encode()).digest()
    return EXACT.divide(Decimal(int.from_bytes(digest[:8], "big") >> 11), Decimal(_SCALE))


def between(low: Decimal, high: Decimal, part: Decimal, log: bool) -> Decimal:
    """The value at `part` (0 to 1) of the way from `low` to `high`; `log`: of their logarithms."""
    if not log:
        return kept(EXACT.add(low, EXACT.multiply(EXACT.subtract(high, low), part)))
    first, last = EXACT.ln(low), EXACT.ln(high)
    return kept(EXACT.exp(EXACT.add(first, EXACT.multiply(EXACT.subtract(last, first), part))))


def kept(value: Decimal) -> Decimal:
    """`value` to the digits that are kept."""
    return _KEPT.plus(value)
