"""What else a query's words may mean, once documents are found: the words of these, however unlikely.

A search of all terms gives up on spellings that a channel hardly expects. Among the few hundred terms of the
best documents there is room for them, and these documents are what speaks for them (`feedback`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from functools import cached_property

from . import sounds, weights
from .channel import Channel
from .decoding import SLIP, Decoder
from .lexicon import Lexicon
from .types import Position, Reading

__all__ = ["Rereader"]

READINGS = 100  # of a token
BUDGET = 1000  # trie nodes opened for it
LEAST = 1e-6  # probability that is worth a thought


class Rereader:
    """The channels over the terms of some documents and of a query's readings, as frequent as everywhere."""

    def __init__(
        self,
        channels: Sequence[Channel],
        lexicon: Lexicon,
        positions: Sequence[Position],
        documents: Sequence[Set[str]],
    ) -> None:
        """`lexicon` is the whole one."""
        self._channels = {channel.language: channel for channel in channels}
        self._positions = positions
        read = {reading.term for position in positions for reading in position.readings}
        found = {term: lexicon.find(term) for term in sorted(read.union(*documents))}
        self._df = {term: int(lexicon.df[at]) for term, at in found.items() if at is not None}
        self._documents = lexicon.documents

    def positions(self) -> list[Position]:
        """The query's, with more readings."""
        spoken = Counter(
            reading.language for position in self._positions for reading in position.readings[:1]
        )
        usual = [language for language, _ in spoken.most_common()]
        return [self._reread(position, usual) for position in self._positions]

    def _reread(self, position: Position, usual: Sequence[str | None]) -> Position:
        if position.token.script != "Latn":
            return position
        own = [reading.language for reading in position.readings[:1]]
        spoken = [language for language in [*own, *usual] if language in self._channels]
        return self._with_more(position, str(spoken[0])) if spoken else position

    def _with_more(self, position: Position, language: str) -> Position:
        """Its readings are shares of a total weight, which that of one of them tells; others get theirs."""
        weighed = self._weighed(position.token.text, language)
        total = _total(position, language, weighed)
        known = {reading.term for reading in position.readings}
        more = [
            Reading(term, weight / total, language)
            for term, weight in weighed.items()
            if total and term not in known and weight >= LEAST * total
        ]
        readings = [*position.readings, *more]
        over = max(1.0, math.fsum(each.probability for each in readings))
        shares = [
            Reading(each.term, each.probability / over, each.language, each.weight) for each in readings
        ]
        return Position(position.token, tuple(sorted(shares, key=lambda each: -each.probability)))

    def _weighed(self, token: str, language: str) -> dict[str, float]:
        terms, likelihoods = self._decoders[language].likelihoods(token, READINGS, BUDGET, noise=SLIP)
        lexicon = self._lexicon
        return {
            lexicon[term]: weights.weight(lexicon, term, likelihood)
            for term, likelihood in zip(terms.tolist(), likelihoods.tolist(), strict=True)
        }

    @cached_property
    def _lexicon(self) -> Lexicon:
        heard = sounds.forms(self._df, [channel.sounds for channel in self._channels.values()])
        return Lexicon.from_terms(self._df, self._documents, forms=heard)

    @cached_property
    def _decoders(self) -> Mapping[str, Decoder]:
        powers = weights.powers(self._lexicon)
        return {code: Decoder(channel, self._lexicon, powers) for code, channel in self._channels.items()}


def _total(position: Position, language: str, weighed: Mapping[str, float]) -> float:
    """What the weights of a token's readings are to be divided by; 0 where nothing tells."""
    for reading in position.readings:
        if reading.language == language and reading.term in weighed:
            return weighed[reading.term] / reading.probability
    return 0.0 if position.readings else weights.outside(position.token.text) + math.fsum(weighed.values())
