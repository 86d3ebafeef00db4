"""How often a log in a blob container is appended to: a blob takes 50,000 blocks, and jobs run for weeks."""

import math

#: A file is appended to as often as is asked for until it has so many blocks,
_BRISK_BLOCKS = 3_000
#: within a second until it has so many, then ever less often, half as often after each so many more,
_PROMPT_BLOCKS, _PROMPT_SECONDS, _HALVING_BLOCKS = 15_000, 0.8, 1_500
#: and never less often than this.
_MOST_GATHER_SECONDS = 25.0


def gathering_seconds(blocks: int) -> float:
    """Between two appends to a blob that has so many blocks: a week of steady output is to fit into one, for
    people and tools look for one file."""
    if blocks < _BRISK_BLOCKS:
        return 0.0
    halvings = max(0, blocks - _PROMPT_BLOCKS) / _HALVING_BLOCKS
    return min(_MOST_GATHER_SECONDS, _PROMPT_SECONDS * math.pow(2, halvings))
