"""``scriptbridge romanize``, ``deromanize`` and ``complete``: text in other letters, words being typed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from scriptbridge.errors import DocumentError

from .arguments import (
    channel_option,
    count_option,
    index_argument,
    index_to_read,
    json_option,
    language_or,
    say_unread,
    seed_option,
    utf8,
)
from .terminal import print_json, say, say_if_compiling

__all__ = ["complete", "deromanize", "romanize"]

MOST_WORDINGS = 10_000


@click.command()
@click.argument("text", nargs=-1, type=utf8)
@click.option(
    "--lang",
    required=True,
    type=language_or(".channel"),
    metavar="LANGUAGE",
    help="The text's language, or a channel file.",
)
@count_option("-n", 1, MOST_WORDINGS, "Ways of writing it.")
@seed_option("Same seed, same output.")
def romanize(text: tuple[str, ...], lang: str, n: int, seed: int) -> None:
    """Write native text the ways people type it in Latin letters.

    The ways are drawn at random, likely ones more often, and may repeat. Without TEXT, every line of
    standard input.

    \b
    Example:
      scriptbridge romanize --lang el -n 5 --seed 1 Πώς φτιάχνεται;
    """
    from scriptbridge.channel import romanize as romanized

    for line in _lines(text):
        for version in romanized(line, lang, n=n, seed=seed):
            click.echo(version)


@click.command()
@index_argument
@click.argument("text", nargs=-1, type=utf8)
@count_option("-n", 1, MOST_WORDINGS, "Alternatives, likeliest first.")
@click.option("--diverse", is_flag=True, help="Of spellings and inflections of one word, only the likeliest.")
@channel_option
@json_option
def deromanize(
    index_dir: Path, text: tuple[str, ...], n: int, diverse: bool, channels: tuple[Path, ...], as_json: bool
) -> None:
    """Write Latin-typed text in native script, with the words of an index.

    Without TEXT, every line of standard input. What nothing in the index could mean stands as it is.

    \b
    Example:
      scriptbridge deromanize my-index pos ftiaxnetai o mousakas
      scriptbridge deromanize my-index -n 3 --json pos ftiaxnetai
      scriptbridge deromanize my-index -n 5 --diverse kali thalassa
    """
    with index_to_read(index_dir, channels, quiet=bool(text)) as opened:
        say_if_compiling()
        if text:
            say_unread(opened, " ".join(text))
        for line in _lines(text):
            for alternative in opened.deromanize(line, n, diverse):
                if as_json:
                    print_json(asdict(alternative))
                else:
                    click.echo(alternative.text)


@click.command()
@index_argument
@click.argument("query", nargs=-1, required=True, type=utf8)
@count_option("-n", 10, MOST_WORDINGS, "Completions at most.")
@channel_option
@json_option
def complete(
    index_dir: Path, query: tuple[str, ...], n: int, channels: tuple[Path, ...], as_json: bool
) -> None:
    """Words of an index that a query's last word, still being typed, may become.

    Beside each stands how many documents hold it; where words stand before, how many hold it and these.

    \b
    Example:
      scriptbridge complete my-index mousa
      scriptbridge complete my-index ftiaxnetai o mou
    """
    with index_to_read(index_dir, channels, quiet=True) as opened:
        say_if_compiling()
        completions = opened.complete(" ".join(query), n)
        if not completions:
            say_unread(opened, " ".join(query))
        for completion in completions:
            if as_json:
                print_json(asdict(completion))
            else:
                count = completion.df if completion.beside is None else completion.beside
                click.echo(f"{completion.term}\t{count}")


def _lines(words: tuple[str, ...]) -> Iterator[str]:
    """The text on the command line, or the lines of standard input."""
    if words:
        yield " ".join(words)
        return
    if sys.stdin.isatty():
        raise click.UsageError("Give TEXT, or lines of text on standard input.")
    number = 0
    for number, line in enumerate(sys.stdin, 1):
        try:
            line.encode()
        except UnicodeEncodeError as error:
            raise DocumentError(f"<stdin>:{number}: not UTF-8 text") from error
        yield line.rstrip("\r\n")
    if not number:
        say("no text on standard input")
