"""The words of a command line as `az` reads them, where click reads them otherwise."""

from collections.abc import Iterable, Iterator, Sequence

import click


def one_of(*words: str) -> click.Choice[str]:
    """The type of an option with one of these words, in whatever case, as with `az`."""
    return click.Choice(words, case_sensitive=False)


class Several(click.Option):
    """An option that takes all words up to the next option: `--ids A B`. Given to the function as a tuple."""


class Command(click.Command):
    """A command whose options may be written as those of `az`: `-n=z1`, `--ids A B`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Translate, then read as click does."""
        return super().parse_args(ctx, list(_translated(args, self.params)))


def _translated(words: Sequence[str], params: Iterable[click.Parameter]) -> Iterator[str]:
    """`-n=z1` becomes `-n z1`, `--ids A B` becomes `--ids A --ids B`. A value of an option stays as it is."""
    options = {flag: param for param in params if isinstance(param, click.Option) for flag in param.opts}
    left = list(words)
    while left:
        word = left.pop(0)
        flag, equals, value = word.partition("=")
        option = _last_option(flag, options)
        if word == "--":
            yield from (word, *left)
            return
        if option and equals and not flag.startswith("--"):
            yield from (flag, value)
        else:
            yield word
            if option and not equals and left:
                yield left.pop(0)
        while isinstance(option, Several) and left and not left[0].startswith("-"):
            yield from (flag, left.pop(0))


def _last_option(flag: str, options: dict[str, click.Option]) -> click.Option | None:
    """The option of `--name`, `-n` or the last letter of `-yn`, where it takes a value; else None."""
    if not flag.startswith("-") or flag == "-":
        return None
    if not flag.startswith("--"):
        letters = [options.get(f"-{letter}") for letter in flag[1:]]
        if any(option is None or _takes_value(option) for option in letters[:-1]):
            return None
        found = letters[-1]
    else:
        found = options.get(flag)
    return found if found and _takes_value(found) else None


def _takes_value(option: click.Option) -> bool:
    return not (option.is_flag or option.count)
