"""Which languages a query's Latin tokens may be in.

Letter trigrams of each channel's Latin text name some languages, very narrow searches tell which of these
have such words. A single token may be of another language than the rest, but the rest has a say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .channel import QUANTUM, trigram_codes
from .decoding import Decoder
from .weights import Found, Terms, outside

__all__ = ["Identifier", "beliefs", "likeliest", "others", "shares", "telling"]

LOOKS = 75  # narrow searches a query, so that few words are looked at in all languages, many in the likeliest
MAX_LANGUAGES = 12  # are decoded
GLANCE = 60  # trie nodes opened for a first look ...
WORTH = 0.3  # ... at terms that weigh more than so much of a word outside the lexicon
TELLING = 3  # tokens looked at, the longest ones
LEAST_BELIEF = 1e-4  # next to the likeliest; below, a language stays silent
TRIGRAMS = 0.3  # letter trigrams count so much: they are far surer of a language than they should be
OTHERS = 0.5  # and the query's other tokens so much for the language of one
MIXED = 0.01  # whatever the others say, a token may be of any language


class Identifier:
    """The languages of several decoders, known by their numbers."""

    def __init__(self, decoders: Sequence[Decoder]) -> None:
        self._decoders = decoders
        self._trigrams = np.array([decoder.channel.trigrams for decoder in decoders])

    def speaking(self, latin: Sequence[str]) -> list[int]:
        """The languages that Latin tokens may be in, likeliest first."""
        if len(self._decoders) < 2 or not latin:
            return list(range(len(self._decoders)))
        costs = sum(self._trigrams[:, trigram_codes(token)].sum(1, dtype=np.int64) for token in latin)
        points = (-math.log(2) / QUANTUM * TRIGRAMS * costs).tolist()
        longest = telling(latin)
        plausible = sorted(range(len(points)), key=lambda at: -points[at])[: LOOKS // len(longest)]
        glances = {token: {at: _glance(self._decoders[at], token) for at in plausible} for token in longest}
        for at in plausible:
            points[at] += math.fsum(math.log(glance[at]) for glance in glances.values())
        best = sorted(plausible, key=lambda at: -points[at])[:MAX_LANGUAGES]
        spoken = [at for at in best if points[at] > points[best[0]] + math.log(LEAST_BELIEF)]
        # A single word may be of another language than the rest.
        alone = {max(plausible, key=lambda at: glance[at]) for glance in glances.values()}
        return spoken + sorted(alone - set(spoken))


def _glance(decoder: Decoder, token: str) -> float:
    """How much speaks for the best term that a very narrow search finds, or for none."""
    unknown = outside(token)
    return max(unknown, decoder.terms(token, 1, GLANCE, WORTH * unknown).best)


def telling(latin: Sequence[str]) -> list[str]:
    """The tokens that tell most: the longest."""
    return sorted(latin, key=len, reverse=True)[:TELLING]


def likeliest(found: Mapping[str, Found], languages: Sequence[int]) -> int:
    """The language that explains the tokens best."""
    if len(languages) == 1:
        return languages[0]
    points = dict.fromkeys(languages, 0.0)
    for token, by_language in found.items():
        for at in languages:
            points[at] += _point(token, by_language[at])
    return max(languages, key=points.__getitem__)


def others(found: Mapping[str, Found]) -> dict[str, dict[int, float]]:
    """How much, as a log, a query's other tokens speak for each language of a token."""
    if all(len(by_language) == 1 for by_language in found.values()):  # nothing to choose from
        return {token: dict.fromkeys(by_language, 0.0) for token, by_language in found.items()}
    points = {
        token: {at: _point(token, terms) for at, terms in by_language.items()}
        for token, by_language in found.items()
    }
    everything: dict[int, float] = {}
    for by_language in points.values():
        for at, point in by_language.items():
            everything[at] = everything.get(at, 0.0) + point
    return {
        token: {at: OTHERS * (everything[at] - point) for at, point in by_language.items()}
        for token, by_language in points.items()
    }


def shares(found: Mapping[str, Found], languages: Sequence[int]) -> dict[int, float]:
    """What each of these languages leaves of a reading in it: P(language | query) ** (1 / tokens).

    A document is mostly in one language. That the query is in another is as unlikely once, however many of
    its words the document holds, so each word bears a part of that.
    """
    if len(languages) < 2:
        return dict.fromkeys(languages, 1.0)
    points = {at: math.fsum(_point(token, each[at]) for token, each in found.items()) for at in languages}
    best = max(points.values())
    everything = best + math.log(math.fsum(math.exp(point - best) for point in points.values()))
    return {at: math.exp((point - everything) / len(found)) for at, point in points.items()}


def _point(token: str, terms: Terms) -> float:
    return math.log(outside(token) + terms.total)


def beliefs(others: Mapping[int, float]) -> dict[int, float]:
    """How far a token may be of each language, by what the query's other tokens are; the best is 1."""
    best = max(others.values(), default=0.0)
    return {at: MIXED + (1 - MIXED) * math.exp(point - best) for at, point in others.items()}
