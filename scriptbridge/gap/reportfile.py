"""A report as JSON: one object with the fields of `records.Report`, its `schema` first."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from scriptbridge import atomic
from scriptbridge.errors import GapError
from scriptbridge.functions import described

from .records import MAIN, SCHEMA, Report, Scores

__all__ = ["load", "save", "write"]


def save(report: Report, file: str | os.PathLike[str]) -> None:
    """Write a report, whole or not at all. GapError where that cannot be."""
    content = asdict(report)
    schema = content.pop("schema")
    write(json.dumps({"schema": schema, **content}, ensure_ascii=False) + "\n", file)


def write(text: str, file: str | os.PathLike[str]) -> None:
    """Write a file, or the one that a link leads to, whole or not at all. GapError where that cannot be."""
    path = Path(os.path.realpath(file))
    if path.exists() and not path.is_file():
        raise GapError(f"{file}: not an ordinary file; a report would replace it")
    try:
        with atomic.replacing(path) as half:
            half.write(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise GapError(f"{file}: cannot be written: {error.strerror or error}") from error


def load(file: str | os.PathLike[str]) -> Report:
    """A report that `save` wrote. GapError for anything else, or a newer schema, says what is wrong where."""
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise GapError(f"{file}: no report can be read: {error}") from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if type(schema) is not int or schema != SCHEMA:
        raise GapError(f"{file}: schema {described(schema)} came; this version reads {SCHEMA}")
    try:
        report: Report = _read(Report, content, "")
        for number, cell in enumerate(report.cells):
            _check_lengths(cell.scores, f"cells[{number}].scores")
            if MAIN not in cell.figures:
                raise ValueError(f"cells[{number}].figures: {MAIN} is missing")
    except ValueError as error:
        raise GapError(f"{file}: not a report of schema {SCHEMA}: {error}") from error
    return report


def _check_lengths(scores: Scores, path: str) -> None:
    lengths = {len(each) for each in (scores.ids, scores.latin, scores.native) if each is not None}
    if len(lengths) > 1:
        raise ValueError(f"{path}: ids, latin and native have {_listed(lengths)} values; accepted is as many")


# ---- what JSON has, as the types of the records say


def _read(kind: Any, value: Any, path: str) -> Any:
    """A value as a type hint has it; ValueError names the path of what is not."""
    origin, of = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _record(kind, value, path)
    if origin is UnionType:  # of one type and None
        return (
            None if value is None else _read(next(each for each in of if each is not NoneType), value, path)
        )
    if origin is tuple:
        return _tuple(of, value, path)
    if origin is Mapping:
        mapping = _checked(isinstance(value, dict), value, "an object", path)
        return {key: _read(of[1], each, f"{path}[{key!r}]") for key, each in mapping.items()}
    if kind is str:
        return _checked(isinstance(value, str), value, "a string", path)
    if kind is int:
        return _checked(type(value) is int, value, "an integer", path)
    if kind is float:
        return float(_checked(_is_finite(value), value, "a finite number", path))
    return value  # an object of any type


def _record(kind: Any, value: Any, path: str) -> Any:
    content = _checked(isinstance(value, dict), value, "an object", path)
    hints = _hints(kind)
    if wrong := [key for key in content if key not in hints]:
        raise ValueError(f"{path or 'the report'} has the key {wrong[0]!r}; accepted are {_listed(hints)}")
    needed = [each.name for each in fields(kind) if each.default is each.default_factory is MISSING]
    if missing := [name for name in needed if name not in content]:
        raise ValueError(f"{path or 'the report'} lacks the key {missing[0]!r}")
    before = f"{path}." if path else ""
    return kind(**{name: _read(hints[name], each, before + name) for name, each in content.items()})


_hints = cache(get_type_hints)


def _tuple(of: tuple[Any, ...], value: Any, path: str) -> tuple[Any, ...]:
    values = _checked(isinstance(value, list), value, "a list", path)
    if of[-1] is Ellipsis:
        of = (of[0],) * len(values)
    _checked(len(values) == len(of), value, f"a list of {len(of)}", path)
    return tuple(
        _read(kind, each, f"{path}[{n}]") for n, (kind, each) in enumerate(zip(of, values, strict=True))
    )


def _checked(fits: bool, value: Any, accepted: str, path: str) -> Any:
    if not fits:
        raise ValueError(f"{path}: {described(value)} came; accepted is {accepted}")
    return value


def _is_finite(value: Any) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def _listed(items: Any) -> str:
    return ", ".join(map(str, items))
