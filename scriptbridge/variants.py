"""What a native word may be in an index beside itself: the same word in another way of writing, for a word
outside the lexicon what sounds like it, and its spellings among documents in Latin letters.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from . import sounds, text, weights
from .channel import Channel
from .lexicon import Lexicon
from .types import Position, Reading, Token
from .writing import Speller, forms_of, is_written

__all__ = ["Variants"]

READINGS = 10  # of a word


class Variants:
    """The other ways in which native words stand in one lexicon, by its languages' channels."""

    def __init__(self, lexicon: Lexicon, channels: Sequence[Channel]) -> None:
        self._lexicon = lexicon
        self._sounding = [channel for channel in channels if channel.sounds]
        self._channels = channels

    def readings(self, token: Token) -> tuple[Reading, ...]:
        """A word as it was typed, with what is the same word; if it is no term, what sounds like it."""
        itself = self._lexicon.find(token.text)
        if self._sounding and (alike := self._alike(token.text) - {itself}):
            return self._shared(alike if itself is None else {itself, *alike})
        return self._heard(token) if itself is None else (Reading(token.text, 1.0),)

    def in_one_way(self, term: str) -> str:
        """A term as it is in the first of its ways of writing."""
        return next(iter(sounds.written(self._names, term)), term)

    @property
    def _names(self) -> list[str]:
        return [channel.sounds for channel in self._sounding]

    def _alike(self, term: str) -> set[int]:
        """The terms that are the same word, written in another way."""
        folds = {term, *sounds.written(self._names, term)}
        return {other for fold in folds for other in self._lexicon.alike(fold)}

    def _shared(self, terms: Iterable[int]) -> tuple[Reading, ...]:
        """Terms that are one word: each weighs as if typed, and is so likely as it is frequent."""
        df = {term: max(1, int(self._lexicon.df[term])) for term in terms}
        total = sum(df.values())
        shared = sorted(df, key=lambda term: (-df[term], term))
        return tuple(Reading(self._lexicon[term], df[term] / total) for term in shared)

    def _heard(self, token: Token) -> tuple[Reading, ...]:
        """What sounds like a native word outside the lexicon, where one of them is spelled by sound: 大阪 for
        おおさか and the reverse, but not 橋 for 箸.
        """
        for channel in self._sounding:
            found: dict[int, float] = {}
            for form, share in forms_of(channel, token.text):
                node = self._lexicon.node(form)
                entry = -1 if node is None else int(self._lexicon.term[node])
                for term, of_term in self._lexicon.named(entry):
                    if not token.script == text.script_of(self._lexicon[term]) == "Hani":
                        prior = weights.prior(self._lexicon, term)
                        found[term] = found.get(term, 0.0) + share * of_term * prior
            if found:
                total = math.fsum(found.values())
                best = heapq.nsmallest(READINGS, found.items(), key=lambda item: (-item[1], item[0]))
                return weights.never_silent(
                    weights.reading(self._lexicon, term, part / total, channel.language)
                    for term, part in best
                )
        return ()

    # ---- documents in Latin letters

    @cached_property
    def spellers(self) -> list[Speller]:
        """Of the languages that some documents are in, written in Latin letters."""
        powers = weights.powers(self._lexicon)
        return [
            Speller(channel, self._lexicon, powers)
            for channel in self._channels
            if is_written(channel, self._lexicon)
        ]

    def in_latin_too(self, position: Position) -> tuple[Reading, ...]:
        """The readings, and those that a native word has among documents in Latin letters.

        The word itself weighs 1 all the same; what it may be in Latin letters weighs as if these were all.
        """
        native, readings, lexicon = position.token, position.readings, self._lexicon
        if native.script in ("Latn", "Zyyy") or (readings and readings[0].language) or not self.spellers:
            return readings
        found: dict[int, tuple[float, str]] = {}
        for speller in self.spellers:
            for term, likelihood in speller.terms(native.text, READINGS):
                speaks = (weights.weight(lexicon, term, likelihood), speller.channel.language)
                found[term] = max(speaks, found.get(term, speaks))
        written = weights.outside(native.text) + math.fsum(speaks for speaks, _ in found.values())
        terms = (lexicon.find(reading.term) for reading in readings)
        own = math.fsum(weights.prior(lexicon, term) for term in terms if term is not None)
        latin = [
            Reading(
                lexicon[term],
                much / (own + written),
                language,
                weights.boost(much / written, int(lexicon.df[term]), lexicon.documents),
            )
            for term, (much, language) in found.items()
            if much >= weights.LEAST_PROBABILITY * written
        ]
        left = own / (own + written)
        itself = [replace(reading, probability=reading.probability * left) for reading in readings]
        return tuple(sorted([*itself, *latin], key=lambda reading: (-reading.probability, reading.term)))
