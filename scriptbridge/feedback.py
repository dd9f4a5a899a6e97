"""What documents say of a query's readings: pseudo-relevance feedback.

A word that is typed badly has several readings about as likely; what the query's other words find tells
which is meant. Each of the best documents d is a language model of its terms r (Lavrenko & Croft, SIGIR 2001;
linear smoothing, Zhai & Lafferty, ibid.), and typed words t are read as one that asks for d would mean them:

    P(r | t, d) ~ P(r | t) P(r | d) / P(r)        P(d | t_1 … t_n) ~ product over i of sum over r of that

A query's native form is then one that some document holds together, where words chosen each by itself may be
of several. Lexical search asks for all readings at once and gains nothing by choosing; an encoder reads one
wording.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from typing import NamedTuple

from scriptbridge.types import Position
from scriptbridge.weights import LEAST_PROBABILITY

__all__ = ["DEPTH", "Asking", "asking"]

DEPTH = 5  # documents
SMOOTHING = 0.1  # of a document's terms are the collection's


class Asking(NamedTuple):
    """How likely it is that a query asks for a document, and what its words mean then."""

    probability: float
    positions: Sequence[Position]


def asking(
    positions: Sequence[Position], documents: Sequence[Set[str]], share: Callable[[str], float]
) -> list[Asking]:
    """What was read, given each of these documents, their different terms; likeliest first.

    `share` is a term's part of all that documents hold, over 0 where one of these has it. What readings leave
    of 1 is that a token means none of them, but itself.
    """
    terms = {reading.term for position in positions for reading in position.readings}
    terms.update(position.token.text for position in positions)
    shares = {term: share(term) for term in terms}
    given = [[_given(position, document, shares) for position in positions] for document in documents]
    likelihoods = [math.fsum(math.log(likelihood) for likelihood, _ in each) for each in given]
    best = max(likelihoods, default=0.0)
    total = math.fsum(math.exp(each - best) for each in likelihoods)
    found = [
        Asking(math.exp(likelihood - best) / total, [position for _, position in each])
        for likelihood, each in zip(likelihoods, given, strict=True)
    ]
    return sorted(found, key=lambda each: -each.probability)


def _given(position: Position, document: Set[str], shares: Mapping[str, float]) -> tuple[float, Position]:
    """How much likelier a token is where a document is asked for than anywhere, and its readings then."""
    ratios = [each.probability * _ratio(each.term, document, shares) for each in position.readings]
    left = max(0.0, 1.0 - math.fsum(each.probability for each in position.readings))
    total = math.fsum([*ratios, left * _ratio(position.token.text, document, shares)])
    if not total:
        return 1.0, position
    readings = [
        replace(each, probability=ratio / total)
        for each, ratio in zip(position.readings, ratios, strict=True)
        if ratio >= LEAST_PROBABILITY * total
    ]
    return total, replace(position, readings=tuple(sorted(readings, key=lambda each: -each.probability)))


def _ratio(term: str, document: Set[str], shares: Mapping[str, float]) -> float:
    """P(term | document) / P(term)."""
    held = 1.0 / (len(document) * shares[term]) if term in document else 0.0
    return (1 - SMOOTHING) * held + SMOOTHING
