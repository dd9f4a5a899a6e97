"""The command line: data to stdout, messages to stderr; exit codes 0 done, 1 failed, 2 wrong usage.

Every command is a few lines around the library, whose modules are imported when a command needs them.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

import click

from scriptbridge import __version__
from scriptbridge.commands.arguments import count_option, file, language, language_or, utf8
from scriptbridge.commands.gap import gap
from scriptbridge.commands.learn import learn
from scriptbridge.commands.terminal import counted, numbered, print_json, say, say_if_compiling, visible
from scriptbridge.commands.train import train
from scriptbridge.errors import DocumentError, LanguageError, NotAnIndexError, ScriptbridgeError

if TYPE_CHECKING:
    from scriptbridge.index import Index
    from scriptbridge.modes import Options
    from scriptbridge.types import Document, Hit

__all__ = ["main"]

Command = TypeVar("Command", bound=Callable[..., Any])

INTERRUPTED = 130
MOST_DOCUMENTS = 100_000
MOST_WORDINGS = 10_000
MOST_READINGS = 100
FORMATS = ("jsonl", "csv", "tsv")


# ---- what every command shares


class _Commands(click.Group):
    """The command group: UTF-8 in and out, errors as one line, quiet where a pipe closes."""

    def invoke(self, ctx: click.Context) -> Any:
        _set_up("stdin", "r", "surrogateescape")
        _set_up("stdout", "w", "strict")
        _set_up("stderr", "w", "backslashreplace")
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _say_warning
                result = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except ScriptbridgeError as error:
            lines = [line for said in [str(error), *_notes(error)] for line in said.splitlines()]
            raise click.ClickException("\n".join(map(visible, lines))) from error
        except MemoryError as error:
            raise click.ClickException(visible(f"not enough memory: {error}".rstrip(": "))) from error
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
            raise click.ClickException(visible(str(error))) from error
        return result


def _say_warning(message: Warning | str, *where: object, **more: object) -> None:
    """A line of it: users have no use for where in the source it came from."""
    say(str(message))


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


def _field(value: str) -> tuple[str, float]:
    name, _, weight = value.partition("=")
    try:
        return name, float(weight or 1)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} came; accepted are a name and, after =, a weight: title=2"
        ) from None


def _index_to_read(path: Path, files: Sequence[Path]) -> Index:
    """The index at `path`, read with these channels; LanguageError where one reads nothing there."""
    from scriptbridge.channel import Channel
    from scriptbridge.index import Index

    channels = [Channel.load(file) for file in files]
    opened = Index.open(path, channels)
    idle = opened.bridge.idle if channels and len(opened.bridge.lexicon) else ()
    for given, channel in zip(files, channels, strict=True):
        if channel.language in idle:
            opened.close()
            spoken = " ".join(opened.languages) or "no language"
            raise LanguageError(
                f"{given} reads {channel.language}; {path} has no word of it, but reads {spoken}"
            )
    return opened


def _index_folder(value: str) -> Path:
    path = Path(value)
    if path.exists() and not path.is_dir():
        raise click.BadParameter(visible(f"{value} is a file; the first argument is the index folder"))
    return path


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


def _mode_options(command: Command) -> Command:
    """How documents are found: the arguments of `scriptbridge.modes.Mode`, as `_mode` gives them."""
    options = [
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
    ]
    for option in reversed(options):
        command = option(command)
    return command


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


def _say_skipped(skipped: list[str] | None) -> None:
    for reason in skipped or ():
        say(f"skipped {reason}")
    if skipped:
        say(f"skipped {numbered(len(skipped), 'bad line')}")


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


@contextmanager
def _format_hinted(file: Path, file_format: str | None) -> Iterator[None]:
    """Where standard input, which has no name that tells its format, is not what it is taken for."""
    try:
        yield
    except DocumentError as error:
        if str(file) == "-" and file_format is None and "not JSON" in str(error):
            error.add_note("standard input is read as JSON lines; else use --format tsv or --format csv")
        raise


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


main.add_command(gap)
main.add_command(learn)
main.add_command(train)


@main.command()
@index_argument
@click.argument("files", nargs=-1, metavar="DOCS...", type=file)
@click.option(
    "--lang",
    type=language,
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
@click.option(
    "--encoder",
    metavar="SPEC",
    help="Of a new index: what makes its documents' vectors, for --mode dense and hybrid: st:BAAI/bge-m3.",
)
@format_option
@skip_option
def index(
    index_dir: Path,
    files: tuple[Path, ...],
    lang: str | None,
    fields: tuple[tuple[str, float], ...],
    encoder: str | None,
    file_format: str | None,
    skip_bad: bool,
) -> None:
    """Index documents, replacing those of the same id; make the index if there is none.

    DOCS are files of JSON lines, CSV or TSV, perhaps gzipped; - is standard input. Each document has an id
    and text, perhaps lang; the rest is stored with it. All are indexed, or, where a line is bad, none. Of an
    index with an encoder, documents without a vector get one, those of earlier failures too; then DOCS need
    not be given.

    \b
    Example:
      scriptbridge index my-index docs.jsonl --lang hi
      scriptbridge index my-index books.csv --field title=2 --field text
      scriptbridge index my-index docs.jsonl --encoder st:BAAI/bge-m3
    """
    from scriptbridge.documents import read_documents

    if not files and not _has_encoder(index_dir):
        raise click.UsageError("Missing argument 'DOCS...'.")
    skipped: list[str] | None = [] if skip_bad else None
    started = time.monotonic()
    count = 0

    def taken(documents: Iterable[Document]) -> Iterator[Document]:
        nonlocal count
        for document in documents:
            yield _in_language(document, lang)
            count += 1

    with _index_to_write(index_dir, dict(fields), encoder) as opened:
        names = tuple(opened.fields)
        try:
            for file in files:
                documents = read_documents(file, names, format=file_format, skip_bad=skipped)
                with _format_hinted(file, file_format):
                    opened.add(counted(taken(documents), "documents"))
        except ScriptbridgeError as error:
            if not count:  # what the library says of what came before
                error.__notes__ = [note for note in _notes(error) if "last commit" not in note]
            raise
        opened.commit()
        spoken = _spoken(opened) or "no language"
    _say_skipped(skipped)
    if files and not count and not skipped:
        say(f"no document in {' '.join(map(str, files))}")
    seconds = time.monotonic() - started
    say(f"indexed {numbered(count, 'document')} in {seconds:.1f} s; {index_dir} reads {spoken}")


def _spoken(opened: Index) -> str:
    """The languages of an index that it reads, then the others: ``el ru; zh: needs scriptbridge[zh]``."""
    read = " ".join(code for code in opened.languages if code not in opened.unread)
    return "; ".join(filter(None, [read, _needed(opened)]))


def _needed(opened: Index) -> str:
    return "; ".join(f"{code}: needs {need}" for code, need in opened.unread.items())


def _has_encoder(path: Path) -> bool:
    from scriptbridge.store import Manifest

    try:
        return Manifest.read(path).encoder is not None
    except NotAnIndexError:
        return False


def _in_language(document: Document, lang: str | None) -> Document:
    return document if document.lang is not None or lang is None else replace(document, lang=lang)


@contextmanager
def _index_to_write(path: Path, fields: Mapping[str, float], encoder: str | None) -> Iterator[Index]:
    """The index at `path`; a new one if there is none, which a failure before a commit leaves no trace of."""
    from scriptbridge import encoders
    from scriptbridge.index import Index

    try:
        opened = Index.open(path, encoder=encoder)
    except NotAnIndexError:
        loaded = encoders.dense(encoder) if encoder is not None else None  # may fail, better before the work
        made, created, documents = _make_directory(path), False, 0
        try:
            with Index.create(path, fields=fields or None, encoder=loaded) as opened:
                created = True
                try:
                    yield opened
                finally:
                    documents = len(opened)
        except BaseException:
            if documents:  # are committed, though their vectors could not be made
                pass
            elif made is not None:
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

    with _index_to_read(index_dir, channels) as opened:
        say_if_compiling()
        mode, options = _asked(asked)
        hits = opened.search(" ".join(query), k, mode, **options)
    for rank, hit in enumerate(hits, 1):
        if as_json:
            print_json(asdict(hit))
        else:
            _print_hit(rank, hit, places=4 if options else 2)
    if not tokenize(" ".join(query)):
        say("no word in the query")
    elif not hits and not as_json:
        say("no document found")


def _print_hit(rank: int, hit: Hit, indent: str = "", places: int = 2) -> None:
    click.echo(visible(f"{indent}{rank:>3}  {hit.score:6.{places}f}  {hit.id}"))
    click.echo(visible(f"{indent}     {hit.highlight}"))
    if readings := _readings(hit):
        click.echo(visible(f"{indent}     {readings}"))


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
    with _index_to_read(index_dir, channels) as opened, _format_hinted(queries, file_format):
        say_if_compiling()
        for query in counted(read_queries(queries, format=file_format, skip_bad=skipped), "queries"):
            for rank, (id, score) in enumerate(opened.rank(query.text, k, mode, **options), 1):
                if len(id.split()) != 1:
                    raise DocumentError(
                        f"document id {id!r} holds white space, which separates the columns of a run"
                    )
                sys.stdout.write(f"{query.id} Q0 {id} {rank} {score:.9g} scriptbridge\n")
    _say_skipped(skipped)
    if query is None and not skipped:
        say(f"no query in {queries}")


@main.command()
@click.argument("text", nargs=-1, type=utf8)
@click.option(
    "--lang",
    required=True,
    type=language_or(".channel"),
    metavar="LANGUAGE",
    help="The text's language, or a channel file.",
)
@count_option("-n", 1, MOST_WORDINGS, "Ways of writing it.")
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
    with _index_to_read(index_dir, channels) as opened:
        say_if_compiling()
        for line in _lines(text):
            for alternative in opened.deromanize(line, n, diverse):
                if as_json:
                    print_json(asdict(alternative))
                else:
                    click.echo(alternative.text)


@main.command()
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
    with _index_to_read(index_dir, channels) as opened:
        say_if_compiling()
        for completion in opened.complete(" ".join(query), n):
            if as_json:
                print_json(asdict(completion))
            else:
                count = completion.df if completion.beside is None else completion.beside
                click.echo(f"{completion.term}\t{count}")


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
            print_json({key: getattr(each, key) for key in keys})
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
            "terms": len(opened.lexicon),
            "languages": list(opened.languages),
            "unread": {code: str(need) for code, need in opened.unread.items()},
            "fields": dict(opened.fields),
            "encoder": opened.encoder,
            "bytes": sum(file.stat().st_size for file in index_dir.iterdir()),
        }
    if as_json:
        print_json(facts)
        return
    facts["languages"] = _spoken(opened) or "none"
    del facts["unread"]
    facts["encoder"] = opened.encoder or "none"
    facts["fields"] = " ".join(f"{name}={weight:g}" for name, weight in opened.fields.items())
    for name, fact in facts.items():
        click.echo(f"{name:<11}{f'{fact:,}' if isinstance(fact, int) else fact}")


@main.command()
def demo() -> None:
    """Index the sample collection that comes with scriptbridge, and search it in every language.

    Those that need an extra that is not installed are named instead.

    \b
    Example:
      scriptbridge demo
    """
    from scriptbridge import languages as known
    from scriptbridge import unread
    from scriptbridge.documents import read_documents
    from scriptbridge.index import Index

    with (
        resources.as_file(resources.files("scriptbridge") / "sample") as sample,
        TemporaryDirectory(prefix="scriptbridge-demo-") as directory,
        Index.create(directory, fields={"title": 2.0, "text": 1.0}) as opened,
    ):
        say_if_compiling()
        files = sorted(file for file in sample.glob("*.jsonl") if not file.name.startswith("queries."))
        for file in files:
            opened.add(counted(read_documents(file, ("title", "text")), "documents"))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", unread.LITTLE)  # the last line says it
            opened.commit()
        click.echo(f"{len(opened)} short documents in {len(opened.languages)} languages, in one index.\n")
        for file in files:
            if file.stem not in opened.unread:
                _show_query(opened, file.stem, sample / f"queries.{file.name}")
        if opened.unread:
            names = ", ".join(known.load(code).name for code in opened.unread)
            click.echo(f"not searched: {names}, which need {unread.command(opened.unread)}")


def _show_query(opened: Index, code: str, file: Path) -> None:
    """The first query of a language's file, and what it finds first."""
    from scriptbridge import languages as known

    query = json.loads(file.read_text(encoding="utf-8").splitlines()[0])
    click.echo(f"{query['text']}   ({known.load(code).name})")
    for rank, hit in enumerate(opened.search(query["text"], 1), 1):
        _print_hit(rank, hit)
    click.echo()
