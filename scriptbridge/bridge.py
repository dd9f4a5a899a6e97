"""From Latin tokens to the words of a lexicon: expansion, deromanization and completion of queries."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from . import kernels, text
from .channel import NOISE, Channel, encode_latin
from .errors import LanguageError, QueryError
from .lexicon import Lexicon
from .types import Completion, Deromanization, Expansion, Position, Reading, Token

__all__ = ["Bridge"]

READINGS = 10  # readings a token
BUDGET = 400  # trie nodes opened for a token and language, at most: the beam
GREED = 0.2  # what a Latin letter still to be read is taken to cost: below a typical letter's, so the search goes deep first
MAX_LENGTH = 40  # Latin letters of a token that is decoded
MAX_LANGUAGES = 3  # languages that may speak for one token
LEAST_BELIEF = 0.02  # a language below this posterior stays silent
SHARPNESS = 0.6  # the channel's probabilities are surer than they should be: they count as P ** SHARPNESS
PRIOR = 0.8  # a term is as likely as df ** PRIOR
OUTSIDE = 0.35  # a word that is not in the lexicon is worth so much a letter, relative to a typical letter


@dataclass(frozen=True)
class _Decoder:
    """One channel over one lexicon."""

    channel: Channel
    lexicon: Lexicon

    @cached_property
    def arguments(self) -> tuple[Any, ...]:
        """What `kernels.decode` wants between the token and the limits."""
        channel, lexicon = self.channel, self.lexicon
        letters = np.zeros(len(lexicon.alphabet), np.uint8)
        for label, code in enumerate(lexicon.alphabet.tolist()):
            letters[label] = channel.letter_ids.get(chr(code), 0) if label else 0
        units, spellings, rows = channel.tables
        beginnings = {key >> shift for key in channel.units.tolist() for shift in (0, 8) if (key >> shift) >= 256}
        return (
            lexicon.label,
            lexicon.end,
            lexicon.term,
            lexicon.top,
            lexicon.df,
            letters,
            units,
            channel.units,
            spellings,
            channel.spellings,
            rows,
            channel.rows,
            channel.row_start,
            channel.slot_spelling,
            channel.slot_probability,
            np.array(sorted(beginnings), np.int64),
            GREED,
            NOISE,
        )

    def read(self, token: str, limit: int, budget: int) -> list[tuple[int, float]]:
        """The terms that `token` may mean, with P(token | term)."""
        letters = encode_latin(token)
        if letters is None or not 0 < len(letters) <= MAX_LENGTH:
            return []
        terms, likelihoods, _ = kernels.decode(letters, *self.arguments, PRIOR / SHARPNESS, limit, budget)
        return list(zip(terms.tolist(), likelihoods.tolist(), strict=True))


class Bridge:
    """Channels over a lexicon. Immutable, safe to share between threads.

    ``Bridge.from_terms({"μουσακάς": 12}, languages=["el"]).expand("mousakas")``
    """

    def __init__(self, lexicon: Lexicon, languages: Sequence[str | Channel]) -> None:
        self.lexicon = lexicon
        self.channels = tuple(Channel.load(each) if isinstance(each, str) else each for each in languages)
        if len({channel.language for channel in self.channels}) < len(self.channels):
            raise LanguageError(f"a language stands twice: {', '.join(channel.language for channel in self.channels)}")
        self._decoders = [_Decoder(channel, lexicon) for channel in self.channels]

    @classmethod
    def from_terms(
        cls, terms: Mapping[str, int] | Iterable[tuple[str, int]], languages: Sequence[str | Channel]
    ) -> Bridge:
        """A bridge to any engine's vocabulary: its terms with document frequencies.

        Terms are normalised as queries are (`text.normalize`), frequencies of those that fall together added: a reading
        names the normalised form.
        """
        merged: dict[str, int] = {}
        for term, df in terms.items() if isinstance(terms, Mapping) else terms:
            if not isinstance(term, str) or isinstance(df, bool) or not isinstance(df, int) or df < 0:
                raise QueryError(f"terms are words with document frequencies (str, int >= 0); got ({term!r}, {df!r})")
            for word in text.terms(term):
                merged[word] = merged.get(word, 0) + df
        return cls(Lexicon.from_terms(merged), languages)

    def expand(self, query: str | Sequence[Token], n: int = READINGS) -> Expansion:
        """Readings for every position of a query, at most `n` each; a native word stands as it is.

        A position whose token nothing in the lexicon could mean has no readings.
        """
        tokens = text.tokenize(query) if isinstance(query, str) else query
        beliefs = self._beliefs(tokens)
        return Expansion(
            tuple(
                Position(token, self._read(token, beliefs.get(token.text, {}), n))
                for token in tokens
            )
        )

    def _beliefs(self, tokens: Sequence[Token]) -> dict[str, dict[int, float]]:
        """P(language | token, the query's other tokens) for each Latin token, by decoder; the unlikely ones left out."""
        latin = list(dict.fromkeys(token.text for token in tokens if token.script == "Latn"))
        if len(self._decoders) == 1:
            return {token: {0: 1.0} for token in latin}
        if not self._decoders or not latin:
            return {}
        evidence = {token: np.array([channel.latin_score(token) for channel in self.channels]) for token in latin}
        everything = np.sum(list(evidence.values()), axis=0)
        beliefs = {}
        for token in latin:
            points = everything
            belief = np.exp(points - points.max())
            belief /= belief.sum()
            spoken = [at for at in np.argsort(-belief, kind="stable")[:MAX_LANGUAGES].tolist() if belief[at] >= LEAST_BELIEF]
            beliefs[token] = {at: float(belief[at]) for at in spoken}
        return beliefs

    def _read(self, token: Token, beliefs: Mapping[int, float], n: int) -> tuple[Reading, ...]:
        itself = self.lexicon.find(token.text)
        if token.script != "Latn":
            return (Reading(token.text, 1.0),) if itself is not None else ()
        weights: dict[tuple[int, str | None], float] = {}
        typical = max((self.channels[at].typical for at in beliefs), default=0.4)
        outside = (typical * OUTSIDE) ** (SHARPNESS * len(token.text))
        total = outside
        if itself is not None:
            weights[itself, None] = typical ** (SHARPNESS * len(token.text)) * float(self.lexicon.df[itself]) ** PRIOR
        for at, belief in beliefs.items():
            decoder = self._decoders[at]
            for term, likelihood in decoder.read(token.text, n, BUDGET):
                weight = belief * likelihood**SHARPNESS * max(1.0, float(self.lexicon.df[term])) ** PRIOR
                key = (term, decoder.channel.language)
                weights[key] = weights.get(key, 0.0) + weight
        total += math.fsum(weights.values())
        best = heapq.nsmallest(n, weights.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or ""))
        return tuple(Reading(self.lexicon[term], weight / total, language) for (term, language), weight in best)

    def deromanize(self, query: str, n: int = 1) -> list[Deromanization]:
        """The `n` likeliest native forms of a whole query; what has no reading stands as it was typed."""
        if n < 1:
            raise QueryError(f"n is how many alternatives are wanted, at least 1; got {n}")
        positions = self.expand(query).positions
        beam: list[tuple[float, tuple[str, ...]]] = [(0.0, ())]
        for position in positions:
            readings = position.readings or (Reading(position.token.text, 1.0),)
            beam = heapq.nsmallest(
                n,
                [
                    (cost - math.log(max(reading.probability, 1e-300)), (*words, reading.term))
                    for cost, words in beam
                    for reading in readings[: n + 1]
                ],
            )
        alternatives = []
        for cost, words in beam:
            at, parts = 0, []
            for position, word in zip(positions, words, strict=True):
                parts += [query[at : position.token.start], word]
                at = position.token.end
            alternatives.append(Deromanization("".join([*parts, query[at:]]), math.exp(-cost)))
        return alternatives
