"""``scriptbridge index`` and ``info``: an index is made or added to, and described."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scriptbridge.errors import NotAnIndexError, ScriptbridgeError

from .arguments import (
    NO_LANGUAGE,
    file,
    format_hinted,
    format_option,
    index_argument,
    json_option,
    language,
    say_skipped,
    skip_option,
)
from .terminal import counted, numbered, print_json, say

if TYPE_CHECKING:
    from scriptbridge.index import Index
    from scriptbridge.types import Document

__all__ = ["index", "info"]


def _field(value: str) -> tuple[str, float]:
    name, _, weight = value.partition("=")
    try:
        return name, float(weight or 1)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} came; accepted are a name and, after =, a weight: title=2"
        ) from None


@click.command()
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
                with format_hinted(file, file_format):
                    opened.add(counted(taken(documents), "documents"))
        except ScriptbridgeError as error:
            if not count:  # what the library says of what came before
                notes = getattr(error, "__notes__", [])
                error.__notes__ = [note for note in notes if "last commit" not in note]
            raise
        opened.commit()
        spoken = _spoken(opened) or NO_LANGUAGE
    say_skipped(skipped)
    if files and not count and not skipped:
        say(f"no document in {' '.join(map(str, files))}")
    seconds = time.monotonic() - started
    say(f"indexed {numbered(count, 'document')} in {seconds:.1f} s; {index_dir} reads {spoken}")


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


@click.command()
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


def _spoken(opened: Index) -> str:
    """The languages of an index that it reads, then the others: ``el ru; zh: needs scriptbridge[zh]``."""
    read = " ".join(code for code in opened.languages if code not in opened.unread)
    needed = (f"{code}: needs {need}" for code, need in opened.unread.items())
    return "; ".join(filter(None, [read, *needed]))
