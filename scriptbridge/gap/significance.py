"""How sure the figures of a report are: intervals, tests, and their correction for how much is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from . import resampling
from .records import MAIN, Cell, Comparison, Figures

__all__ = ["comparisons", "figures", "tested"]

LEAST_PERMUTATIONS = 10_000
PERMUTATIONS_EACH = 100  # for each test of a family: the smallest p, times the family, is then 1 in 100
UNKNOWN = (None, None)  # the bounds of one query


def figures(latin: NDArray[np.float64], native: NDArray[np.float64] | None, seed: int) -> Figures:
    """A measure of a cell, from its values for each query, (n,); both sides in the same order."""
    if native is None:
        return Figures(float(latin.mean()))
    lost = native - latin
    gap_low, gap_high = resampling.bootstrap_mean(lost, seed) or UNKNOWN
    ratio, ratio_low, ratio_high = None, None, None
    if native.any():
        ratio = float(latin.mean() / native.mean())
        ratio_low, ratio_high = resampling.bootstrap_ratio(latin, native, seed) or UNKNOWN
    return Figures(
        latin=float(latin.mean()),
        native=float(native.mean()),
        gap=float(lost.mean()),
        gap_low=gap_low,
        gap_high=gap_high,
        ratio=ratio,
        ratio_low=ratio_low,
        ratio_high=ratio_high,
    )


def tested(cells: Sequence[Cell], seed: int) -> tuple[Cell, ...]:
    """The cells with the p-values of their gaps in `MAIN`, one family, corrected together."""
    gaps = [
        (at, np.subtract(cell.scores.native, cell.scores.latin))
        for at, cell in enumerate(cells)
        if cell.scores.native is not None
    ]
    values = _p_values([gap for _, gap in gaps], seed)
    done = list(cells)
    for (at, _), (p, corrected) in zip(gaps, values, strict=True):
        figures = dict(cells[at].figures)
        figures[MAIN] = replace(figures[MAIN], p=p, p_corrected=corrected)
        done[at] = replace(cells[at], figures=figures)
    return tuple(done)


def _p_values(differences: Sequence[NDArray[np.float64]], seed: int) -> list[tuple[float, float]]:
    """Raw and corrected p of a family of tests, with permutations enough for the whole family."""
    permutations = max(LEAST_PERMUTATIONS, PERMUTATIONS_EACH * len(differences))
    raw = [resampling.randomization_test(each, seed, permutations) for each in differences]
    return list(zip(raw, resampling.holm(raw), strict=True))


def comparisons(cells: Sequence[Cell], seed: int) -> tuple[Comparison, ...]:
    """Every two systems over the same Latin queries: another family of tests."""
    pairs = [
        (cell, other)
        for number, cell in enumerate(cells)
        for other in cells[number + 1 :]
        if _asked_the_same(cell, other)
    ]
    differences = [np.subtract(cell.scores.latin, other.scores.latin) for cell, other in pairs]
    values = _p_values(differences, seed)
    intervals = [resampling.bootstrap_mean(each, seed) or UNKNOWN for each in differences]
    return tuple(
        Comparison(
            collection=cell.collection,
            query_set=cell.query_set,
            author=cell.author,
            system=cell.system,
            other=other.system,
            difference=float(difference.mean()),
            low=low,
            high=high,
            p=p,
            p_corrected=corrected,
        )
        for (cell, other), difference, (low, high), (p, corrected) in zip(
            pairs, differences, intervals, values, strict=True
        )
    )


def _asked_the_same(cell: Cell, other: Cell) -> bool:
    return (cell.collection, cell.query_set, cell.author, cell.scores.ids) == (
        other.collection,
        other.query_set,
        other.author,
        other.scores.ids,
    )
