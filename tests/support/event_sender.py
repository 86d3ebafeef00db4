"""The timer that sends events, as a program that a test kills and starts again: its settings come from the
environment, its turns follow one another at once.

    python -m tests.support.event_sender
"""

import os
import time

from shared.backend import backend
from shared.settings_reader import settings_from

_PAUSE_SECONDS = 0.3


def main() -> None:
    """Send until killed."""
    sender = backend(settings_from(os.environ)).events.sender
    while True:
        report = sender.turn()
        print(report, flush=True)
        time.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    main()
