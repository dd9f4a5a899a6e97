"""A report as JSON: one object with the fields of `records.Report`, its `schema` first."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scriptbridge.errors import GapError

from .records import SCHEMA, Behaviour, Cell, Comparison, Figures, Lost, Report, Scores

__all__ = ["load", "save", "write"]


def save(report: Report, file: str | os.PathLike[str]) -> None:
    """Write a report, whole or not at all. GapError where that cannot be."""
    fields = asdict(report)
    schema = fields.pop("schema")
    write(json.dumps({"schema": schema, **fields}, ensure_ascii=False) + "\n", file)


def write(text: str, file: str | os.PathLike[str]) -> None:
    """Write a file, whole or not at all. GapError where that cannot be."""
    path = Path(file)
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise GapError(f"{path}: cannot be written: {error.strerror or error}") from error


def load(file: str | os.PathLike[str]) -> Report:
    """A report that `save` wrote. GapError for anything else, or a newer schema."""
    try:
        fields = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GapError(f"{file}: no report can be read: {error}") from error
    schema = fields.pop("schema", None) if isinstance(fields, dict) else None
    if schema != SCHEMA:
        raise GapError(f"{file}: schema {schema!r} came; this version reads {SCHEMA}")
    try:
        return _report(fields)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise GapError(f"{file}: not a report of schema {SCHEMA}: {error}") from error


def _report(fields: dict[str, Any]) -> Report:
    fields["cells"] = tuple(map(_cell, fields["cells"]))
    fields["comparisons"] = tuple(Comparison(**each) for each in fields["comparisons"])
    fields["lost"] = tuple(map(_lost, fields["lost"]))
    fields["queries"] = {
        collection: {
            query_set: {author: _texts(texts) for author, texts in by_author.items()}
            for query_set, by_author in sets.items()
        }
        for collection, sets in fields["queries"].items()
    }
    fields["notes"] = tuple(fields["notes"])
    return Report(**fields)


def _cell(fields: dict[str, Any]) -> Cell:
    fields["figures"] = {name: Figures(**each) for name, each in fields["figures"].items()}
    fields["latin"] = Behaviour(**fields["latin"])
    fields["native"] = None if fields["native"] is None else Behaviour(**fields["native"])
    ids, latin, native = (fields["scores"][name] for name in ("ids", "latin", "native"))
    fields["scores"] = Scores(tuple(ids), tuple(latin), None if native is None else tuple(native))
    return Cell(**fields)


def _lost(fields: dict[str, Any]) -> Lost:
    fields["readings"] = tuple((term, probability) for term, probability in fields["readings"])
    return Lost(**fields)


def _texts(texts: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {id: tuple(wordings) for id, wordings in texts.items()}
