"""How sure the figures of a report are: intervals, tests, and their correction for how much is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from . import statistics
from .records import MEASURES, Cell, Comparison, Figures

__all__ = ["comparisons", "corrected", "figures"]


def figures(latin: NDArray[np.float64], native: NDArray[np.float64] | None, seed: int) -> Figures:
    """A measure of a cell, from its values for each query, (n,); both sides in the same order."""
    if native is None:
        return Figures(float(latin.mean()))
    lost = native - latin
    low, high = statistics.bootstrap_mean(lost, seed)
    ratio, ratio_low, ratio_high = None, None, None
    if native.any():
        ratio = float(latin.mean() / native.mean())
        ratio_low, ratio_high = statistics.bootstrap_ratio(latin, native, seed)
    return Figures(
        latin=float(latin.mean()),
        native=float(native.mean()),
        gap=float(lost.mean()),
        gap_low=low,
        gap_high=high,
        ratio=ratio,
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        p=statistics.randomization_test(lost, seed),
    )


def corrected(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells, with the p-values of all their gaps corrected together."""
    tested = [
        (at, name) for at, cell in enumerate(cells) for name in MEASURES if cell.figures[name].p is not None
    ]
    values = iter(statistics.holm([cells[at].figures[name].p or 0.0 for at, name in tested]))
    revised = [dict(cell.figures) for cell in cells]
    for at, name in tested:
        revised[at][name] = replace(revised[at][name], p_corrected=next(values))
    return tuple(replace(cell, figures=each) for cell, each in zip(cells, revised, strict=True))


def comparisons(cells: Sequence[Cell], seed: int) -> tuple[Comparison, ...]:
    """Every two systems over the same Latin queries."""
    found = []
    for number, cell in enumerate(cells):
        for other in cells[number + 1 :]:
            if _asked_the_same(cell, other):
                difference = np.array(cell.scores.latin) - np.array(other.scores.latin)
                low, high = statistics.bootstrap_mean(difference, seed)
                p = statistics.randomization_test(difference, seed)
                found.append(
                    Comparison(
                        cell.collection,
                        cell.query_set,
                        cell.author,
                        cell.system,
                        other.system,
                        float(difference.mean()),
                        low,
                        high,
                        p,
                        p,
                    )
                )
    values = statistics.holm([each.p for each in found])
    return tuple(replace(each, p_corrected=p) for each, p in zip(found, values, strict=True))


def _asked_the_same(cell: Cell, other: Cell) -> bool:
    return (cell.collection, cell.query_set, cell.author, cell.scores.ids) == (
        other.collection,
        other.query_set,
        other.author,
        other.scores.ids,
    )
