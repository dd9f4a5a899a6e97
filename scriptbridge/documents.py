"""Reading documents and queries: whatever comes is checked and normalised once, here.

Files are UTF-8: JSON lines, CSV (quoted as spreadsheets do) or TSV (cells as they stand, no quotes), the last
two under a header; each also gzipped. A broken line is a DocumentError ``FILE:LINE: field 'id': …``; with
`skip_bad`, a list, the reason goes there instead and reading goes on; not behind a CSV quote that is never
closed, which takes the rest of the file.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Protocol, TextIO, TypeVar

from scriptbridge import files, languages
from scriptbridge.errors import DocumentError
from scriptbridge.types import Document

__all__ = ["FORMATS", "RESERVED", "Query", "as_documents", "document_id", "read_documents", "read_queries"]

RESERVED = ("id", "lang")  # keys that can be no text field
MAX_ID = 512  # characters
MAX_DEPTH = 100  # of metadata, lists and objects within each other
FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".tsv": "tsv"}

Record = Mapping[str, Any]
Place = Callable[[int], str]


class Query(NamedTuple):
    """A line of a file of queries."""

    id: str
    text: str


def read_documents(
    path: str | Path,
    fields: Sequence[str] = ("text",),
    *,
    format: str | None = None,
    skip_bad: list[str] | None = None,
) -> Iterator[Document]:
    """The documents of a file, one after the other; ``-`` is standard input (JSON lines).

    `fields` are the keys or columns that hold text; at least one must not be empty. ``id`` is a string or
    an integer, unique in the file; ``lang``, where there, a language code; every other key is metadata, kept
    as it is. `format` is ``jsonl``, ``csv`` or ``tsv``, by default what the file's name says.
    """
    if (
        not isinstance(fields, Collection)
        or isinstance(fields, str)
        or not fields
        or not all(isinstance(name, str) for name in fields)
    ):
        raise DocumentError(f"fields: {fields!r} came; accepted are sequences of names such as ('text',)")
    source = _Source(path, format)
    return _checked(source.records(), lambda record: _from_record(record, fields), source.place, skip_bad)


def read_queries(
    path: str | Path, *, format: str | None = None, skip_bad: list[str] | None = None
) -> Iterator[Query]:
    """The queries of a file: its ``id`` and ``text``; other keys are ignored. A text may be empty."""
    source = _Source(path, format)
    return _checked(source.records(), _query, source.place, skip_bad)


def as_documents(items: Iterable[Any], fields: Sequence[str] = ("text",)) -> Iterator[Document]:
    """Documents, mappings like the lines of a file, or (id, text) pairs, as checked documents."""
    if isinstance(items, str | bytes | Document | Mapping) or not isinstance(items, Iterable):
        raise DocumentError(f"documents: {type(items).__name__} came; accepted is an iterable of documents")
    for number, item in enumerate(items, 1):
        try:
            document = _from_item(item, fields)
        except DocumentError as error:
            raise DocumentError(f"document {number}: {error}") from error.__cause__
        yield document


def document_id(value: object) -> str:
    """An id as the index keeps it, or DocumentError."""
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) >= _BEYOND:
            _refuse("id", f"an integer of {MAX_ID} digits or more came")
        return str(value)
    if not isinstance(value, str):
        _refuse("id", f"{_kind(value)} came; accepted are strings and integers")
    _check_unicode("id", value)
    if not value.strip():
        _refuse("id", "empty")
    if len(value) > MAX_ID:
        _refuse("id", f"{len(value):,} characters came; accepted are {MAX_ID}")
    if not value.isprintable() and any(unicodedata.category(character) in _CONTROLS for character in value):
        _refuse("id", f"{value!r} holds control characters")
    return value


# ---- one record to one document or query


_BEYOND = 10 ** (MAX_ID - 1)  # integers whose digits, with a sign, would be too many
_CONTROLS = ("Cc", "Zl", "Zp")


def _from_item(item: object, fields: Sequence[str]) -> Document:
    if isinstance(item, Document):
        if not isinstance(item.fields, Mapping):
            raise DocumentError(f"fields: {_kind(item.fields)} came; accepted are names and their texts")
        if unknown := [name for name in item.fields if name not in fields]:
            _refuse(str(unknown[0]), f"not a text field of this index; its fields are {', '.join(fields)}")
        return _document(item.id, item.fields, item.lang, item.metadata)
    if isinstance(item, Mapping):
        return _from_record(item, fields)
    if isinstance(item, tuple | list) and len(item) == 2:
        if len(fields) > 1:
            raise DocumentError(
                f"an (id, text) pair came, but there are several text fields: {', '.join(fields)}"
            )
        return _document(item[0], {fields[0]: item[1]}, None, {})
    raise DocumentError(
        f"{_kind(item)} came; accepted are Document, a mapping with 'id' and text, (id, text)"
    )


def _from_record(record: Record, fields: Sequence[str]) -> Document:
    if "id" not in record:
        _refuse("id", f"missing; the keys here are {_listed(record)}")
    texts = {name: record[name] for name in fields if record.get(name) is not None}
    if not texts:
        _refuse(fields[0], f"missing; the keys here are {_listed(record)}")
    metadata = {key: value for key, value in record.items() if key not in RESERVED and key not in fields}
    return _document(record["id"], texts, record.get("lang"), metadata)


def _document(id: object, texts: Mapping[str, object], lang: object, metadata: Mapping[str, Any]) -> Document:
    id = document_id(id)
    fields = {name: _text(name, value) for name, value in texts.items()}
    if not any(value and not value.isspace() for value in fields.values()):
        _refuse(next(iter(fields), "text"), "empty; a document needs text")
    return Document(id, fields, _language(lang), _metadata(metadata))


def _query(record: Record) -> Query:
    for key in ("id", "text"):
        if record.get(key) is None:
            _refuse(key, f"missing; the keys here are {_listed(record)}")
    id = document_id(record["id"])
    if id.split() != [id]:
        _refuse("id", f"{id!r} holds white space, which separates the columns of a run")
    return Query(id, _text("text", record["text"]))


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        _refuse(name, f"{_kind(value)} came; accepted are strings")
    _check_unicode(name, value)
    return value


def _language(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        _refuse("lang", f"{_kind(value)} came; accepted are language codes such as 'hi'")
    if value not in languages.codes():
        _refuse(
            "lang",
            f"unknown language {value!r}; known: {', '.join(languages.codes())}; leave it out to detect it",
        )
    return value


def _metadata(metadata: object) -> dict[str, Any]:
    if not isinstance(metadata, Mapping):
        raise DocumentError(f"metadata: {_kind(metadata)} came; accepted are mappings")
    if not metadata:
        return {}
    kept = dict(metadata)
    _check_nesting(kept)
    try:
        json.dumps(kept, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        raise DocumentError(f"metadata: {_NOT_UNICODE}") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise DocumentError(f"metadata: cannot be kept as JSON: {error}") from error
    return kept


def _check_nesting(value: object, depth: int = 1) -> None:
    if not isinstance(value, dict | list | tuple):
        return
    if depth > MAX_DEPTH:
        raise DocumentError(f"metadata: nested more than {MAX_DEPTH} deep")
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise DocumentError(f"metadata: key {key!r} came; accepted are strings")
        value = value.values()
    for each in value:
        _check_nesting(each, depth + 1)


_NOT_UNICODE = r"not valid Unicode: bytes that are no UTF-8, or a lone surrogate such as \ud800"


def _check_unicode(name: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DocumentError(f"field {name!r}: {_NOT_UNICODE} (at character {error.start:,})") from error


def _refuse(name: str, problem: str) -> NoReturn:
    raise DocumentError(f"field {name!r}: {problem}")


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__


def _listed(record: Record) -> str:
    shown = [str(key) for key in list(record)[:8]]
    return ", ".join(shown) + (", …" if len(record) > 8 else "") if shown else "none"


# ---- a file to records: (line, record, or the error that stands in its place)


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=_Identified)


def _checked(
    records: Iterable[tuple[int, Record | DocumentError]],
    parse: Callable[[Record], Item],
    place: Place,
    skip_bad: list[str] | None,
) -> Iterator[Item]:
    seen: dict[str, int] = {}  # id → line
    for line, record in records:
        try:
            if isinstance(record, DocumentError):
                raise record
            item = parse(record)
            if item.id in seen:
                _refuse("id", f"{item.id!r} is already the id at {place(seen[item.id])}")
        except DocumentError as error:
            reason = f"{place(line)}: {error}"
            if skip_bad is None:
                raise DocumentError(reason) from error.__cause__
            skip_bad.append(reason)
            continue
        seen[item.id] = line
        yield item


class _Source:
    """A file of records and what its places are called."""

    def __init__(self, path: str | Path, format: str | None) -> None:
        self.path = None if str(path) == "-" else _path(path)
        self.name = "<stdin>" if self.path is None else str(path)
        self.format = format or self._named_format()
        if self.format not in FORMATS.values():
            raise DocumentError(f"{self.name}: format {self.format!r} came; accepted are jsonl, csv, tsv")

    def place(self, line: int) -> str:
        return f"{self.name}:{line}"

    def records(self) -> Iterator[tuple[int, Record | DocumentError]]:
        with files.reading(self.name, DocumentError), self._opened() as lines:
            yield from _json_records(lines) if self.format == "jsonl" else self._table_records(lines)

    def _named_format(self) -> str:
        if self.path is None:
            return "jsonl"
        suffix = Path(self.path.stem).suffix if self.path.suffix == ".gz" else self.path.suffix
        if suffix.lower() not in FORMATS:
            accepted = ", ".join(FORMATS)
            raise DocumentError(
                f"{self.name}: unknown kind of file; accepted are {accepted}, each also with .gz"
            )
        return FORMATS[suffix.lower()]

    @contextmanager
    def _opened(self) -> Iterator[TextIO]:
        """Lines of text. Bytes that are no UTF-8 become lone surrogates: their own record is refused."""
        newline = "\n" if self.format == "jsonl" else ""
        if self.path is None:
            text = io.TextIOWrapper(sys.stdin.buffer, "utf-8-sig", "surrogateescape", newline)
            try:
                yield text
            finally:
                with suppress(ValueError):  # standard input is closed already
                    text.detach()
            return
        with files.unpacked(self.path) as plain:
            yield io.TextIOWrapper(plain, "utf-8-sig", "surrogateescape", newline)

    def _table_records(self, lines: TextIO) -> Iterator[tuple[int, Record | DocumentError]]:
        csv.field_size_limit(sys.maxsize)
        if self.format == "csv":
            rows = csv.reader(lines, strict=True)
        else:
            rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        header: list[str] | None = None
        while True:
            line = rows.line_num + 1
            try:
                row = next(rows)
            except StopIteration:
                break
            except csv.Error as error:
                through = f" through line {rows.line_num}" if rows.line_num > line else ""
                reason = f"not {self.format.upper()}{through}: {error}"
                if "unexpected end of data" in reason:  # all that follows the quote would be one bad row
                    raise DocumentError(
                        f"{self.place(line)}: {reason}: a quote is never closed; close it, or double it"
                    ) from error
                yield line, DocumentError(reason)
                continue
            if not row:
                continue
            if header is None:
                header = _header(row, self.place(line))
            elif len(row) != len(header):
                yield line, DocumentError(f"columns: {len(row)} came; the header has {len(header)}")
            else:
                yield line, dict(zip(header, row, strict=True))
        if header is None:
            raise DocumentError(
                f"{self.place(1)}: a {self.format.upper()} file starts with a header: id, text, …"
            )


def _path(path: str | Path) -> Path:
    try:
        name = os.fsencode(Path(path))
    except (TypeError, ValueError) as error:
        raise DocumentError(f"path: {path!r} came; accepted are names of files") from error
    if b"\0" in name:
        raise DocumentError(f"path: {path!r} came; no file's name holds NUL")
    return Path(path)


def _header(row: list[str], place: str) -> list[str]:
    if "id" not in row:
        raise DocumentError(f"{place}: the header has no column 'id'; its columns are {', '.join(row[:8])}")
    if repeated := [name for name in row if row.count(name) > 1]:
        raise DocumentError(f"{place}: the header has column {repeated[0]!r} twice")
    return row


def _json_records(lines: Iterable[str]) -> Iterator[tuple[int, Record | DocumentError]]:
    for line, text in enumerate(lines, 1):
        if not text.isspace():
            yield line, _json_object(text)


def _json_object(text: str) -> Record | DocumentError:
    try:
        value = _JSON.decode(text)
    except json.JSONDecodeError as error:
        return DocumentError(f"not JSON: {error.msg} at column {error.colno:,}")
    except (ValueError, RecursionError) as error:
        return DocumentError(f"not JSON that can be read: {error}")
    if not isinstance(value, dict):
        return DocumentError(
            f'JSON {_kind(value)} came; each line is an object such as {{"id": "1", "text": "…"}}'
        )
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)
