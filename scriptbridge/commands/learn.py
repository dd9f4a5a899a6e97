"""``scriptbridge learn``: a channel from pairs of words, or from queries alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scriptbridge.errors import ChannelError

from .arguments import file, language_or, seed_option
from .terminal import counted, numbered, say, say_if_compiling, visible

if TYPE_CHECKING:
    from scriptbridge.channel import Channel
    from scriptbridge.estimation import Change
    from scriptbridge.languages import Language

__all__ = ["learn"]

SHOWN = 5  # lines of a log that could not be read


@click.command()
@click.argument("pairs", type=file, required=False)
@click.option("--queries", type=file, metavar="LOG", help="Learn from Latin queries, without pairs.")
@click.option(
    "--index",
    "index_dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The index that the queries are for.",
)
@click.option(
    "--lang",
    type=language_or(".toml"),
    metavar="LANGUAGE",
    help="The language, or a language file. Of an index with one language, by default that.",
)
@click.option(
    "-o",
    "--out",
    "--output",
    "output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The channel file to write.",
)
@click.option(
    "--from",
    "start",
    type=language_or(".channel"),
    metavar="LANGUAGE",
    help="Start from this channel file, or from a related language that shares letters.",
)
@click.option(
    "--from-scheme", is_flag=True, help="Start from the language's scheme, not its shipped channel."
)
@seed_option("Chooses what is held out.")
@click.option("--force", is_flag=True, help="Write a channel that queries made worse, too.")
def learn(
    pairs: Path | None,
    queries: Path | None,
    index_dir: Path | None,
    lang: str | None,
    output: Path,
    start: str | None,
    from_scheme: bool,
    seed: int,
    force: bool,
) -> None:
    """Learn from pairs, or from queries, how people write a language in Latin letters.

    PAIRS is a file of lines "native TAB latin", perhaps with a third column, a weight. Without pairs, a LOG
    of queries and the index that they are for teach a channel: what each Latin word may mean is told by the
    index's words and documents. A LOG is a text file of one query a line, or JSON lines, CSV or TSV with id
    and text.

    Learning starts from the shipped channel of the language, a new one's from its scheme. Prints what
    learning is worth on a tenth of the words or queries, held out: of pairs, the mean log likelihood of a
    Latin letter and how often the likeliest reading is the right one, before and after; of queries, the mean
    log likelihood of a Latin word. Then the largest changes. A channel that makes the queries held out less
    likely is not written.

    \b
    Example:
      scriptbridge learn pairs.tsv --lang el -o my.channel
      scriptbridge learn --queries log.txt --index my-index --out my.channel
      scriptbridge search my-index --channel my.channel kalimera
    """
    from scriptbridge import languages
    from scriptbridge.channel import Channel

    if (pairs is None) == (queries is None):
        raise click.UsageError("Give PAIRS, or --queries LOG.")
    if start is not None and from_scheme:
        raise click.UsageError("--from and --from-scheme exclude each other.")
    own = languages.load_file(lang) if lang is not None and lang.endswith(".toml") else lang
    begun = Channel.load(start) if start is not None else None
    if pairs is not None:
        if own is None:
            raise click.UsageError("With PAIRS, give --lang.")
        if index_dir is not None or force:
            raise click.UsageError("--index and --force are of --queries, not of PAIRS.")
        _from_pairs(pairs, own, output, begun, from_scheme, seed)
    elif queries is not None:
        if index_dir is None:
            raise click.UsageError("With --queries, give --index.")
        _from_queries(queries, index_dir, own, output, begun, from_scheme, seed, force)


def _from_pairs(
    file: Path, lang: str | Language, output: Path, start: Channel | None, from_scheme: bool, seed: int
) -> None:
    from scriptbridge import pairs

    say_if_compiling("count")
    lesson = pairs.learn(file, lang, seed, start, from_scheme)
    lesson.channel.save(output)
    click.echo(f"pairs used\t{lesson.used:,}")
    click.echo(f"pairs left out\t{lesson.left_out:,}")
    click.echo(f"pairs held out\t{lesson.held_out:,}")
    if lesson.before is None or lesson.after is None:
        say("too few words to hold any out and measure")
    else:
        click.echo("\tbefore\tafter")
        _compare("log likelihood", lesson.before.log_likelihood, lesson.after.log_likelihood)
        _compare("top-1", lesson.before.top1, lesson.after.top1)
    _show(lesson.changes)


def _from_queries(
    log: Path,
    folder: Path,
    lang: str | Language | None,
    output: Path,
    start: Channel | None,
    from_scheme: bool,
    seed: int,
    force: bool,
) -> None:
    from scriptbridge.channel import Channel
    from scriptbridge.index import Index
    from scriptbridge.learning import language_of, learn_from_queries, read_log

    skipped: list[str] = []
    with Index.open(folder) as index:
        language = language_of(index, lang, start)
        if from_scheme:
            start = Channel.from_scheme(language)
        say_if_compiling()
        read = counted(read_log(log, skipped), "queries")
        lesson = learn_from_queries(read, index, language, start, [log.name], seed)
    for reason in skipped[:SHOWN]:
        say(f"skipped {reason}")
    if skipped:
        say(f"skipped {numbered(len(skipped), 'line')}")
    click.echo(f"queries learned from\t{lesson.queries:,}")
    click.echo(f"queries held out\t{lesson.held_out:,}")
    click.echo(f"Latin words\t{lesson.tokens:,}")
    click.echo(f"read as {language.name}\t{lesson.meant:,.0f}")
    if lesson.before is None or lesson.after is None:
        say("too few queries to hold any out and measure")
    else:
        click.echo("\tbefore\tafter")
        _compare("log likelihood", lesson.before, lesson.after)
    _show(lesson.changes)
    if lesson.worse and not force:
        raise ChannelError(
            f"what was learned makes the queries held out less likely, so {output} was not written; "
            "--force writes it"
        )
    lesson.channel.save(output)


def _compare(what: str, before: float, after: float) -> None:
    click.echo(f"{what}\t{before:.3f}\t{after:.3f}")


def _show(changes: Iterable[Change]) -> None:
    """What was learned: ``ع → 3\t0.28\t0.71``."""
    for change in changes:
        spelled = change.spelling or "nothing"
        click.echo(visible(f"{change.unit} → {spelled}") + f"\t{change.before:.2f}\t{change.after:.2f}")
