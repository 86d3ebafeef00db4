"""Command lines as `az` reads them."""

import click
from click.testing import CliRunner

from cli.words import Command, Several
from tests.support.cases import cases


@cases(
    ("words", "expected"),
    [
        ("-n=z1", "z1 False ()"),
        ("-n z1", "z1 False ()"),
        ("-nz1", "z1 False ()"),
        ("--name=z1", "z1 False ()"),
        ("-n==z1", "=z1 False ()"),
        ("-n =z1", "=z1 False ()"),
        ("-n -n=x", "-n=x False ()"),
        ("-yn=z1", "z1 True ()"),
        ("-y -n=z1=2", "z1=2 True ()"),
        ("-n=", " False ()"),
        ("--ids a b -y", "None True ('a', 'b')"),
        ("--ids=a b", "None False ('a', 'b')"),
        ("--ids a --ids b c", "None False ('a', 'b', 'c')"),
        ("--ids a b -n=x", "x False ('a', 'b')"),
    ],
)
def test_options_are_read_as_az_reads_them(words: str, expected: str) -> None:
    @click.command(cls=Command)
    @click.option("-n", "--name")
    @click.option("-y", "--yes", is_flag=True)
    @click.option("--ids", multiple=True, cls=Several)
    def command(name: str | None, yes: bool, ids: tuple[str, ...]) -> None:
        click.echo(f"{name} {yes} {ids}")

    shown = CliRunner().invoke(command, words.split(" "))
    assert shown.output == f"{expected}\n"


def test_an_option_of_several_words_needs_one() -> None:
    @click.command(cls=Command)
    @click.option("--ids", multiple=True, cls=Several)
    def command(ids: tuple[str, ...]) -> None:
        click.echo(str(ids))

    shown = CliRunner().invoke(command, ["--ids"])
    assert shown.exit_code == 2 and "--ids" in shown.output
