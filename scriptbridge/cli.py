"""The command line: data to stdout, messages to stderr; exit codes 0 done, 1 failed, 2 wrong usage.

Every command is a few lines around the library, whose modules are imported when a command needs them.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

import click

from scriptbridge import __version__
from scriptbridge.errors import DocumentError, GapError, LanguageError, NotAnIndexError, ScriptbridgeError

if TYPE_CHECKING:
    from scriptbridge.channel import Channel
    from scriptbridge.gap.records import Report
    from scriptbridge.index import Index
    from scriptbridge.types import Document, Hit

__all__ = ["main"]

Item = TypeVar("Item")
Command = TypeVar("Command", bound=Callable[..., Any])

INTERRUPTED = 130
MOST_DOCUMENTS = 100_000
MOST_WORDINGS = 10_000
FORMATS = ("jsonl", "csv", "tsv")


# ---- what every command shares


class _Commands(click.Group):
    """The command group: UTF-8 in and out, errors as one line, quiet where a pipe closes."""

    def invoke(self, ctx: click.Context) -> Any:
        _set_up("stdin", "r", "surrogateescape")
        _set_up("stdout", "w", "strict")
        _set_up("stderr", "w", "backslashreplace")
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except ScriptbridgeError as error:
            lines = [line for said in [str(error), *_notes(error)] for line in said.splitlines()]
            raise click.ClickException("\n".join(map(_visible, lines))) from error
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise
            raise click.ClickException(
                "there is no folder to keep compiled loops in: set NUMBA_CACHE_DIR to one that can be written"
            ) from error
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # click ends quietly
            if error.errno == errno.ENOSPC:
                _discard_output()
            raise click.ClickException(_visible(str(error))) from error
        return result


def _set_up(name: str, mode: str, errors: str) -> None:
    """A standard stream in UTF-8; where it was closed (`>&-`), nothing is read from it and all is lost."""
    if getattr(sys, name) is None:
        setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
    getattr(sys, name).reconfigure(encoding="utf-8", errors=errors)


def _notes(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


def _discard_output() -> None:
    """What could not be written is not tried again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise click.BadParameter(f"{value!r} is not UTF-8 text") from None
    return value


def _language(value: str) -> str:
    from scriptbridge import languages

    try:
        return languages.load(value).code
    except LanguageError as error:
        raise click.BadParameter(str(error)) from None


def _language_or(suffix: str) -> Callable[[str], str]:
    """A known language's code, or a file of that suffix."""
    return lambda value: value if value.endswith(suffix) else _language(value)


def _field(value: str) -> tuple[str, float]:
    name, _, weight = value.partition("=")
    try:
        return name, float(weight or 1)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} came; accepted are a name and, after =, a weight: title=2"
        ) from None


def _channels(files: Sequence[Path]) -> list[Channel]:
    from scriptbridge.channel import Channel

    return [Channel.load(file) for file in files]


def _index_folder(value: str) -> Path:
    path = Path(value)
    if path.exists() and not path.is_dir():
        raise click.BadParameter(_visible(f"{value} is a file; the first argument is the index folder"))
    return path


def _file(value: str) -> Path:
    path = Path(value)
    if path.is_dir():
        raise click.BadParameter(_visible(f"{value} is a folder; a file is wanted"))
    return path


def _report_file(value: str) -> Path:
    path = _file(value)
    if path.suffix not in (".html", ".json"):
        raise click.BadParameter(f"{value!r} came; accepted are names that end in .html or .json")
    if not path.parent.is_dir():
        raise click.BadParameter(_visible(f"{path.parent} is no folder"))
    return path


def _ratio(value: str) -> float:
    with suppress(ValueError):
        if 0 < (ratio := float(value)) <= 1:
            return ratio
    raise click.BadParameter(f"{value!r} came; accepted is a number above 0, at most 1")


index_argument = click.argument("index_dir", type=_index_folder)
channel_option = click.option(
    "--channel",
    "channels",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read with this channel, of `learn`, in place of the shipped one. May be repeated.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
format_option = click.option(
    "--format",
    "file_format",
    type=click.Choice(FORMATS),
    help="What the file is; by default, as its name says.",
)
skip_option = click.option("--skip-bad", is_flag=True, help="Leave bad lines out; list them on stderr.")


def _count_option(name: str, default: int, most: int, what: str) -> Callable[[Command], Command]:
    return click.option(
        name, type=click.IntRange(1, most), metavar="N", default=default, show_default=True, help=what
    )


_BIDI = "\u202a-\u202e\u2066-\u2069"
_CONTROLS = re.compile(rf"[\x00-\x1f\x7f-\x9f\u2028\u2029{_BIDI}]")


def _visible(text: str) -> str:
    """Text as it may go to a terminal: no control characters, no overridden direction."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def _print_json(value: Mapping[str, Any]) -> None:
    """One line of JSON, with controls that JSON itself lets through escaped."""
    line = json.dumps(value, ensure_ascii=False)
    click.echo(_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", line))


def _say(message: str) -> None:
    click.echo(_visible(message), err=True)


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _counted(items: Iterable[Item], what: str) -> Iterator[Item]:
    """The items, their number shown on stderr while they pass if that is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    shown = 0.0
    number = 0
    try:
        for number, item in enumerate(items, 1):
            yield item
            if (now := time.monotonic()) - shown > 0.1:
                click.echo(f"\r{number:,} {what}", nl=False, err=True)
                shown = now
    finally:
        click.echo("\r\x1b[K", nl=False, err=True)


def _say_skipped(skipped: list[str] | None) -> None:
    for reason in skipped or ():
        _say(f"skipped {reason}")
    if skipped:
        _say(f"skipped {_number(len(skipped), 'bad line')}")


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
        _say("no text on standard input")


@contextmanager
def _format_hinted(file: Path, file_format: str | None) -> Iterator[None]:
    """Where standard input, which has no name that tells its format, is not what it is taken for."""
    try:
        yield
    except DocumentError as error:
        if str(file) == "-" and file_format is None and "not JSON" in str(error):
            error.add_note("standard input is read as JSON lines; else use --format tsv or --format csv")
        raise


KERNELS = Path(__file__).with_name("kernels.py")


def _say_if_compiling() -> None:
    """On a terminal, why the first search takes long."""
    if sys.stderr.isatty() and not _compiled():
        _say("compiling once, about ten seconds …")


def _compiled() -> bool:
    """Whether numba has this version's loops in its cache; True where that cannot be told."""
    version = f"py{sys.version_info.major}{sys.version_info.minor}"
    try:
        if elsewhere := os.environ.get("NUMBA_CACHE_DIR"):
            kept = list(Path(elsewhere).glob(f"*/kernels.decode-*.{version}.nbi"))
        elif os.access(KERNELS.parent, os.W_OK):
            kept = list((KERNELS.parent / "__pycache__").glob(f"kernels.decode-*.{version}.nbi"))
        else:
            return True
        return any(file.stat().st_mtime >= KERNELS.stat().st_mtime for file in kept)
    except OSError:
        return True


# ---- the commands


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, "--version", prog_name="scriptbridge", message="%(prog)s %(version)s")
def main() -> None:
    """Find native-script documents with queries typed in Latin letters.

    \b
    Example:
      scriptbridge index my-index docs.jsonl
      scriptbridge search my-index pos ftiaxnetai o mousakas
    """


@main.command()
@index_argument
@click.argument("files", nargs=-1, required=True, metavar="DOCS...", type=_file)
@click.option(
    "--lang",
    type=_language,
    metavar="LANGUAGE",
    help="Language of documents that do not say theirs; else it is detected.",
)
@click.option(
    "--field",
    "fields",
    multiple=True,
    type=_field,
    metavar="NAME[=WEIGHT]",
    help="A text field and its weight in the score, of a new index; may be repeated. By default: text.",
)
@format_option
@skip_option
def index(
    index_dir: Path,
    files: tuple[Path, ...],
    lang: str | None,
    fields: tuple[tuple[str, float], ...],
    file_format: str | None,
    skip_bad: bool,
) -> None:
    """Index documents, replacing those of the same id; make the index if there is none.

    DOCS are files of JSON lines, CSV or TSV, perhaps gzipped; - is standard input. Each document has an id
    and text, perhaps lang; the rest is stored with it. All are indexed, or, where a line is bad, none.

    \b
    Example:
      scriptbridge index my-index docs.jsonl --lang hi
      scriptbridge index my-index books.csv --field title=2 --field text
    """
    from scriptbridge.documents import read_documents

    skipped: list[str] | None = [] if skip_bad else None
    started = time.monotonic()
    count = 0

    def taken(documents: Iterable[Document]) -> Iterator[Document]:
        nonlocal count
        for document in documents:
            yield _in_language(document, lang)
            count += 1

    with _index_to_write(index_dir, dict(fields)) as opened:
        names = tuple(opened.fields)
        try:
            for file in files:
                documents = read_documents(file, names, format=file_format, skip_bad=skipped)
                with _format_hinted(file, file_format):
                    opened.add(_counted(taken(documents), "documents"))
        except ScriptbridgeError as error:
            if not count:  # what the library says of what came before
                error.__notes__ = [note for note in _notes(error) if "last commit" not in note]
            raise
        opened.commit()
        spoken = " ".join(opened.languages) or "no language"
    _say_skipped(skipped)
    if not count and not skipped:
        _say(f"no document in {' '.join(map(str, files))}")
    seconds = time.monotonic() - started
    _say(f"indexed {_number(count, 'document')} in {seconds:.1f} s; {index_dir} reads {spoken}")


def _in_language(document: Document, lang: str | None) -> Document:
    return document if document.lang is not None or lang is None else replace(document, lang=lang)


@contextmanager
def _index_to_write(path: Path, fields: Mapping[str, float]) -> Iterator[Index]:
    """The index at `path`; a new one if there is none, which a failure leaves no trace of."""
    from scriptbridge.index import Index

    try:
        opened = Index.open(path)
    except NotAnIndexError:
        made, created = _make_directory(path), False
        try:
            with Index.create(path, fields=fields or None) as opened:
                created = True
                yield opened
        except BaseException:
            if made is not None:
                shutil.rmtree(made, ignore_errors=True)
            elif created:  # in a directory that was there, and empty
                for file in path.iterdir():
                    file.unlink(missing_ok=True)
            raise
        return
    with opened:
        if fields and dict(fields) != dict(opened.fields):
            kept = " ".join(f"--field {name}={weight:g}" for name, weight in opened.fields.items())
            raise click.UsageError(f"{path}: an index keeps its fields, which are {kept}")
        yield opened


def _make_directory(path: Path) -> Path | None:
    """Make a directory and return the topmost one made; None if it was there or cannot be made."""
    missing = None
    for part in [path, *path.parents]:
        if part.exists():
            break
        missing = part
    try:
        path.mkdir(parents=True)
    except OSError:  # Index.create tells why
        return None
    return missing


@main.command()
@index_argument
@click.argument("query", nargs=-1, required=True, type=_text)
@_count_option("-k", 10, MOST_DOCUMENTS, "Documents at most.")
@channel_option
@json_option
def search(
    index_dir: Path, query: tuple[str, ...], k: int, channels: tuple[Path, ...], as_json: bool
) -> None:
    """Search an index.

    Prints rank, score and id of each document, the passage that matches, and how the query's words were read.

    \b
    Example:
      scriptbridge search my-index pos ftiaxnetai o mousakas
      scriptbridge search my-index "moskva metro" -k 3 --json
    """
    from scriptbridge.index import Index
    from scriptbridge.text import tokenize

    with Index.open(index_dir, _channels(channels)) as opened:
        _say_if_compiling()
        hits = opened.search(" ".join(query), k)
    for rank, hit in enumerate(hits, 1):
        if as_json:
            _print_json(asdict(hit))
        else:
            _print_hit(rank, hit)
    if not tokenize(" ".join(query)):
        _say("no word in the query")
    elif not hits and not as_json:
        _say("no document found")


def _print_hit(rank: int, hit: Hit, indent: str = "") -> None:
    click.echo(_visible(f"{indent}{rank:>3}  {hit.score:6.2f}  {hit.id}"))
    click.echo(_visible(f"{indent}     {hit.highlight}"))
    if readings := _readings(hit):
        click.echo(_visible(f"{indent}     {readings}"))


def _readings(hit: Hit) -> str:
    """How the document's words read the query's: ``mousakas → μουσακάς``."""
    words: dict[str, dict[str, str]] = {}  # token → term → the word as the document spells it first
    for each in hit.highlights:
        if each.term != each.token:
            spelled = hit.document.fields[each.field][each.start : each.end]
            words.setdefault(each.token, {}).setdefault(each.term, spelled)
    return "   ".join(f"{token} → {', '.join(spelled.values())}" for token, spelled in words.items())


@main.command()
@index_argument
@channel_option
@click.argument("queries", type=_file)
@_count_option("-k", 100, MOST_DOCUMENTS, "Documents a query, at most.")
@format_option
@skip_option
def run(
    index_dir: Path,
    queries: Path,
    channels: tuple[Path, ...],
    k: int,
    file_format: str | None,
    skip_bad: bool,
) -> None:
    """Search for every query of a file and print a TREC run.

    QUERIES is a file of JSON lines, CSV or TSV with id and text; - is standard input. A line of the run is
    "qid Q0 docid rank score scriptbridge".

    \b
    Example:
      scriptbridge run my-index queries.jsonl -k 100 > run.trec
    """
    from scriptbridge.documents import read_queries
    from scriptbridge.index import Index

    skipped: list[str] | None = [] if skip_bad else None
    query = None
    with Index.open(index_dir, _channels(channels)) as opened, _format_hinted(queries, file_format):
        _say_if_compiling()
        for query in _counted(read_queries(queries, format=file_format, skip_bad=skipped), "queries"):
            for rank, (id, score) in enumerate(opened.rank(query.text, k), 1):
                if len(id.split()) != 1:
                    raise DocumentError(
                        f"document id {id!r} holds white space, which separates the columns of a run"
                    )
                sys.stdout.write(f"{query.id} Q0 {id} {rank} {score:.9g} scriptbridge\n")
    _say_skipped(skipped)
    if query is None and not skipped:
        _say(f"no query in {queries}")


@main.command()
@click.argument("text", nargs=-1, type=_text)
@click.option(
    "--lang",
    required=True,
    type=_language_or(".channel"),
    metavar="LANGUAGE",
    help="The text's language, or a channel file.",
)
@_count_option("-n", 1, MOST_WORDINGS, "Ways of writing it.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    default=0,
    show_default=True,
    help="Same seed, same output.",
)
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


@main.command()
@index_argument
@click.argument("text", nargs=-1, type=_text)
@_count_option("-n", 1, MOST_WORDINGS, "Alternatives, likeliest first.")
@channel_option
@json_option
def deromanize(
    index_dir: Path, text: tuple[str, ...], n: int, channels: tuple[Path, ...], as_json: bool
) -> None:
    """Write Latin-typed text in native script, with the words of an index.

    Without TEXT, every line of standard input. What nothing in the index could mean stands as it is.

    \b
    Example:
      scriptbridge deromanize my-index pos ftiaxnetai o mousakas
      scriptbridge deromanize my-index -n 3 --json pos ftiaxnetai
    """
    from scriptbridge.index import Index

    with Index.open(index_dir, _channels(channels)) as opened:
        _say_if_compiling()
        for line in _lines(text):
            for alternative in opened.bridge.deromanize(line, n):
                if as_json:
                    _print_json(asdict(alternative))
                else:
                    click.echo(alternative.text)


@main.command()
@index_argument
@click.argument("prefix", type=_text)
@_count_option("-n", 10, MOST_WORDINGS, "Completions at most.")
@channel_option
@json_option
def complete(index_dir: Path, prefix: str, n: int, channels: tuple[Path, ...], as_json: bool) -> None:
    """Words of an index that a Latin-typed beginning may become, and how many documents hold them.

    \b
    Example:
      scriptbridge complete my-index mousa
    """
    from scriptbridge.index import Index

    with Index.open(index_dir, _channels(channels)) as opened:
        _say_if_compiling()
        for completion in opened.bridge.complete(prefix, n):
            if as_json:
                _print_json(asdict(completion))
            else:
                click.echo(f"{completion.term}\t{completion.df}")


@main.command()
@click.argument("pairs", type=_file)
@click.option(
    "--lang",
    required=True,
    type=_language_or(".toml"),
    metavar="LANGUAGE",
    help="Their language, or a language file.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The channel file to write.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    default=0,
    show_default=True,
    help="Chooses the words held out.",
)
def learn(pairs: Path, lang: str, output: Path, seed: int) -> None:
    """Learn from pairs how people write a language in Latin letters.

    PAIRS is a file of lines "native TAB latin", perhaps with a third column, a weight. Writes a channel
    learned from all of them; prints what learning is worth on a tenth of the words, held out: the mean log
    likelihood of a Latin letter, and how often the likeliest reading is the right one, with the channel that
    scriptbridge has for the language (before) and with the one learned from the other words (after).

    \b
    Example:
      scriptbridge learn pairs.tsv --lang el -o my.channel
      scriptbridge romanize --lang my.channel καλημέρα
    """
    from scriptbridge import languages
    from scriptbridge import pairs as lessons

    _say_if_compiling()
    lesson = lessons.learn(pairs, languages.load_file(lang) if lang.endswith(".toml") else lang, seed)
    lesson.channel.save(output)
    click.echo(f"pairs used	{lesson.used:,}")
    click.echo(f"pairs left out	{lesson.left_out:,}")
    click.echo(f"pairs held out	{lesson.held_out:,}")
    if lesson.before is None or lesson.after is None:
        _say("too few words to hold any out and measure")
        return
    click.echo("\tbefore\tafter")
    click.echo(f"log likelihood\t{lesson.before.log_likelihood:.3f}\t{lesson.after.log_likelihood:.3f}")
    click.echo(f"top-1\t{lesson.before.top1:.3f}\t{lesson.after.top1:.3f}")


@main.command()
@click.argument("collections", nargs=-1, required=True, metavar="COLLECTION...")
@click.option(
    "--system",
    "systems",
    multiple=True,
    metavar="[NAME=]SYSTEM",
    help="What to measure; may be repeated. By default scriptbridge and fold+fuzzy.",
)
@click.option(
    "--latin",
    multiple=True,
    metavar="AUTHOR",
    help="Who writes the Latin queries; may be repeated. By default those given, else romanizers.",
)
@click.option("--set", "sets", multiple=True, metavar="NAME", help="Only this query set; may be repeated.")
@click.option("--queries", type=click.IntRange(1), metavar="N", help="Of each set, the first so many.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=_report_file,
    metavar="FILE",
    help="Write a page (.html) or all figures (.json); may be repeated.",
)
@click.option(
    "--fail-under",
    type=_ratio,
    metavar="RATIO",
    help="Exit with 1 if Latin queries find less than so much of native ones' nDCG@10 in the first system.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all that is random.")
@click.option(
    "--causes/--no-causes",
    default=True,
    help="Look for the words that lose queries, for which systems are asked some more. Done by default.",
)
@click.option("--fresh", is_flag=True, help="Forget what an interrupted measurement left.")
@click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where answers are kept until the measurement is complete. By default in the user's cache.",
)
def gap(
    collections: tuple[str, ...],
    systems: tuple[str, ...],
    latin: tuple[str, ...],
    sets: tuple[str, ...],
    queries: int | None,
    reports: tuple[Path, ...],
    fail_under: float | None,
    seed: int,
    causes: bool,
    fresh: bool,
    work: Path | None,
) -> None:
    """Measure how much less Latin queries find than native ones, in any search system.

    COLLECTION is a folder with documents, queries and qrels (scriptbridge's own, BEIR's or TREC's layout),
    ir_datasets:NAME, or the sample collection, sample: or sample:LANGUAGE. SYSTEM is scriptbridge, an index
    folder, bm25, fold, fold+fuzzy, module:function, a URL with {query}, an endpoint's TOML file,
    run:NATIVE,LATIN (TREC runs) or st:MODEL. AUTHOR is given, channel, uroman, icu, keyboard or
    module:function, perhaps with +typos=RATE, +vowels=RATE or +switch=RATE. An interrupted measurement goes
    on where it stopped when the same command runs again.

    \b
    Example:
      scriptbridge gap my-collection --system my-index --system fold --report gap.html
      scriptbridge gap my-collection --system search.toml --latin uroman --fail-under 0.95
    """
    from scriptbridge.gap import Journal, load_collection, measure, table
    from scriptbridge.gap.circumstances import circumstances
    from scriptbridge.gap.journal import default_folder

    _say_if_compiling()
    loaded = [load_collection(each, sets=sets or None, limit=queries or 0) for each in collections]
    chosen = systems or ("scriptbridge", "fold+fuzzy")
    journal = Journal(work or default_folder(), fresh=fresh)
    try:
        with _progress() as progress:
            report = measure(
                loaded, chosen, latin, seed=seed, journal=journal, progress=progress, explain=causes
            )
    except KeyboardInterrupt:
        _say("interrupted; what was answered is kept: run the same command again to go on")
        raise
    made = circumstances(["scriptbridge", *_without_secrets(sys.argv[1:], chosen)], seed)
    report = replace(report, circumstances=made | dict(report.circumstances))
    if journal.resumed:
        _say(f"{_number(journal.resumed, 'answer')} kept from an interrupted measurement")
    for note in report.notes:
        _say(note)
    problems = [problem for file in reports if (problem := _written(report, file, reports))]
    for line in table(report, shutil.get_terminal_size((100, 24)).columns).splitlines():
        click.echo(_visible(line))
    sys.stdout.flush()
    if problems:
        kept = "what was answered is kept: the same command writes the report without asking again"
        raise GapError("\n".join([*problems, kept]))
    journal.finish()
    if fail_under is not None and not _reached(report, fail_under):
        sys.exit(1)


def _written(report: Report, file: Path, reports: Sequence[Path]) -> str | None:
    """Write one of the reports; what is wrong, if that cannot be."""
    from scriptbridge.gap import html, save_report
    from scriptbridge.gap.reportfile import write

    try:
        if file.suffix == ".json":
            save_report(report, file)
        else:
            beside = [each.name for each in reports if each.suffix == ".json" and each.parent == file.parent]
            write(html(report, *beside[:1]), file)
    except GapError as error:
        return str(error)
    _say(f"wrote {file}")
    return None


def _without_secrets(arguments: Sequence[str], systems: Sequence[str]) -> list[str]:
    """The arguments of a command as a report may print them: URLs without passwords and parameters."""
    from scriptbridge.gap.systems import printable

    shown = {spec: printable(spec) for spec in systems}
    shown |= {f"--system={spec}": f"--system={safe}" for spec, safe in shown.items()}
    return [shown.get(each, each) for each in arguments]


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """What is under way, on stderr: live on a terminal, else a line for what is done."""
    from scriptbridge.gap.table import shortened

    live = sys.stderr.isatty()
    shown = 0.0

    def progress(what: str, done: int, of: int) -> None:
        nonlocal shown
        if not live:
            if done == of > 0:
                _say(f"{what}: {done:,}")
        elif done in (0, of) or time.monotonic() - shown > 0.1:
            count = f": {done:,} of {of:,}" if of else " …"
            room = max(1, _columns() - 1 - len(count))
            click.echo(f"\r\x1b[K{shortened(_visible(what), room)}{count}", nl=False, err=True)
            shown = time.monotonic()

    try:
        yield progress
    finally:
        if live:
            click.echo("\r\x1b[K", nl=False, err=True)


def _columns() -> int:
    """Of the terminal that stderr is."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def _reached(report: Report, ratio: float) -> bool:
    """Whether Latin queries find so much of native ones' everywhere in the report's first system."""
    first = report.cells[0].system
    cells = [cell for cell in report.cells if cell.system == first]
    if all(cell.native is None for cell in cells):
        raise GapError("--fail-under: there are no native queries to compare Latin ones with")
    low = 0
    for cell in cells:
        reached = cell.figures["nDCG@10"].ratio
        where = " ".join(filter(None, [cell.collection, cell.query_set, cell.author]))
        if cell.native is not None and reached is None:
            _say(f"{where}: {first} finds nothing with native queries either")
            low += 1
        elif reached is not None and reached < ratio:
            _say(f"{where}: {first} {reached:.3f} is under {ratio:g}")
            low += 1
    return not low


@main.command()
@json_option
def languages(as_json: bool) -> None:
    """The languages scriptbridge reads: code, scripts, name.

    \b
    Example:
      scriptbridge languages
    """
    from scriptbridge import languages as known

    for each in map(known.load, known.codes()):
        if as_json:
            keys = ("code", "name", "native_name", "scripts")
            _print_json({key: getattr(each, key) for key in keys})
        else:
            click.echo(f"{each.code:4}{' '.join(each.scripts):10}{each.name:12}{each.native_name}")


@main.command()
@index_argument
@json_option
def info(index_dir: Path, as_json: bool) -> None:
    """What an index holds.

    \b
    Example:
      scriptbridge info my-index
    """
    from scriptbridge.index import Index

    with Index.open(index_dir) as opened:
        facts = {
            "documents": len(opened),
            "terms": len(opened.bridge.lexicon),
            "languages": list(opened.languages),
            "fields": dict(opened.fields),
            "bytes": sum(file.stat().st_size for file in index_dir.iterdir()),
        }
    if as_json:
        _print_json(facts)
        return
    facts["languages"] = " ".join(opened.languages) or "none"
    facts["fields"] = " ".join(f"{name}={weight:g}" for name, weight in opened.fields.items())
    for name, fact in facts.items():
        click.echo(f"{name:<11}{f'{fact:,}' if isinstance(fact, int) else fact}")


@main.command()
def demo() -> None:
    """Index the sample collection that comes with scriptbridge, and search it in every language.

    \b
    Example:
      scriptbridge demo
    """
    from scriptbridge.documents import read_documents
    from scriptbridge.index import Index

    with (
        resources.as_file(resources.files("scriptbridge") / "sample") as sample,
        TemporaryDirectory(prefix="scriptbridge-demo-") as directory,
        Index.create(directory, fields={"title": 2.0, "text": 1.0}) as opened,
    ):
        _say_if_compiling()
        files = sorted(file for file in sample.glob("*.jsonl") if not file.name.startswith("queries."))
        for file in files:
            opened.add(_counted(read_documents(file, ("title", "text")), "documents"))
        opened.commit()
        click.echo(f"{len(opened)} short documents in {len(opened.languages)} languages, in one index.\n")
        for file in files:
            _show_query(opened, sample / f"queries.{file.name}")


def _show_query(opened: Index, file: Path) -> None:
    """The first query of a file, and what it finds first."""
    from scriptbridge import languages as known

    query = json.loads(file.read_text(encoding="utf-8").splitlines()[0])
    language = known.load(file.name.split(".")[1])
    click.echo(f"{query['text']}   ({language.name})")
    for rank, hit in enumerate(opened.search(query["text"], 1), 1):
        _print_hit(rank, hit)
    click.echo()
