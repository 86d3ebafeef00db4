"""What a log line is about, in its words: most places show a message and nothing of `extra`."""

import logging

#: Keys of `extra`, the most useful first.
ABOUT = ("job", "cluster", "node", "blob", "path")


def worded(record: logging.LogRecord) -> str:
    """The message, and after it what it is about as far as it does not say so: "claimed (job w/e/j)". Where
    there is no job's name, the uuid of its run.

    Raises TypeError or ValueError for a message that its arguments do not fit.
    """
    text = record.getMessage()
    keys = ABOUT if hasattr(record, "job") else ("uuid", *ABOUT)
    seen = [(key, str(getattr(record, key, ""))) for key in keys]
    missing = ", ".join(f"{key} {value}" for key, value in seen if value and not _says(text, value))
    return f"{text} ({missing})" if missing else text


def _says(text: str, value: str) -> bool:
    """Whether a value stands in a text as a whole. Not by an expression: each job's name would be another,
    and the last 512 are kept."""
    at = text.find(value)
    while at >= 0:
        around = text[max(at - 1, 0) : at] + text[at + len(value) : at + len(value) + 1]
        if not any(_is_of_word(letter) for letter in around):
            return True
        at = text.find(value, at + 1)
    return False


def _is_of_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


class SaysWhatItIsAbout(logging.Filter):
    """Puts it into the message of every record that a handler gets."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True: every record is let pass."""
        try:
            record.msg, record.args = worded(record), ()
        except (TypeError, ValueError):
            pass  # logging itself reports it
        return True


def set_up() -> None:
    """For whatever the root logger writes to now: a Functions worker has its own."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(one, SaysWhatItIsAbout) for one in handler.filters):
            handler.addFilter(SaysWhatItIsAbout())
