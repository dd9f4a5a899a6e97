"""From Latin tokens to the words of a lexicon: expansion, deromanization and completion of queries."""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import kernels, text
from .channel import NOISE, Channel, encode_latin
from .errors import LanguageError, QueryError
from .lexicon import Lexicon
from .types import Completion, Deromanization, Expansion, Position, Reading, Token

__all__ = ["Bridge"]

READINGS = 10  # readings a token
BUDGET = 300  # trie nodes opened for a token and language, at most: the beam
GREED = 0.15  # what a Latin letter still to be read is taken to cost: below a typical letter's, so the search goes deep first
MAX_LENGTH = 40  # Latin letters of a token that is decoded
MAX_LANGUAGES = 3  # languages that may speak for one token
LEAST_BELIEF = 0.02  # a language below this posterior stays silent
SHARPNESS = 0.6  # the channel's probabilities are surer than they should be: they count as P ** SHARPNESS
PRIOR = 0.8  # a term is as likely as df ** PRIOR
OWN = 0.7  # likelihood a letter of a token that means the same Latin word of the lexicon: a native word's is about that
LONG = 8  # letters; longer words are nothing else by chance
OUTSIDE = 0.25  # likelihood a letter of a token that means a word outside the lexicon


@dataclass(frozen=True)
class _Decoder:
    """One channel over one lexicon; `powers` are df ** (PRIOR / SHARPNESS) of its terms and of its ranks."""

    channel: Channel
    lexicon: Lexicon
    powers: tuple[NDArray[np.float64], NDArray[np.float64]]

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
            *self.powers,
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
            *channel.by_spelling[0],
            *channel.by_spelling[1],
            np.array(sorted(beginnings), np.int64),
            GREED,
            NOISE,
        )

    def read(self, token: str, limit: int, prefix: bool = False) -> list[tuple[int, float]]:
        """The terms that `token` may mean, or nodes that it may lead to, with P(token | term or node)."""
        letters = encode_latin(_LENGTHENED.sub(r"\1\1", token))
        if letters is None or not 0 < len(letters) <= MAX_LENGTH:
            return []
        found, likelihoods, _ = kernels.decode(letters, *self.arguments, limit, BUDGET, prefix)
        return list(zip(found.tolist(), likelihoods.tolist(), strict=True))

    def weight(self, term: int, likelihood: float) -> float:
        """How much a term speaks for itself: its part in P(term | token), before it is normalised."""
        return float(likelihood**SHARPNESS * max(1.0, float(self.lexicon.df[term])) ** PRIOR)


def _df_powers(lexicon: Lexicon) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ranks = np.exp2(np.arange(1, 257) / 8)  # a rank is log2 df in eighths, rounded down
    return np.maximum(lexicon.df, 1) ** (PRIOR / SHARPNESS), ranks ** (PRIOR / SHARPNESS)


_LENGTHENED = re.compile(r"(.)\1{2,}")  # rabiiiii


def weight(probability: float, df: int, documents: int) -> float:
    """What a reading's BM25 score is multiplied by: 1 + ln(probability) / idf, at least 0.

    A term's idf is the log of how much likelier a relevant document is to hold it than another; for a word that is meant only
    with some probability, that log ratio shrinks by -ln(probability) (after Robertson & Spärck Jones 1976, as BM25's idf is).
    """
    idf = math.log(1 + (documents - df + 0.5) / (df + 0.5))
    return max(0.0, 1 + math.log(probability) / idf) if probability > 0 and idf > 0 else 0.0


class Bridge:
    """Channels over a lexicon. Immutable, safe to share between threads.

    ``Bridge.from_terms({"μουσακάς": 12}, languages=["el"]).expand("mousakas")``
    """

    def __init__(self, lexicon: Lexicon, languages: Sequence[str | Channel]) -> None:
        self.lexicon = lexicon
        self.channels = tuple(Channel.load(each) if isinstance(each, str) else each for each in languages)
        if len({channel.language for channel in self.channels}) < len(self.channels):
            raise LanguageError(f"a language stands twice: {', '.join(channel.language for channel in self.channels)}")
        powers = _df_powers(lexicon)
        self._decoders = [_Decoder(channel, lexicon, powers) for channel in self.channels]

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
        total = OUTSIDE ** (SHARPNESS * len(token.text))
        if itself is not None:
            own = OWN ** (SHARPNESS * min(len(token.text), LONG))
            weights[itself, None] = own * float(self.lexicon.df[itself]) ** PRIOR
        for at, belief in beliefs.items():
            decoder = self._decoders[at]
            for term, likelihood in decoder.read(token.text, n):
                weights[term, decoder.channel.language] = belief * decoder.weight(term, likelihood)
        total += math.fsum(weights.values())
        readings: dict[int, Reading] = {}
        for (term, language), part in sorted(weights.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or "")):
            first = readings.get(term)  # the same term, read by two languages: it counts for both, and is the likelier's
            probability = part / total + (first.probability if first else 0.0)
            spoken = first.language if first else language
            boost = weight(probability, int(self.lexicon.df[term]), self.lexicon.documents)
            readings[term] = Reading(self.lexicon[term], probability, spoken, boost)
        return tuple(heapq.nsmallest(n, readings.values(), key=lambda reading: (-reading.probability, reading.term)))

    def complete(self, prefix: str, n: int = 10) -> list[Completion]:
        """The `n` likeliest terms that begin with what is being typed, its last word, in Latin letters or native ones."""
        if n < 1:
            raise QueryError(f"n is how many completions are wanted, at least 1; got {n}")
        tokens = text.tokenize(prefix)
        if not tokens:
            return []
        typed, lexicon = tokens[-1], self.lexicon
        weights: dict[int, tuple[float, str | None]] = {}
        node = lexicon.node(typed.text)
        if node is not None:
            for term in self._below(node, n):
                weights[term] = (OWN ** (SHARPNESS * len(typed.text)) * float(lexicon.df[term]) ** PRIOR, None)
        for at, belief in self._beliefs(tokens).get(typed.text, {}).items():
            decoder = self._decoders[at]
            for node, likelihood in decoder.read(typed.text, n, prefix=True):
                for term in self._below(node, n):
                    weight = belief * decoder.weight(term, likelihood)
                    if weight > weights.get(term, (0.0, None))[0]:
                        weights[term] = (weight, decoder.channel.language)
        total = math.fsum(weight for weight, _ in weights.values())
        best = heapq.nsmallest(n, weights.items(), key=lambda item: (-item[1][0], item[0]))
        return [
            Completion(lexicon[term], weight / total, int(lexicon.df[term]), language)
            for term, (weight, language) in best
        ]

    def _below(self, node: int, n: int) -> list[int]:
        lexicon = self.lexicon
        found = kernels.most_frequent(node, n, lexicon.label, lexicon.end, lexicon.term, lexicon.top, lexicon.df)
        return found.tolist()  # type: ignore[no-any-return]

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
