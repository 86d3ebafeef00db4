"""How many examples a property gets: few while one works, all of them in `make test`."""

from hypothesis import settings


def examples(most: int) -> int:
    """`most` with the profile "thorough" (tests/unit/conftest.py); with "quick" a share of it, but five."""
    profile = settings.default
    assert profile is not None
    return max(5, most * profile.max_examples // 100)
