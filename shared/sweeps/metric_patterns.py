"""What a regular expression of a metric may be: such as cannot keep the service busy for long. PURE.

Python's own `re` tries every way in which repetitions can share a text, without a time limit. Two repetitions
one inside the other take exponentially long, several in a row a power of the line's length. So there is none
inside another, no reference back, and at most three without a bound (docs/adr/0344).
"""

import re

MOST_PATTERN = 200
MOST_REPETITIONS = 3
_SET = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
_ESCAPE = re.compile(r"\\.", re.DOTALL)
_REPETITION = re.compile(r"[*+]|\{\d*,?\d*\}")
_REPEATED_GROUP = re.compile(r"\)\s*(?:[*+]|\{)")
#: (?: is a plain group; other (? are names, conditions and looks, which nobody needs for a number.
_SPECIAL_GROUP = re.compile(r"\(\?(?!:)")
_BACK = re.compile(r"\\[1-9]")


def pattern_fault(pattern: str) -> str | None:
    """What is wrong with it ("is ..."), or None."""
    if len(pattern) > MOST_PATTERN:
        return f"is longer than {MOST_PATTERN} characters"
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"is no regular expression ({error})"
    if compiled.groups > 1:
        return "has several groups; put the number alone in parentheses, others as (?: )"
    if _BACK.search(pattern):
        return "refers back to a group"
    bare = _SET.sub("s", _ESCAPE.sub("e", pattern))
    if _SPECIAL_GROUP.search(bare):
        return "has a group that begins with (? ; only (?: ) is known"
    if _REPEATED_GROUP.search(bare):
        return "repeats a group; repeat single characters or sets, such as [0-9.]+"
    if len(_REPETITION.findall(bare)) > MOST_REPETITIONS:
        return f"repeats more than {MOST_REPETITIONS} times"
    return None
