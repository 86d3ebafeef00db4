"""How long a person wants something to last, from a command line."""

import argparse
import math


def minutes(text: str) -> float:
    """A number above 0. Raises ArgumentTypeError, which argparse shows."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if found <= 0 or not math.isfinite(found):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a number of minutes; it must be above 0, as 30 or 0.5"
        )
    return found
