"""The figures of a report as a table for the terminal, and how a figure is written anywhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from scriptbridge import languages

from .records import MEASURES, Behaviour, Cell, Figures, Report

__all__ = [
    "NONE",
    "Mean",
    "by_system",
    "clean",
    "figures",
    "mean",
    "milliseconds",
    "p_value",
    "percent",
    "score",
    "set_name",
    "table",
]

NONE = "–"
"""Stands where there is no figure."""
NARROWEST = 40
"""Columns below which no table is readable; a narrower terminal gets lines this long."""

# What would move a terminal's cursor or turn the text around it; joiners and direction marks are spelling.
_UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Text without control characters, direction overrides and lone surrogates: each becomes U+FFFD.

    >>> clean("a\\tb\\x1b[31m")
    'a b�[31m'
    """
    return _UNPRINTABLE.sub("\ufffd", text.replace("\t", " ").replace("\n", " "))


# ---- figures in words


def score(value: float | None) -> str:
    """A measure or a difference of two, three decimals.

    >>> score(0.9421), score(1), score(-0.012), score(None)
    ('.942', '1.000', '−.012', '–')
    """
    if value is None:
        return NONE
    digits = f"{abs(value):.3f}"
    sign = "−" if value < 0 and float(digits) else ""
    return sign + digits.removeprefix("0")


def percent(share: float | None) -> str:
    """A share, as whole percents; what is neither none nor all never reads as if it were.

    >>> percent(0.942), percent(0.001), percent(0.999), percent(1.0), percent(None)
    ('94\\xa0%', '<1\\xa0%', '>99\\xa0%', '100\\xa0%', '–')
    """
    if share is None:
        return NONE
    if 0 < share < 0.005:
        return "<1\u00a0%"
    if 0.995 <= share < 1:
        return ">99\u00a0%"
    return f"{share:.0%}".replace("-", "−").replace("%", "\u00a0%")


def p_value(p: float | None) -> str:
    """A probability under the null hypothesis.

    >>> p_value(0.00001), p_value(0.0314), p_value(1.0)
    ('<.001', '.031', '1.000')
    """
    return "<.001" if p is not None and p < 0.001 else score(p)


def milliseconds(value: float | None) -> str:
    """Two digits or more, without the unit.

    >>> milliseconds(0.456), milliseconds(3.42), milliseconds(1234.5), milliseconds(None)
    ('0.46', '3.4', '1,234', '–')
    """
    if value is None:
        return NONE
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


# ---- cells and their means


@dataclass(frozen=True, slots=True)
class Mean:
    """A system over several cells, each cell counting the same.

    nDCG@10 and the ratio of the two means are over the cells that have native queries, if any has; `ratio`
    is None where none has, or where native queries find nothing. Behaviours are `behaviour`'s.
    """

    system: str
    cells: int
    queries: int
    latin: float
    native: float | None
    ratio: float | None
    behaviour: Behaviour
    native_behaviour: Behaviour | None


def figures(cell: Cell, measure: str = MEASURES[0]) -> Figures:
    """A measure's figures of a cell; of one that was not measured, none."""
    return cell.figures.get(measure, Figures(0.0))


def by_system(report: Report) -> dict[str, list[Cell]]:
    """The report's cells by system, in the order in which the report names the systems."""
    cells: dict[str, list[Cell]] = {name: [] for name in report.systems}
    for cell in report.cells:
        cells.setdefault(cell.system, []).append(cell)
    return {name: its for name, its in cells.items() if its}


def mean(cells: Sequence[Cell]) -> Mean:
    """What one system does over all these cells (one at least)."""
    compared = [cell for cell in cells if figures(cell).native is not None] or list(cells)
    latin = fmean(figures(cell).latin for cell in compared)
    natives = [native for cell in compared if (native := figures(cell).native) is not None]
    native = fmean(natives) if natives else None
    asked = {(cell.collection, cell.query_set): cell.queries for cell in cells}
    return Mean(
        cells[0].system,
        len(cells),
        sum(asked.values()),
        latin,
        native,
        latin / native if native else None,
        _behaviour([cell.latin for cell in cells]),
        _behaviour([cell.native for cell in cells if cell.native is not None]) if natives else None,
    )


def _behaviour(several: Sequence[Behaviour]) -> Behaviour:
    """Mean shares, the median p50, the slowest p99, all errors."""
    foreign = [each.foreign for each in several if each.foreign is not None]
    p50 = [each.p50 for each in several if each.p50 is not None]
    p99 = [each.p99 for each in several if each.p99 is not None]
    return Behaviour(
        fmean(each.zero_results for each in several) if several else 0.0,
        fmean(each.silent_wrong for each in several) if several else 0.0,
        fmean(foreign) if foreign else None,
        median(p50) if p50 else None,
        max(p99, default=None),
        sum(each.errors for each in several),
    )


def set_name(cell: Cell, collections: int = 2) -> str:
    """Collection, query set and language of a cell in words; the collection only where there are several.

    The set's name is left out where it is "", the language where it is not known or already said.
    """
    parts = [cell.collection] if collections > 1 or not (cell.query_set or cell.language) else []
    parts += [cell.query_set] if cell.query_set else []
    language = cell.language
    if language in languages.codes():
        language = languages.load(language).name
    if language and not any(part.casefold() in (language.casefold(), cell.language) for part in parts):
        parts.append(language)
    return " · ".join(parts)


# ---- the table


@dataclass(frozen=True, slots=True)
class _Column:
    """`importance`: the least important columns go first where there is no room; 0 never goes."""

    head: str
    importance: int
    value: Callable[[Cell], str]
    mean: Callable[[Mean], str]
    left: bool = False


def table(report: Report, width: int = 100) -> str:
    """One line a cell, then one a system if it has several cells; no line is wider than `width` columns.

    Where there is no room, the least important columns go, then names are shortened.
    """
    width = max(width, NARROWEST)
    cells = [cell for its in by_system(report).values() for cell in its]
    order = {key: at for at, key in enumerate(dict.fromkeys(map(_set_of, report.cells)))}
    cells.sort(key=lambda cell: order[_set_of(cell)])
    if not cells:
        return "Nothing was measured."
    means = [mean(its) for its in by_system(report).values() if len(its) > 1]
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
        _Column("native", 7, lambda cell: score(figures(cell).native), lambda mean: score(mean.native)),
        _Column("Latin", 0, lambda cell: score(figures(cell).latin), lambda mean: score(mean.latin)),
        _Column("kept", 0, lambda cell: percent(figures(cell).ratio), lambda mean: percent(mean.ratio)),
        _Column("95 %", 8, lambda cell: _interval(figures(cell)), lambda _: ""),
        _Column("gap p", 6, lambda cell: p_value(figures(cell).p_corrected), lambda _: ""),
        _Column("zero", 5, lambda cell: percent(cell.latin.zero_results), _shares("zero_results")),
        _Column("wrong", 4, lambda cell: percent(cell.latin.silent_wrong), _shares("silent_wrong")),
        _Column("p50/p99 ms", 2, lambda cell: _latency(cell.latin), lambda mean: _latency(mean.behaviour)),
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
    return lambda mean: percent(getattr(mean.behaviour, name))


def _interval(of: Figures) -> str:
    if of.ratio_low is None or of.ratio_high is None:
        return NONE
    return f"{of.ratio_low * 100:.0f}–{of.ratio_high * 100:.0f}"


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
        text = _shortened(text, wide)
        padding = " " * (wide - _cells_wide(text))
        parts.append(text + padding if column.left else padding + text)
    return "  ".join(parts).rstrip()


def _shortened(text: str, wide: int) -> str:
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
