"""One ranking of several: by ranks, or by scores brought to one scale.

A ranking is (document id, score) pairs, best first, no document twice. What comes out is one too, equal
scores in the order of ids.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, pstdev

from scriptbridge.errors import QueryError

__all__ = ["FUSIONS", "Ranking", "fuse", "min_max", "reciprocal_ranks", "weighted", "z_scores"]

Ranking = Sequence[tuple[str, float]]
RANK = 60  # k of Cormack et al.: how little the first ranks stand out


def fuse(how: str, rankings: Sequence[Ranking], weights: Sequence[float]) -> list[tuple[str, float]]:
    """By the name of `FUSIONS`; QueryError where there is none of that name."""
    if how not in FUSIONS:
        raise QueryError(f"fusion: {how!r} came; accepted are {', '.join(FUSIONS)}")
    return FUSIONS[how](rankings, weights)


def reciprocal_ranks(
    rankings: Sequence[Ranking], weights: Sequence[float] | None = None, k: float = RANK
) -> list[tuple[str, float]]:
    """Reciprocal rank fusion: Σ w / (k + rank), ranks from 1 (Cormack, Clarke and Büttcher 2009, section 2).

    >>> reciprocal_ranks([[("a", 9.0), ("b", 3.0)], [("b", 0.4)]], k=1)
    [('b', 0.8333333333333333), ('a', 0.5)]
    """
    points: dict[str, float] = {}
    for ranking, weight in zip(rankings, weights or [1.0] * len(rankings), strict=True):
        for rank, (id, _) in enumerate(ranking, 1):
            points[id] = points.get(id, 0.0) + weight / (k + rank)
    return _ranked(points)


def weighted(
    rankings: Sequence[Ranking],
    weights: Sequence[float],
    scaled: Callable[[Ranking], Mapping[str, float]],
) -> list[tuple[str, float]]:
    """Σ w · scaled score; a document that a ranking lacks counts there as its last one does."""
    scales = [scaled(ranking) for ranking in rankings]
    least = [min(scale.values(), default=0.0) for scale in scales]
    ids = {id for scale in scales for id in scale}
    return _ranked(
        {
            id: math.fsum(
                weight * scale.get(id, low) for weight, scale, low in zip(weights, scales, least, strict=True)
            )
            for id in ids
        }
    )


def min_max(ranking: Ranking) -> dict[str, float]:
    """Scores from 0, the last, to 1, the first; 1 where all are equal (Fox and Shaw 1994 sum such ones).

    >>> min_max([("a", 9.0), ("b", 6.0), ("c", 3.0)])
    {'a': 1.0, 'b': 0.5, 'c': 0.0}
    """
    scores = [score for _, score in ranking]
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    return {id: (score - low) / (high - low) if high > low else 1.0 for id, score in ranking}


def z_scores(ranking: Ranking) -> dict[str, float]:
    """Scores less their mean, by their standard deviation; 0 where all are equal.

    >>> z_scores([("a", 3.0), ("b", 1.0)])
    {'a': 1.0, 'b': -1.0}
    """
    scores = [score for _, score in ranking]
    mean, spread = (fmean(scores), pstdev(scores)) if scores else (0.0, 0.0)
    return {id: (score - mean) / spread if spread else 0.0 for id, score in ranking}


FUSIONS: Mapping[str, Callable[[Sequence[Ranking], Sequence[float]], list[tuple[str, float]]]] = {
    "rrf": reciprocal_ranks,
    "minmax": lambda rankings, weights: weighted(rankings, weights, min_max),
    "zscore": lambda rankings, weights: weighted(rankings, weights, z_scores),
}


def _ranked(points: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(points.items(), key=lambda each: (-each[1], each[0]))
