"""Whether anything grows for ever: `python -m bench.retention [jobs]` (20,000), on storage in memory.

Twenty days of jobs, of which three are kept; prints what storage holds at the end of each day, and after
three more days without a job, which must be what it held before the first one.
"""

import sys
import time

from tests.support.memory.many_days import DAY, held, many_days, turns, world_that_keeps

_DAYS, _KEEP_DAYS = 20, 3


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    world = world_that_keeps(_KEEP_DAYS)
    before, begun = held(world), time.monotonic()
    for day, now in enumerate(many_days(world, _DAYS, count // _DAYS), 1):
        print(f"day {day:3}: {now}")
    for _ in range(_KEEP_DAYS + 2):
        world.clock.move(DAY)
        turns(world)
    after = held(world)
    print(f"before : {before}\nafter  : {after}\n{count} jobs, {time.monotonic() - begun:.0f} s")
    assert after == before


if __name__ == "__main__":
    main()
