"""The figures of a report as a table for the terminal."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .formats import NONE, clean, milliseconds, p_value, percent, percents, score
from .records import MAIN, Behaviour, Cell, Figures, Report
from .summary import Mean, by_system, summarize

__all__ = ["shortened", "table"]

NARROWEST = 40
"""Columns below which no table is readable; a narrower terminal gets lines this long."""


@dataclass(frozen=True, slots=True)
class _Column:
    """`importance`: the least important columns go first where there is no room; 0 never goes."""

    head: str
    importance: int
    value: Callable[[Cell], str]
    mean: Callable[[Mean], str]
    left: bool = False


def table(report: Report, width: int = 100) -> str:
    """One line a cell, then one a system if there are several cells; no line is wider than `width` columns.

    Where there is no room, the least important columns go, then names are shortened.
    """
    width = max(width, NARROWEST)
    cells = [cell for its in by_system(report.cells).values() for cell in its]
    order = {key: at for at, key in enumerate(dict.fromkeys(map(_set_of, report.cells)))}
    cells.sort(key=lambda cell: order[_set_of(cell)])
    if not cells:
        return "Nothing was measured."
    summary = summarize(report)
    means = summary.means if len(order) > 1 else ()
    columns = _columns(report)
    rows = [[column.head for column in columns]]
    rows += [[clean(column.value(cell)) for column in columns] for cell in cells]
    rows += [[clean(column.mean(each)) for column in columns] for each in means]
    kept = _kept(columns, rows, width)
    columns = [columns[at] for at in kept]
    rows = [[row[at] for at in kept] for row in rows]
    widths = _widths(columns, rows, width)
    lines = [_line(columns, row, widths) for row in rows]
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    lines.insert(1, rule)
    if means:
        lines.insert(len(cells) + 2, rule)
        lines += [line for note in summary.notes for line in textwrap.wrap(note, width)]
    return "\n".join(lines).replace("\N{NO-BREAK SPACE}", " ")


def _set_of(cell: Cell) -> tuple[str, str, str]:
    return cell.collection, cell.query_set, cell.author


def _columns(report: Report) -> list[_Column]:
    """All columns that say something in this report, left to right."""
    collections = len({cell.collection for cell in report.cells})
    one_author = len({cell.author for cell in report.cells}) == 1
    one_set = len({(cell.collection, cell.query_set) for cell in report.cells}) == 1
    columns = [
        _Column("queries of", 1 if one_set else 0, lambda cell: _set(cell, collections), _over, left=True),
        _Column("Latin by", 1 if one_author else 9, lambda cell: cell.author, lambda _: "", left=True),
        _Column("system", 0, lambda cell: cell.system, lambda mean: mean.system, left=True),
        _Column("queries", 3, lambda cell: f"{cell.queries:,}", lambda mean: f"{mean.queries:,}"),
        _Column("native", 7, lambda cell: score(_main(cell).native), lambda mean: score(mean.native)),
        _Column("Latin", 0, lambda cell: score(_main(cell).latin), lambda mean: score(mean.latin)),
        _Column("kept", 0, lambda cell: percent(_main(cell).ratio), lambda mean: percent(mean.ratio)),
        _Column("95 %", 8, lambda cell: _interval(_main(cell)), _interval),
        _Column("gap p", 6, lambda cell: p_value(_main(cell).p_corrected), lambda _: ""),
        _Column("zero", 5, lambda cell: percent(cell.latin.zero_results), _shares("zero_results")),
        _Column("wrong", 4, lambda cell: percent(cell.latin.silent_wrong), _shares("silent_wrong")),
        _Column("errors", 10, _errors, lambda mean: _failed(mean.native_behaviour, mean.latin_behaviour)),
        _Column(
            "p50/p99 ms", 2, lambda cell: _latency(cell.latin), lambda mean: _latency(mean.latin_behaviour)
        ),
    ]
    said = [any(column.value(cell) not in ("", NONE) for cell in report.cells) for column in columns]
    return [column for column, says in zip(columns, said, strict=True) if says or not column.importance]


def _set(cell: Cell, collections: int) -> str:
    """A set's name, short; its language is told by the page."""
    if not cell.query_set:
        return cell.collection
    return f"{cell.collection}/{cell.query_set}" if collections > 1 else cell.query_set


def _over(mean: Mean) -> str:
    return f"mean of {mean.cells}"


def _shares(name: str) -> Callable[[Mean], str]:
    return lambda mean: percent(getattr(mean.latin_behaviour, name))


def _main(cell: Cell) -> Figures:
    return cell.figures[MAIN]


def _interval(of: Figures | Mean) -> str:
    return percents(of.ratio_low, of.ratio_high)


def _errors(cell: Cell) -> str:
    return _failed(cell.native, cell.latin)


def _failed(native: Behaviour | None, latin: Behaviour) -> str:
    """How many queries failed: native/Latin, so that neither side's failures pass for a gap."""
    if not latin.errors and not (native and native.errors):
        return NONE
    return f"{latin.errors:,}" if native is None else f"{native.errors:,}/{latin.errors:,}"


def _latency(of: Behaviour) -> str:
    return NONE if of.p50 is None else f"{milliseconds(of.p50)}/{milliseconds(of.p99)}"


def _kept(columns: Sequence[_Column], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """The columns that stay: names may shrink to half the room, figures may not."""
    kept = list(range(len(columns)))
    while True:
        needed = 2 * (len(kept) - 1)
        for at in kept:
            widest = max(_cells_wide(row[at]) for row in rows)
            needed += min(widest, max(len(columns[at].head), width // 5)) if columns[at].left else widest
        optional = [at for at in kept if columns[at].importance]
        if needed <= width or not optional:
            return kept
        kept.remove(min(optional, key=lambda at: columns[at].importance))


def _widths(columns: Sequence[_Column], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """The columns' widths; the widest name gives way until the line fits."""
    widths = [max(_cells_wide(row[at]) for row in rows) for at in range(len(columns))]
    names = [at for at, column in enumerate(columns) if column.left]
    while sum(widths) + 2 * (len(widths) - 1) > width:
        widest = max(names, key=lambda at: widths[at])
        widths[widest] -= 1
    return widths


def _line(columns: Sequence[_Column], row: Sequence[str], widths: Sequence[int]) -> str:
    parts = []
    for column, text, wide in zip(columns, row, widths, strict=True):
        text = shortened(text, wide)
        padding = " " * (wide - _cells_wide(text))
        parts.append(text + padding if column.left else padding + text)
    return "  ".join(parts).rstrip()


def shortened(text: str, wide: int) -> str:
    """Text of at most `wide` terminal columns, cut at its end with an ellipsis."""
    if _cells_wide(text) <= wide:
        return text
    while text and _cells_wide(text) > wide - 1:
        text = text[:-1]
    return text + "…"


def _cells_wide(text: str) -> int:
    """Columns that a terminal gives the text: two for East Asian wide letters, none for marks on others.

    >>> _cells_wide("東京"), _cells_wide("日a")
    (4, 3)
    """
    return sum(
        0
        if unicodedata.category(letter) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(letter) in "WF"
        else 1
        for letter in text
    )
