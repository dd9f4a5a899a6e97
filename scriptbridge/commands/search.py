"""``scriptbridge search`` and ``run``: what a query finds, and what a file of queries does."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scriptbridge.errors import DocumentError

from .arguments import (
    NO_LANGUAGE,
    channel_option,
    count_option,
    file,
    format_hinted,
    format_option,
    index_argument,
    index_to_read,
    json_option,
    say_skipped,
    say_unread,
    skip_option,
    utf8,
    with_options,
)
from .terminal import counted, print_json, say, say_if_compiling, visible

if TYPE_CHECKING:
    from scriptbridge.modes import Options
    from scriptbridge.types import Hit

__all__ = ["print_hit", "run", "search"]

MOST_DOCUMENTS = 100_000
MOST_READINGS = 100

# How documents are found: the arguments of `scriptbridge.modes.Mode`, as `_asked` gives them.
_mode_options = with_options(
    click.option(
        "--mode",
        type=click.Choice(["lexical", "dense", "hybrid"]),
        default="lexical",
        show_default=True,
        help="By words, by vectors (of an index with an encoder), or both.",
    ),
    click.option("--raw", is_flag=True, help="Give encoders Latin queries as they were typed."),
    count_option("--readings", 1, MOST_READINGS, "Native forms of a Latin query that are encoded."),
    click.option("--queries", "query_encoder", metavar="SPEC", help="Encode queries with this encoder."),
    click.option(
        "--fusion",
        type=click.Choice(["rrf", "minmax", "zscore"]),
        default="rrf",
        show_default=True,
        help="Of hybrid's rankings: by ranks, or by scores.",
    ),
    click.option(
        "--weight",
        type=click.FloatRange(0, 1),
        default=0.5,
        show_default=True,
        help="Of vectors in the fusion; words have the rest.",
    ),
    click.option("--rerank", metavar="SPEC", help="Order the best documents by this cross-encoder."),
    count_option("--depth", 100, MOST_DOCUMENTS, "Documents that are fused or reranked."),
)


@click.command()
@index_argument
@click.argument("query", nargs=-1, required=True, type=utf8)
@count_option("-k", 10, MOST_DOCUMENTS, "Documents at most.")
@_mode_options
@channel_option
@json_option
def search(
    index_dir: Path,
    query: tuple[str, ...],
    k: int,
    channels: tuple[Path, ...],
    as_json: bool,
    **asked: Any,
) -> None:
    """Search an index.

    Prints rank, score and id of each document, the passage that matches, and how the query's words were read.

    \b
    Example:
      scriptbridge search my-index pos ftiaxnetai o mousakas
      scriptbridge search my-index "moskva metro" -k 3 --json
      scriptbridge search my-index pos ftiaxnetai o mousakas --mode hybrid
    """
    from scriptbridge.text import tokenize

    with index_to_read(index_dir, channels, quiet=True) as opened:
        say_if_compiling()
        mode, options = _asked(asked)
        hits = opened.search(" ".join(query), k, mode, **options)
        say_unread(opened, " ".join(query))
    for rank, hit in enumerate(hits, 1):
        if as_json:
            print_json(asdict(hit))
        else:
            print_hit(rank, hit, places=4 if options else 2)
    if not tokenize(" ".join(query)):
        say("no word in the query")
    elif not hits and not as_json:
        say(
            "no document found" if opened.languages else f"no document found; {index_dir} reads {NO_LANGUAGE}"
        )


@click.command()
@index_argument
@channel_option
@click.argument("queries", type=file)
@count_option("-k", 100, MOST_DOCUMENTS, "Documents a query, at most.")
@_mode_options
@format_option
@skip_option
def run(
    index_dir: Path,
    queries: Path,
    channels: tuple[Path, ...],
    k: int,
    file_format: str | None,
    skip_bad: bool,
    **asked: Any,
) -> None:
    """Search for every query of a file and print a TREC run.

    QUERIES is a file of JSON lines, CSV or TSV with id and text; - is standard input. A line of the run is
    "qid Q0 docid rank score scriptbridge".

    \b
    Example:
      scriptbridge run my-index queries.jsonl -k 100 > run.trec
      scriptbridge run my-index queries.jsonl --mode dense > dense.trec
    """
    from scriptbridge.documents import read_queries

    skipped: list[str] | None = [] if skip_bad else None
    query = None
    mode, options = _asked(asked)
    with index_to_read(index_dir, channels) as opened, format_hinted(queries, file_format):
        say_if_compiling()
        for query in counted(read_queries(queries, format=file_format, skip_bad=skipped), "queries"):
            for rank, (id, score) in enumerate(opened.rank(query.text, k, mode, **options), 1):
                if len(id.split()) != 1:
                    raise DocumentError(
                        f"document id {id!r} holds white space, which separates the columns of a run"
                    )
                sys.stdout.write(f"{query.id} Q0 {id} {rank} {score:.9g} scriptbridge\n")
    say_skipped(skipped)
    if query is None and not skipped:
        say(f"no query in {queries}")


def _asked(given: Mapping[str, Any]) -> tuple[str, Options]:
    """The mode and options that a command was given by `_mode_options`; plain lexical search has none."""
    from scriptbridge.modes import Mode

    options: Options = {
        "deromanize": not given["raw"],
        "readings": given["readings"],
        "queries": given["query_encoder"],
        "fusion": given["fusion"],
        "weight": given["weight"],
        "depth": given["depth"],
        "rerank": given["rerank"],
    }
    if given["mode"] != "lexical" or given["rerank"] is not None:
        return given["mode"], options
    if Mode("lexical", **options) != Mode():
        raise click.UsageError("These options are of --mode dense and hybrid, and of --rerank.")
    return "lexical", {}


def print_hit(rank: int, hit: Hit, places: int = 2) -> None:
    click.echo(visible(f"{rank:>3}  {hit.score:6.{places}f}  {hit.id}"))
    click.echo(visible(f"     {hit.highlight}"))
    if readings := _readings(hit):
        click.echo(visible(f"     {readings}"))


def _readings(hit: Hit) -> str:
    """How the document's words read the query's: ``mousakas → μουσακάς``."""
    words: dict[str, dict[str, str]] = {}  # token → term → the word as the document spells it first
    for each in hit.highlights:
        if each.term != each.token:
            spelled = hit.document.fields[each.field][each.start : each.end]
            words.setdefault(each.token, {}).setdefault(each.term, spelled)
    return "   ".join(f"{token} → {', '.join(spelled.values())}" for token, spelled in words.items())
