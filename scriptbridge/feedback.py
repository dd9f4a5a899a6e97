"""What documents say of a query's readings: pseudo-relevance feedback.

A word that is typed badly has several readings about as likely; what the query's other words find tells
which is meant. A relevance model (RM1, Lavrenko & Croft, SIGIR 2001) sums over the best documents how
relevant each is, where it has a term. Lexical search asks for all readings at once and gains nothing by
choosing; an encoder reads one wording.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from scriptbridge.types import Position

__all__ = ["DEPTH", "reweighted", "support"]

DEPTH = 5  # documents
FLOOR = 0.05  # of a term that none of them has


def support(found: Sequence[tuple[float, Set[str]]]) -> dict[str, float]:
    """The share (0-1) of the relevance of these documents, (BM25 score, terms) each, that has a term.

    BM25 scores are log-odds of relevance, up to a constant (Robertson & Zaragoza 2009).

    >>> support([(2.0 + math.log(3), {"βουνό", "χιόνι"}), (2.0, {"βουνό"})])
    {'βουνό': 1.0, 'χιόνι': 0.75}
    """
    best = max((score for score, _ in found), default=0.0)
    relevance = [math.exp(score - best) for score, _ in found]
    total = math.fsum(relevance)
    shares: defaultdict[str, float] = defaultdict(float)
    for relevant, (_, terms) in zip(relevance, found, strict=True):
        for term in sorted(terms):
            shares[term] += relevant / total
    return dict(shares)


def reweighted(position: Position, support: Mapping[str, float]) -> Position:
    """The position with its readings' probabilities by their support, likeliest first.

    What they leave of 1 is that the token means none of them, but itself.
    """
    shares = [each.probability * _speaking(support, each.term) for each in position.readings]
    left = max(0.0, 1.0 - math.fsum(each.probability for each in position.readings))
    total = math.fsum([*shares, left * _speaking(support, position.token.text)])
    if not total:
        return position
    readings = [
        replace(each, probability=share / total)
        for each, share in zip(position.readings, shares, strict=True)
    ]
    return replace(position, readings=tuple(sorted(readings, key=lambda each: -each.probability)))


def _speaking(support: Mapping[str, float], term: str) -> float:
    return FLOOR + support.get(term, 0.0)
