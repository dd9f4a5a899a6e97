"""How much a term speaks for itself, and what BM25 makes of a probability.

A term that a token may mean weighs P(token | term) ** SHARPNESS · df ** PRIOR; its probability is its share
of all such weights and of what speaks for a word outside the lexicon.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import kernels
from .lexicon import Lexicon
from .types import Reading

__all__ = [
    "LEAST_PROBABILITY",
    "NOTHING",
    "Found",
    "Powers",
    "Terms",
    "as_typed",
    "boost",
    "itself",
    "most",
    "never_silent",
    "outside",
    "own",
    "powers",
    "prior",
    "priors",
    "reading",
    "shortened",
    "total",
    "weight",
]

SHARPNESS = 0.6  # the channel is surer than it should be: P counts as P ** SHARPNESS
PRIOR = 0.8  # a term is as likely as df ** PRIOR
OWN = 0.7  # likelihood a letter of a token that is itself a Latin term: about that of a native one
LONG = 8  # letters; longer Latin terms are nothing else by chance
OUTSIDE = 0.25  # likelihood a letter of a token that means no term
LEAST_PROBABILITY = 5e-4  # of a reading
LEAST_WEIGHT = 0.05  # of a position's only hope, times its probability, where that is over SURE
SURE = 0.1  # a reading with more is no guess

Powers = tuple[NDArray[np.float64], NDArray[np.float64]]  # of a lexicon's entries, and of its ranks


class Terms(NamedTuple):
    """The terms that a token may mean, each with its weight, and how much all of them weigh and the best.

    Those that weigh too little beside the others to be read are counted in `total` alone: hundreds of
    Chinese words may share a syllable.
    """

    each: Sequence[tuple[int, float]]
    total: float
    best: float

    @classmethod
    def of(cls, terms: NDArray[np.int32], likelihoods: NDArray[np.float64], powers: Powers) -> Terms:
        """Of P(token | term); both of shape (terms,)."""
        limits = (SHARPNESS, LEAST_PROBABILITY)
        heavy, weights, total, best = kernels.weighed(terms, likelihoods, powers[0], *limits)
        return cls(list(zip(heavy.tolist(), weights.tolist(), strict=True)), total, best)

    @classmethod
    def one(cls, term: int, weight: float) -> Terms:
        """A single term."""
        return cls([(term, weight)], weight, weight)


NOTHING = Terms((), 0.0, 0.0)
Found = Mapping[int, Terms]  # by language or keyboard layout

_LENGTHENED = re.compile(r"(.)\1{2,}")


def prior(lexicon: Lexicon, term: int) -> float:
    """How much a term speaks for itself before anything is typed."""
    return float(max(1.0, float(lexicon.df[term])) ** PRIOR)


def priors(lexicon: Lexicon, terms: NDArray[np.int32]) -> NDArray[np.float64]:
    """`prior` of terms; shape (terms,)."""
    return np.asarray(np.maximum(lexicon.df[terms], 1.0) ** PRIOR)


def weight(lexicon: Lexicon, term: int, likelihood: float) -> float:
    """How much a term speaks for itself: its part in P(term | token), before it is normalised."""
    return float(likelihood**SHARPNESS * prior(lexicon, term))


def own(lexicon: Lexicon, typed: str, term: int) -> float:
    """How much speaks for a term that is, or begins with, what was typed."""
    return float(as_typed(typed) * prior(lexicon, term))


def as_typed(typed: str) -> float:
    """The part in `own` of what was typed."""
    return float(OWN ** (SHARPNESS * min(len(typed), LONG)))


def itself(lexicon: Lexicon, token: str) -> float:
    """How much speaks for a token being a term as it is; 0 where it is none."""
    term = lexicon.find(token)
    return 0.0 if term is None else own(lexicon, token, term)


@lru_cache(maxsize=1024)
def outside(token: str) -> float:
    """How much speaks for a word outside the lexicon."""
    return float(OUTSIDE ** (SHARPNESS * len(shortened(token))))


def shortened(token: str) -> str:
    """A token without emphasis.

    >>> shortened("rabiiiii")
    'rabii'
    """
    return _LENGTHENED.sub(r"\1\1", token)


def total(lexicon: Lexicon) -> float:
    """The log of the weight of all terms, before anything is typed."""
    return math.log(max(1.0, float((np.maximum(lexicon.df, 1.0) ** PRIOR).sum())))


def most(lexicon: Lexicon) -> float:
    """The log of the weight of the most frequent term, before anything is typed."""
    return PRIOR * math.log(max(1, int(lexicon.df.max(initial=1))))


def powers(lexicon: Lexicon) -> Powers:
    """df ** (PRIOR / SHARPNESS) of a lexicon's entries and of the ranks of what is below its nodes.

    To a search that multiplies them with likelihoods, entries are in the order of their weights.
    """
    ranks = np.exp2(np.arange(1, 257) / 8)  # a rank is log2 df in eighths, rounded down
    return np.maximum(lexicon.entry_df, 1) ** (PRIOR / SHARPNESS), ranks ** (PRIOR / SHARPNESS)


def boost(probability: float, df: int, documents: int) -> float:
    """What a reading's BM25 score is multiplied by: 1 + ln(probability) / idf, at least 0.

    A term's idf is the log of how much likelier a relevant document is to hold it than another; for a word
    that is meant only with some probability, that log ratio shrinks by -ln(probability) (after Robertson &
    Spärck Jones 1976, as BM25's idf is).
    """
    idf = math.log(1 + (documents - df + 0.5) / (df + 0.5))
    return max(0.0, 1 + math.log(probability) / idf) if probability > 0 and idf > 0 else 0.0


def reading(
    lexicon: Lexicon, term: int, probability: float, language: str | None, sought: float | None = None
) -> Reading:
    """A term as a reading with that probability, and the boost that goes with it, or with another one by
    which it is `sought`.
    """
    boosted = boost(probability if sought is None else sought, int(lexicon.df[term]), lexicon.documents)
    return Reading(lexicon[term], probability, language, boosted)


def never_silent(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """A word in nearly every document has no idf to lose: alone, it keeps a small weight."""
    readings = tuple(readings)
    if readings and readings[0].probability > SURE and not any(each.weight for each in readings):
        return (replace(readings[0], weight=LEAST_WEIGHT * readings[0].probability), *readings[1:])
    return readings
