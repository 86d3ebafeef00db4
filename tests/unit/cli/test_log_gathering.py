"""How often a log that grows in a container is appended to: an append blob takes 50,000 blocks."""

from shared.stores.volumes.append_pace import gathering_seconds
from shared.stores.volumes.blob_containers import MOST_BLOCKS

_LOOK_SECONDS = 0.2


def steady(blocks: int) -> float:
    """Seconds that so many blocks last for a job that prints all the time."""
    return sum(max(_LOOK_SECONDS, gathering_seconds(block)) for block in range(blocks))


def test_a_week_of_steady_output_fits_into_one_blob() -> None:
    assert MOST_BLOCKS == 50_000
    assert steady(MOST_BLOCKS) > 8 * 24 * 3600


def test_a_line_is_readable_within_a_second_for_hours() -> None:
    assert steady(next(block for block in range(MOST_BLOCKS) if gathering_seconds(block) > 0.8)) > 2.5 * 3600


def test_no_line_is_late_by_half_a_minute() -> None:
    assert max(map(gathering_seconds, range(MOST_BLOCKS))) < 30
    assert all(gathering_seconds(block) <= gathering_seconds(block + 1) for block in range(MOST_BLOCKS))
