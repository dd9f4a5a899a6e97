"""What each system does over several cells, each cell counting the same, and how sure that is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray

from . import resampling
from .records import MAIN, Behaviour, Cell, Report

__all__ = ["Mean", "Summary", "by_system", "summarize"]

Floats = NDArray[np.float64]
Place = tuple[str, str, str]
"""Collection, query set and author."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A system over several cells: the means of their nDCG@10 and of their shares.

    `ratio` is of the two means, None where there are no native queries or these find nothing; `ratio_low` and
    `ratio_high` bound a nominal 95 %, None besides where a cell has but one query. Of `latin_behaviour` and
    `native_behaviour`, p50 is the median, p99 the slowest, and errors are the sum; a set's native queries,
    asked once for all authors, count once.
    """

    system: str
    cells: int
    queries: int
    latin: float
    native: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    latin_behaviour: Behaviour
    native_behaviour: Behaviour | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Every system's mean; by (system, author), that over one author's cells; what is left out."""

    means: tuple[Mean, ...]
    by_author: Mapping[tuple[str, str], Mean]
    notes: tuple[str, ...]


def by_system(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Cells by system, in the order in which they come."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.system, []).append(cell)
    return found


def summarize(report: Report) -> Summary:
    """The means of a report's systems, all over the same query sets and authors.

    The sample is the queries of each query set. A resample draws them again, set by set, together for all
    systems and authors, since what is hard to find for one is hard for others (a bootstrap stratified by
    query set: Davison & Hinkley 1997, § 3.2). Equal reports give equal summaries.
    """
    compared = _compared(by_system(report.cells))
    samples = _samples([cell for cells in compared.values() for cell in cells])
    authored = {
        (name, author): [cell for cell in cells if cell.author == author]
        for name, cells in compared.items()
        for author in dict.fromkeys(cell.author for cell in cells)
    }
    return Summary(
        tuple(_mean(cells, samples) for cells in compared.values()),
        {key: _mean(cells, samples) for key, cells in authored.items()},
        tuple(_notes(report, compared)),
    )


def _place(cell: Cell) -> Place:
    return cell.collection, cell.query_set, cell.author


def _key(cell: Cell) -> tuple[Place, str]:
    return _place(cell), cell.system


def _compared(systems: Mapping[str, Sequence[Cell]]) -> dict[str, list[Cell]]:
    """Each system's cells at the places where all have one; with native queries, if the system has any.

    Where there is no such place, each system's own.
    """
    own = {
        name: [cell for cell in cells if cell.scores.native is not None] or list(cells)
        for name, cells in systems.items()
    }
    common = set.intersection(*({_place(cell) for cell in cells} for cells in own.values())) if own else set()
    return {name: [cell for cell in cells if _place(cell) in common] or cells for name, cells in own.items()}


def _notes(report: Report, compared: Mapping[str, Sequence[Cell]]) -> list[str]:
    everywhere = {_place(cell) for cell in report.cells}
    over = [{_place(cell) for cell in cells} for cells in compared.values()]
    if any(places != over[0] for places in over):
        return ["The systems' means can't be compared: they are over different query sets or authors."]
    if over and over[0] != everywhere:
        return [
            f"Means are over {len(over[0])} of {len(everywhere)} query sets and authors: those where all "
            "systems were asked native queries too."
        ]
    return []


# ---- means


def _mean(cells: Sequence[Cell], samples: Mapping[tuple[Place, str], _Sample]) -> Mean:
    """What one system does over these cells (one at least); all have native queries, or none has."""
    latin = fmean(fmean(cell.scores.latin) for cell in cells)
    natives = [fmean(cell.scores.native) for cell in cells if cell.scores.native is not None]
    native = fmean(natives) if natives else None
    ratio = latin / native if native else None
    low, high = _bounds(cells, samples, ratio)
    asked = {(cell.collection, cell.query_set): cell.queries for cell in cells}
    once = {(cell.collection, cell.query_set): cell.native for cell in cells if cell.native is not None}
    return Mean(
        system=cells[0].system,
        cells=len(cells),
        queries=sum(asked.values()),
        latin=latin,
        native=native,
        ratio=ratio,
        ratio_low=low,
        ratio_high=high,
        latin_behaviour=_behaviour([cell.latin for cell in cells]),
        native_behaviour=_behaviour(list(once.values())) if once else None,
    )


def _behaviour(several: Sequence[Behaviour]) -> Behaviour:
    foreign = [each.foreign for each in several if each.foreign is not None]
    p50 = [each.p50 for each in several if each.p50 is not None]
    p99 = [each.p99 for each in several if each.p99 is not None]
    return Behaviour(
        fmean(each.zero_results for each in several),
        fmean(each.silent_wrong for each in several),
        fmean(foreign) if foreign else None,
        median(p50) if p50 else None,
        max(p99, default=None),
        sum(each.errors for each in several),
    )


# ---- their intervals


@dataclass(frozen=True, slots=True)
class _Sample:
    """A cell's resampled means, (resamples,), and by how much each query of its set moves the mean, (n,)."""

    latin: Floats
    native: Floats
    moves_latin: Floats
    moves_native: Floats


def _samples(cells: Sequence[Cell]) -> dict[tuple[Place, str], _Sample]:
    """Of each cell that has native queries."""
    sets: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.scores.native is not None:
            sets[cell.collection, cell.query_set].append(cell)
    samples = {}
    for seed, its in enumerate(sets.values()):
        values = _values(its)
        means = resampling.resampled_means(values, seed)
        known = np.count_nonzero(~np.isnan(values), axis=0)
        moves = np.nan_to_num((values - np.nanmean(values, axis=0)) / known)
        for at, cell in enumerate(its):
            latin, native = 2 * at, 2 * at + 1
            samples[_key(cell)] = _Sample(
                means[:, latin], means[:, native], moves[:, latin], moves[:, native]
            )
    return samples


def _values(cells: Sequence[Cell]) -> Floats:
    """(queries of the set, 2 · cells): Latin and native nDCG@10; NaN where an author left a query out."""
    rows = {id: row for row, id in enumerate(dict.fromkeys(id for cell in cells for id in cell.scores.ids))}
    values = np.full((len(rows), 2 * len(cells)), np.nan)
    for at, cell in enumerate(cells):
        asked = [rows[id] for id in cell.scores.ids]
        values[asked, 2 * at] = cell.scores.latin
        values[asked, 2 * at + 1] = cell.scores.native
    return values


def _bounds(
    cells: Sequence[Cell], samples: Mapping[tuple[Place, str], _Sample], ratio: float | None
) -> tuple[float | None, float | None]:
    if ratio is None or any(len(cell.scores.ids) < 2 for cell in cells):
        return None, None
    if len(cells) == 1:  # its own interval stands in its row: not a second one beside it
        return cells[0].figures[MAIN].ratio_low, cells[0].figures[MAIN].ratio_high
    latin = np.mean([samples[_key(cell)].latin for cell in cells], axis=0)
    native = np.mean([samples[_key(cell)].native for cell in cells], axis=0)
    some = native > 0
    moves: dict[tuple[str, str], Floats | float] = defaultdict(float)
    for cell in cells:
        its = samples[_key(cell)]
        moves[cell.collection, cell.query_set] += its.moves_latin - ratio * its.moves_native
    influence = np.concatenate([np.asarray(each) for each in moves.values()])
    bounds = resampling.interval(latin[some] / native[some], ratio, influence, strata=len(moves))
    return bounds or (None, None)
