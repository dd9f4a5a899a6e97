"""From Latin tokens to the words of a lexicon: expansion, deromanization and completion of queries."""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import boundaries, feedback, kernels, segmentation, sounds, text
from .channel import NOISE, PROBABILITY, QUANTUM, Channel, encode_latin, trigram_codes
from .diversity import distinct
from .errors import LanguageError, QueryError
from .keyboards import Keyboards, Layout, Typed
from .lexicon import Lexicon
from .types import Beside, Completion, Deromanization, Expansion, Position, Reading, Token
from .writing import Writer, forms_of, is_written

__all__ = ["Bridge"]

READINGS = 10  # readings a token

# The search. Costs and shares are of weights, P ** SHARPNESS · df ** PRIOR.
BUDGET = 300  # trie nodes opened for a token and language, at most: the beam
SLIP_BUDGET = 3000  # for a token that no term explains, which a slip may have come to: it hides where to look
SLIP = 2e-3  # probability of a slip there
SLIP_LENGTH = 6  # letters; a shorter word that has a slip may be any
PART_BUDGET = 40  # and for the words that begin at one place of a run-on token
LONGEST_PART = 24  # Latin letters of such a word
SHORT_PART = 4  # letters; a shorter one is not read by slips of the hand ...
SLIPPED = 10.0  # ... which is what less than so many times `NOISE` is
GREED = 0.15  # likelihood of a Latin letter to come: below a typical one's, so the search goes deep first
MAX_LENGTH = 40  # Latin letters of a token that is decoded
LEAST_SHARE = 0.003  # of the weight of what was found before: less is not worth looking for

# Which languages speak for a query.
LOOKS = 45  # narrow searches a query, so that few words are looked at in all languages, many in the likeliest
MAX_LANGUAGES = 4  # are decoded
GLANCE = 30  # trie nodes opened for a first look
TELLING = 3  # tokens looked at, the longest ones
LEAST_BELIEF = 0.001  # next to the likeliest; below, a language stays silent
TRIGRAMS = 0.3  # letter trigrams count so much: they are far surer of a language than they should be
OTHERS = 0.5  # and the query's other tokens so much for the language of one
MIXED = 0.01  # whatever the others say, a token may be of any language

# From likelihoods to probabilities.
SHARPNESS = 0.6  # the channel is surer than it should be: P counts as P ** SHARPNESS
PRIOR = 0.8  # a term is as likely as df ** PRIOR
OWN = 0.7  # likelihood a letter of a token that is itself a Latin term: about that of a native one
LONG = 8  # letters; longer Latin terms are nothing else by chance
OUTSIDE = 0.25  # likelihood a letter of a token that means no term
LEAST_PROBABILITY = 5e-4  # of a reading
LEAST_COMPLETION = 0.01  # probability of a completion
COMPLETIONS = 100  # terms that are looked at ...
IN_CONTEXT = 300  # ... where words before have a say,
WIDE = 40  # below so many nodes of the trie
BEFORE = 6  # words that have a say, the nearest
ITSELF = 0.25  # of the probability left: a word outside the lexicon is seldom worth leaving in Latin
LEAST_WEIGHT = 0.05  # of a position's only hope, times its probability, where that is over SURE
SURE = 0.1  # a reading with more is no guess

WRONG_LAYOUT = 1e-3  # of the queries are typed on another keyboard layout than they should be
EXPLAINED = 3.0  # times what speaks for no term: with more for some, no other layout is thought of
NEVER_WITHIN = re.compile(r"[][;{}\\|`<>:\"=~]")  # between letters without a space, but on other layouts
NEVER_BEFORE = re.compile(r"[];{}\\|`<>:,=~]")  # a word, likewise
LOG_WRONG = SHARPNESS * math.log(WRONG_LAYOUT)

_Weights = Mapping[int, list[tuple[int, float]]]  # terms with their weights, by channel or layout
_Likelihoods = tuple[NDArray[np.int32], NDArray[np.float64]]  # terms with theirs

_Beside = Callable[[Mapping[str, int]], Sequence[Beside]]  # of terms, with their document frequencies


@dataclass(frozen=True)
class _Decoder:
    """One channel over one lexicon; `powers` are df ** (PRIOR / SHARPNESS) of its entries and ranks."""

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
        units, spellings, _ = channel.tables
        return (
            lexicon.roots[letters[lexicon.label[lexicon.roots]] > 0],
            lexicon.label,
            lexicon.first,
            lexicon.term,
            lexicon.top,
            *self.powers,
            letters,
            units,
            channel.units,
            spellings,
            channel.spellings,
            *channel.by_context,
            channel.row_start,
            channel.slot_spelling,
            channel.slot_cost,
            PROBABILITY,
            *channel.by_spelling,
            *channel.by_unit,
            *channel.pairs,
            GREED,
        )

    def glance(self, token: str) -> float:
        """How much speaks for the best term that a very narrow search finds, or for none."""
        return max([_outside(token), *(weight for _, weight in self.terms(token, 1, GLANCE))])

    def terms(
        self, token: str, limit: int, budget: int = BUDGET, least: float = 0.0, noise: float = NOISE
    ) -> list[tuple[int, float]]:
        """The terms that `token` may mean, with their weights; of the `limit` likeliest forms."""
        terms, likelihoods = self.likelihoods(token, limit, budget, least, noise)
        weights = (likelihoods * self.powers[0][terms]) ** SHARPNESS
        return list(zip(terms.tolist(), weights.tolist(), strict=True))

    def likelihoods(
        self, token: str, limit: int, budget: int = BUDGET, least: float = 0.0, noise: float = NOISE
    ) -> _Likelihoods:
        """The same terms, each with P(token | term); both of shape (terms,)."""
        entries, likelihoods = self.read(token, limit, budget, least, noise=noise)
        lexicon = self.lexicon
        if not len(lexicon.shared_term):
            return entries, likelihoods
        shared = (lexicon.shared_start, lexicon.shared_term, lexicon.share)
        return kernels.named(entries, likelihoods, len(lexicon), *shared)

    def read(
        self,
        token: str,
        limit: int,
        budget: int = BUDGET,
        least: float = 0.0,
        prefix: bool = False,
        noise: float = NOISE,
    ) -> _Likelihoods:
        """The lexicon's entries of more than the `least` weight that `token` may mean, or nodes that it may
        lead to.

        Each with P(token | form or node); both of shape (found,).
        """
        letters = _letters(sounds.typed(self.channel.sounds, token))
        if letters is None:
            return np.empty(0, np.int32), np.empty(0)
        arguments = (letters, *self.arguments, noise, least ** (1 / SHARPNESS), limit, budget, prefix)
        found, likelihoods, _ = kernels.decode(*arguments)
        return found, likelihoods

    def parts(self, letters: str) -> dict[tuple[int, int], float]:
        """The weight of the best form that letters[start:end] may mean, where it is worth a look."""
        run = encode_latin(letters)
        if run is None:
            return {}
        arguments = (run, *self.arguments, NOISE, 1.0, 1, PART_BUDGET, LONGEST_PART)
        found = kernels.decode_anywhere(*arguments)
        by_slips = (found[1] - found[0] < SHORT_PART) & (found[3] < SLIPPED * NOISE)
        starts, ends, entries, likelihoods = (each[~by_slips] for each in found)
        weights = (likelihoods * self.powers[0][entries]) ** SHARPNESS
        return dict(zip(zip(starts.tolist(), ends.tolist(), strict=True), weights.tolist(), strict=True))

    def weight(self, term: int, likelihood: float) -> float:
        """How much a term speaks for itself: its part in P(term | token), before it is normalised."""
        return float(likelihood**SHARPNESS * max(1.0, float(self.lexicon.df[term])) ** PRIOR)


@dataclass(frozen=True)
class _Reader:
    """What `boundaries` asks, of one language; `weights` are those of the typed tokens."""

    bridge: Bridge
    language: int
    weights: Mapping[str, _Weights]

    @property
    def spaced(self) -> bool:
        return self.bridge._spaced[self.language]

    @property
    def initials(self) -> bool:
        return sounds.has_short(self.bridge.channels[self.language].sounds)

    @property
    def total(self) -> float:
        return self.bridge._total

    def readable(self, token: Token) -> bool:
        return token.script == "Latn" and encode_latin(token.text) is not None

    def letters(self, token: Token) -> str:
        heard = sounds.typed(self.bridge.channels[self.language].sounds, token.text)
        return heard if self.spaced else heard.replace("'", "")  # a mark between syllables, as spaces are

    def attached(self, token: Token) -> bool:
        return token.text in self.bridge._attached[self.language]

    def instead(self, token: Token) -> str:
        return self.bridge._attached[self.language].get(token.text, "")

    def word(self, letters: str, least: float = -math.inf) -> float:
        if letters in self.weights:
            best = max((self._best(at, terms) for at, terms in self.weights[letters].items()), default=0.0)
        else:
            terms = self.bridge._decoders[self.language].terms(letters, 1, least=math.exp(least))
            best = self._best(self.language, terms)
        itself = self.bridge.lexicon.find(letters)
        if itself is not None:
            best = max(best, self.bridge._own(letters, itself))
        return math.log(best) if best > 0 else -math.inf

    def _best(self, at: int, terms: Sequence[tuple[int, float]]) -> float:
        """The weight of the best term; those of another keyboard layout are less likely, of another language
        as likely.
        """
        believed = WRONG_LAYOUT**SHARPNESS if at >= len(self.bridge._decoders) else 1.0
        return believed * max((weight for _, weight in terms), default=0.0)

    def parts(self, letters: str) -> dict[tuple[int, int], float]:
        found = self.bridge._decoders[self.language].parts(letters)
        for start, end, term in self.bridge.lexicon.within(letters):
            weight = self.bridge._own(letters[start:end], term)
            found[start, end] = max(weight, found.get((start, end), 0.0))
        return {place: math.log(weight) for place, weight in found.items() if weight > 0}


def _df_powers(lexicon: Lexicon) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ranks = np.exp2(np.arange(1, 257) / 8)  # a rank is log2 df in eighths, rounded down
    return np.maximum(lexicon.entry_df, 1) ** (PRIOR / SHARPNESS), ranks ** (PRIOR / SHARPNESS)


@lru_cache(maxsize=1024)
def _letters(token: str) -> NDArray[np.uint8] | None:
    """What `kernels.decode` reads; None where a token cannot be decoded."""
    letters = encode_latin(_shortened(token))
    return letters if letters is not None and 0 < len(letters) <= MAX_LENGTH else None


_LENGTHENED = re.compile(r"(.)\1{2,}")


def _shortened(token: str) -> str:
    """A token without emphasis: rabiiiii is rabii."""
    return _LENGTHENED.sub(r"\1\1", token)


def weight(probability: float, df: int, documents: int) -> float:
    """What a reading's BM25 score is multiplied by: 1 + ln(probability) / idf, at least 0.

    A term's idf is the log of how much likelier a relevant document is to hold it than another; for a word
    that is meant only with some probability, that log ratio shrinks by -ln(probability) (after Robertson &
    Spärck Jones 1976, as BM25's idf is).
    """
    idf = math.log(1 + (documents - df + 0.5) / (df + 0.5))
    return max(0.0, 1 + math.log(probability) / idf) if probability > 0 and idf > 0 else 0.0


def _check_count(what: str, n: object) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise QueryError(f"n is how many {what} are wanted, at least 1; got {n!r}")


def _outside(token: str) -> float:
    """How much speaks for a word outside the lexicon."""
    return float(OUTSIDE ** (SHARPNESS * len(_shortened(token))))


def _latin(tokens: Iterable[Token]) -> list[str]:
    """The Latin tokens, each once."""
    return list(dict.fromkeys(token.text for token in tokens if token.script == "Latn"))


def _likeliest(weights: Mapping[str, _Weights], languages: Sequence[int]) -> int:
    """The language that explains the tokens best."""
    if len(languages) == 1:
        return languages[0]
    points = dict.fromkeys(languages, 0.0)
    for token, found in weights.items():
        for at in languages:
            points[at] += math.log(_outside(token) + math.fsum(weight for _, weight in found[at]))
    return max(languages, key=points.__getitem__)


def _telling(latin: Sequence[str]) -> list[str]:
    return sorted(latin, key=len, reverse=True)[:TELLING]


def _others(weights: Mapping[str, _Weights]) -> dict[str, dict[int, float]]:
    """How much, as a log, a query's other tokens speak for each language of a token."""
    if all(len(found) == 1 for found in weights.values()):  # nothing to choose from
        return {token: dict.fromkeys(found, 0.0) for token, found in weights.items()}
    points = {
        token: {at: math.log(_outside(token) + math.fsum(w for _, w in terms)) for at, terms in found.items()}
        for token, found in weights.items()
    }
    everything: dict[int, float] = {}
    for by_language in points.values():
        for at, point in by_language.items():
            everything[at] = everything.get(at, 0.0) + point
    return {
        token: {at: OTHERS * (everything[at] - point) for at, point in by_language.items()}
        for token, by_language in points.items()
    }


def _beliefs(others: Mapping[int, float]) -> dict[int, float]:
    """How far a token may be of each language, by what the query's other tokens are; the best is 1."""
    best = max(others.values(), default=0.0)
    return {at: MIXED + (1 - MIXED) * math.exp(point - best) for at, point in others.items()}


def _or_itself(position: Position) -> list[Reading]:
    """The readings, and the token as it was typed with what probability they leave, likeliest first."""
    if any(text.normalize(reading.term) == position.token.text for reading in position.readings):
        return list(position.readings)
    left = 1.0 - math.fsum(reading.probability for reading in position.readings)
    left *= ITSELF if position.readings else 1.0
    itself = Reading(position.token.text, max(left, 1e-9))
    return sorted([*position.readings, itself], key=lambda reading: -reading.probability)


def _never_silent(readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """A word in nearly every document has no idf to lose: alone, it keeps a small weight."""
    if readings and readings[0].probability > SURE and not any(reading.weight for reading in readings):
        return (replace(readings[0], weight=LEAST_WEIGHT * readings[0].probability), *readings[1:])
    return readings


def _channels(languages: Sequence[str | Channel]) -> tuple[Channel, ...]:
    languages = [languages] if isinstance(languages, str) else languages
    channels = tuple(Channel.load(each) if isinstance(each, str) else each for each in languages)
    if len({channel.language for channel in channels}) < len(channels):
        raise LanguageError(f"a language stands twice: {', '.join(channel.language for channel in channels)}")
    return channels


class Bridge:
    """Channels over a lexicon. Immutable, safe to share between threads.

    ``Bridge.from_terms({"μουσακάς": 12}, languages=["el"]).expand("mousakas")``
    """

    def __init__(
        self,
        lexicon: Lexicon,
        languages: Sequence[str | Channel],
        spellings: Mapping[str, Mapping[str, int]] | None = None,
        segmenter: str | None = None,
    ) -> None:
        """`spellings`: the names a term of the lexicon has outside, where they differ, with frequencies.
        `segmenter`: what cut the terms out of text without spaces (see `scriptbridge.segmentation`).

        Without them, readings are the lexicon's terms, and `deromanize` and `complete` write these as they
        are usually spelled.
        """
        self.lexicon = lexicon
        self._spellings = spellings or {}
        self._segmenter = segmenter
        self.channels = _channels(languages)
        self._codes = [channel.language for channel in self.channels]
        self._spaced = [channel.typing.spaced for channel in self.channels]
        layouts = [
            Layout(channel.language, channel.typing.keyboard, channel.typing.spaced)
            for channel in self.channels
        ]
        self._keyboards = Keyboards(lexicon, layouts, segmenter)
        self._trigrams = np.array([channel.trigrams for channel in self.channels])
        powers = _df_powers(lexicon)
        self._decoders = [_Decoder(channel, lexicon, powers) for channel in self.channels]

    @classmethod
    def from_terms(
        cls,
        terms: Mapping[str, int] | Iterable[tuple[str, int]],
        languages: Sequence[str | Channel],
        documents: int | None = None,
    ) -> Bridge:
        """A bridge to any engine's vocabulary: its terms, as the engine has them, with document frequencies.

        Terms with the same normal form (`text.normalize`: μουσακάς, Μουσακας) are read as one and share its
        probability by their frequencies. A term that isn't one word to `text.tokenize` is left out: no token
        can mean it. `documents` is the size of the collection, from which readings get their weights; by
        default, twice the largest document frequency.
        """
        if documents is not None and (isinstance(documents, bool) or not isinstance(documents, int)):
            raise QueryError(f"documents is the size of the collection, an int; got {documents!r}")
        merged: dict[str, int] = {}
        spelled: dict[str, dict[str, int]] = {}
        for pair in terms.items() if isinstance(terms, Mapping) else terms:
            term, df = pair if isinstance(pair, tuple) and len(pair) == 2 else (pair, None)
            if not isinstance(term, str) or isinstance(df, bool) or not isinstance(df, int) or df < 0:
                raise QueryError(
                    f"terms are words with document frequencies (str, int >= 0); got ({term!r}, {df!r})"
                )
            words = text.terms(term, segmentation.WHOLE)
            if len(words) == 1:
                word = words[0]
                merged[word] = merged.get(word, 0) + df
                forms = spelled.setdefault(word, {})
                forms[term] = forms.get(term, 0) + df
        spellings = {word: forms for word, forms in spelled.items() if list(forms) != [word]}
        channels = _channels(languages)
        heard = sounds.forms(merged, [channel.sounds for channel in channels])
        return cls(Lexicon.from_terms(merged, documents, forms=heard), channels, spellings)

    def expand(self, query: str | Sequence[Token], n: int = READINGS) -> Expansion:
        """Readings for every position of a query, at most `n` each; a native word stands as it is.

        A position whose token nothing in the lexicon could mean has no readings.
        """
        _check_count("readings", n)
        return Expansion(
            tuple(
                Position(position.token, self._spelled(self._in_latin_too(position))[:n])
                for position in self._positions(query, max(n, READINGS))
            )
        )

    def _positions(self, query: str | Sequence[Token], n: int) -> list[Position]:
        """Positions whose readings are terms of the lexicon."""
        if not isinstance(query, str | list | tuple):
            raise QueryError(f"a query is a str, or the list of its tokens; got {query!r}")
        tokens = text.tokenize(query, self._segmenter) if isinstance(query, str) else query
        latin = _latin(tokens)
        languages = self._speaking(latin)
        weights = {token: self._found(token, languages, n) for token in latin}
        if isinstance(query, str):
            unexplained = any(self._unexplained(token, weights[token]) for token in _telling(latin))
            if typed := self._keyboards.read(query, tokens, unexplained):
                return self._retyped(query, tokens, typed, weights, n)
        return self._read(*self._recut(tokens, weights, n), n)

    def _recut(
        self, tokens: Sequence[Token], weights: Mapping[str, _Weights], n: int
    ) -> tuple[Sequence[Token], Mapping[str, _Weights]]:
        """The tokens, cut and joined where that explains them better, and what they may mean."""
        languages = [at for at in next(iter(weights.values()), ()) if at < len(self._decoders)]
        if not languages:
            return tokens, weights
        tokens = boundaries.recut(tokens, _Reader(self, _likeliest(weights, languages), weights))
        nothing: _Weights = {at: [] for at in next(iter(weights.values()))}
        new = [token for token in _latin(tokens) if token not in weights]
        return tokens, {**weights, **{each: {**nothing, **self._found(each, languages, n)} for each in new}}

    @cached_property
    def _attached(self) -> list[dict[str, str]]:
        """Latin spellings, by decoder, of what these documents attach to the next word, with what they attach
        more often.
        """
        return [boundaries.attached(channel.typing.attached, self.lexicon) for channel in self.channels]

    @cached_property
    def _total(self) -> float:
        """The log of the weight of all terms, before anything is typed."""
        return math.log(max(1.0, float((np.maximum(self.lexicon.df, 1.0) ** PRIOR).sum())))

    def _read(self, tokens: Sequence[Token], weights: Mapping[str, _Weights], n: int) -> list[Position]:
        """Every token with its readings, by what speaks for its terms."""
        everything = {token: weights[token] for token in _latin(tokens)}
        meant = {
            token: self._readings(token, weights[token], _beliefs(others), n)
            for token, others in _others(everything).items()
        }
        return self._placed(tokens, meant)

    def _placed(self, tokens: Sequence[Token], meant: Mapping[str, tuple[Reading, ...]]) -> list[Position]:
        return [
            Position(token, meant[token.text] if token.text in meant else self._as_typed(token))
            for token in tokens
        ]

    def _retyped(
        self,
        query: str,
        tokens: Sequence[Token],
        typed: Sequence[Typed],
        weights: Mapping[str, _Weights],
        n: int,
    ) -> list[Position]:
        """`_read`, where other keyboard layouts give terms that the query may mean."""
        tokens, terms = self._joined(query, tokens, typed, weights)
        languages = list(dict.fromkeys(at for found in weights.values() for at in found))
        layouts = {at for found in terms.values() for at in found}
        everything: Mapping[str, _Weights] = {
            token: {
                **weights.get(token, {at: [] for at in languages}),
                **{at: terms.get(token, {}).get(at, []) for at in layouts},
            }
            for token in dict.fromkeys(token.text for token in tokens)
            if token in weights or token in terms
        }
        tokens, everything = self._recut(tokens, everything, n)
        meant = {}
        for token, others in _others(everything).items():
            beliefs = _beliefs({at: others[at] for at in languages})
            best = max((others[at] for at in languages), default=0.0)
            for at in terms.get(token, ()):
                odds = math.exp(min(0.0, LOG_WRONG + max(others[at] - best, math.log(MIXED))))
                beliefs[at] = odds
            found = {at: everything[token][at] for at in beliefs}
            meant[token] = self._readings(token, found, beliefs, n)
        return self._placed(tokens, meant)

    def _joined(
        self,
        query: str,
        tokens: Sequence[Token],
        typed: Sequence[Typed],
        weights: Mapping[str, _Weights],
    ) -> tuple[list[Token], Mapping[str, _Weights]]:
        """The tokens, those joined whose keys are one word's, and the terms that layouts give for each."""
        wide = self._surplus(query, tokens, typed, weights)
        joined: dict[int, Typed] = {}
        taken: set[int] = set()
        for each in sorted(wide, key=lambda each: -wide[each]):
            if wide[each] > 0 and taken.isdisjoint(range(each.first, each.last)):
                joined[each.first] = each
                taken.update(range(each.first, each.last))
        result: list[Token] = []
        terms: dict[str, dict[int, list[tuple[int, float]]]] = {}
        for at, token in enumerate(tokens):
            if at in joined:
                parts = [(start, end) for start, end, _ in joined[at].terms]
                result += [Token(query[start:end].lower(), start, end, token.script) for start, end in parts]
            elif at not in taken:
                result.append(token)
        places = {(token.start, token.end): token.text for token in result}
        for each in typed:
            for start, end, term in each.terms:
                if (start, end) in places:
                    meant = terms.setdefault(places[start, end], {})
                    meant[len(self._decoders) + each.layout] = [(term, self._power(term))]
        return result, terms

    def _surplus(
        self,
        query: str,
        tokens: Sequence[Token],
        typed: Sequence[Typed],
        weights: Mapping[str, _Weights],
    ) -> dict[Typed, float]:
        """How much more, as a log, speaks for what joins tokens on another layout than for these."""
        apart = [
            math.log(_outside(token.text) + self._explained(token.text, weights.get(token.text, {})))
            for token in tokens
        ]
        surplus = {}
        for each in typed:
            if each.recuts(tokens):
                begin, end = tokens[each.first].start, tokens[each.last - 1].end
                never = NEVER_BEFORE.search(query[each.start : begin]) or NEVER_WITHIN.search(
                    query[begin:end]
                )
                elsewhere = OTHERS * self._elsewhere(each, tokens, typed, apart)
                more = (each.last - each.first - len(each.terms)) * PRIOR * math.log(self.lexicon.documents)
                surplus[each] = (
                    min(0.0, (0.0 if never else LOG_WRONG) + max(elsewhere, math.log(MIXED)))
                    + math.fsum(math.log(self._power(term)) for _, _, term in each.terms)
                    + more  # a word more is a df ** PRIOR more
                    - math.fsum(apart[each.first : each.last])
                )
        return surplus

    def _elsewhere(
        self, each: Typed, tokens: Sequence[Token], typed: Sequence[Typed], apart: Sequence[float]
    ) -> float:
        """How much, as a log, the Latin tokens that nothing joins speak for that layout."""
        same = [other for other in typed if other.layout == each.layout]
        joined = {at for other in same if other.recuts(tokens) for at in range(other.first, other.last)}
        single = {other.first: self._power(other.terms[0][2]) for other in same}
        return math.fsum(
            math.log(_outside(token.text) + single.get(at, 0.0)) - apart[at]
            for at, token in enumerate(tokens)
            if token.script == "Latn" and at not in joined
        )

    def _explained(self, token: str, found: _Weights) -> float:
        """How much speaks for any term, in the Latin letters or native script that were typed."""
        term = self.lexicon.find(token)
        itself = 0.0 if term is None else self._own(token, term)
        return itself + math.fsum(weight for terms in found.values() for _, weight in terms)

    def _unexplained(self, token: str, found: _Weights) -> bool:
        return self._explained(token, found) < EXPLAINED * _outside(token)

    def _power(self, term: int) -> float:
        return float(max(1.0, float(self.lexicon.df[term])) ** PRIOR)

    def likelihoods(self, token: str, language: str, n: int = READINGS) -> list[tuple[int, float]]:
        """Terms by number, at most `n`, with P(token | term) as the language's channel has it."""
        terms, likelihoods = self._decoders[self._codes.index(language)].likelihoods(token, n)
        return list(zip(terms.tolist(), likelihoods.tolist(), strict=True))

    def _as_typed(self, token: Token) -> tuple[Reading, ...]:
        itself = self.lexicon.find(token.text)
        names = [channel.sounds for channel in self.channels if channel.sounds]
        if names and (alike := self._alike(token.text, names) - {itself}):
            return self._shared(alike if itself is None else {itself, *alike})
        return self._sounding(token) if itself is None else (Reading(token.text, 1.0),)

    def _alike(self, term: str, names: Sequence[str]) -> set[int]:
        """The terms that are the same word, written in another way."""
        folds = {term, *sounds.written(names, term)}
        return {other for fold in folds for other in self.lexicon.alike(fold)}

    def _in_one_way(self, term: str) -> str:
        """A term as it is in the first of its ways of writing."""
        return next(iter(sounds.written([channel.sounds for channel in self.channels], term)), term)

    def _shared(self, terms: Iterable[int]) -> tuple[Reading, ...]:
        """Terms that are one word: each weighs as if typed, and is so likely as it is frequent."""
        df = {term: max(1, int(self.lexicon.df[term])) for term in terms}
        total = sum(df.values())
        shared = sorted(df, key=lambda term: (-df[term], term))
        return tuple(Reading(self.lexicon[term], df[term] / total) for term in shared)

    @cached_property
    def _writers(self) -> list[Writer]:
        """Of the languages that some documents are in, written in Latin letters."""
        powers = _df_powers(self.lexicon)
        return [
            Writer(channel, self.lexicon, powers)
            for channel in self.channels
            if is_written(channel, self.lexicon)
        ]

    def _in_latin_too(self, position: Position) -> tuple[Reading, ...]:
        """The readings, and those that a native word has among documents in Latin letters.

        The word itself weighs 1 all the same; what it may be in Latin letters weighs as if these were all.
        """
        native, readings = position.token, position.readings
        if native.script in ("Latn", "Zyyy") or (readings and readings[0].language) or not self._writers:
            return readings
        weights: dict[int, tuple[float, str]] = {}
        for writer in self._writers:
            for found, likelihood in writer.terms(native.text, READINGS):
                speaks = (likelihood**SHARPNESS * self._power(found), writer.channel.language)
                weights[found] = max(speaks, weights.get(found, speaks))
        written = _outside(native.text) + math.fsum(speaks for speaks, _ in weights.values())
        terms = (self.lexicon.find(reading.term) for reading in readings)
        own = math.fsum(self._power(term) for term in terms if term is not None)
        latin = [
            Reading(
                self.lexicon[each],
                much / (own + written),
                language,
                weight(much / written, int(self.lexicon.df[each]), self.lexicon.documents),
            )
            for each, (much, language) in weights.items()
            if much >= LEAST_PROBABILITY * written
        ]
        left = own / (own + written)
        itself = [replace(reading, probability=reading.probability * left) for reading in readings]
        return tuple(sorted([*itself, *latin], key=lambda reading: (-reading.probability, reading.term)))

    def _sounding(self, token: Token) -> tuple[Reading, ...]:
        """What sounds like a native word outside the lexicon, where one of them is spelled by sound: 大阪 for
        おおさか and the reverse, but not 橋 for 箸.
        """
        for channel in (each for each in self.channels if each.sounds):
            weights: dict[int, float] = {}
            for form, share in forms_of(channel, token.text):
                node = self.lexicon.node(form)
                for term, of_term in self.lexicon.named(-1 if node is None else int(self.lexicon.term[node])):
                    if not token.script == text.script_of(self.lexicon[term]) == "Hani":
                        weights[term] = weights.get(term, 0.0) + share * of_term * self._power(term)
            if weights:
                total = math.fsum(weights.values())
                best = heapq.nsmallest(READINGS, weights.items(), key=lambda item: (-item[1], item[0]))
                readings = (self._reading(term, part / total, channel.language) for term, part in best)
                return _never_silent(tuple(readings))
        return ()

    def _found(self, token: str, languages: Sequence[int], n: int) -> dict[int, list[tuple[int, float]]]:
        """Terms with their weights, by language; the likeliest language's spare the others work."""
        found = self._searched(token, languages, n, BUDGET, NOISE)
        explained = math.fsum(weight for terms in found.values() for _, weight in terms) >= _outside(token)
        if not explained and len(token) >= SLIP_LENGTH:
            return self._searched(token, languages, n, SLIP_BUDGET, SLIP)
        return found

    def _searched(
        self, token: str, languages: Sequence[int], n: int, budget: int, noise: float
    ) -> dict[int, list[tuple[int, float]]]:
        found: dict[int, list[tuple[int, float]]] = {}
        least = LEAST_SHARE * _outside(token)
        for at in languages:
            found[at] = self._decoders[at].terms(token, n, budget, least, noise)
            least = max([least, *(LEAST_SHARE * weight for _, weight in found[at])])
        return found

    def _spelled(self, readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
        """The readings under the names their terms have outside."""
        if not self._spellings:
            return readings
        named = []
        for reading in readings:
            forms = self._spellings.get(reading.term, {reading.term: 1})
            total = sum(max(1, df) for df in forms.values())
            for form, df in sorted(forms.items(), key=lambda item: (-item[1], item[0])):
                named.append(
                    replace(reading, term=form, probability=reading.probability * max(1, df) / total)
                )
        return tuple(sorted(named, key=lambda reading: (-reading.probability, reading.term)))

    def _speaking(self, latin: Sequence[str]) -> list[int]:
        """The languages, by decoder, that Latin tokens may be in, likeliest first.

        Letter trigrams name some; a narrow search for the longest tokens tells which.
        """
        if len(self._decoders) < 2 or not latin:
            return list(range(len(self._decoders)))
        costs = sum(self._trigrams[:, trigram_codes(token)].sum(1, dtype=np.int64) for token in latin)
        points = (-math.log(2) / QUANTUM * TRIGRAMS * costs).tolist()
        telling = _telling(latin)
        plausible = sorted(range(len(points)), key=lambda at: -points[at])[: LOOKS // len(telling)]
        glances = {token: {at: self._decoders[at].glance(token) for at in plausible} for token in telling}
        for at in plausible:
            points[at] += math.fsum(math.log(glance[at]) for glance in glances.values())
        likeliest = sorted(plausible, key=lambda at: -points[at])[:MAX_LANGUAGES]
        spoken = [at for at in likeliest if points[at] > points[likeliest[0]] + math.log(LEAST_BELIEF)]
        # A single word may be of another language than the rest.
        alone = {max(plausible, key=lambda at: glance[at]) for glance in glances.values()}
        return spoken + sorted(alone - set(spoken))

    def _readings(
        self, token: str, found: _Weights, beliefs: Mapping[int, float], n: int
    ) -> tuple[Reading, ...]:
        """The likeliest of what the languages found, of the token itself, and of no term at all."""
        weights: dict[tuple[int, str | None], float] = {}
        total = _outside(token)
        itself = self.lexicon.find(token)
        if itself is not None:
            weights[itself, None] = self._own(token, itself)
        for at, terms in found.items():
            for term, weight_ in terms:
                key = (term, self._codes[at % len(self._codes)])  # of a channel, or of a layout
                weights[key] = weights.get(key, 0.0) + beliefs[at] * weight_
        total += math.fsum(weights.values())
        meant: dict[int, tuple[float, str | None]] = {}
        for (term, language), part in sorted(
            weights.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or "")
        ):
            # The same term, read by two languages, counts for both and is the likelier one's.
            first, spoken = meant.get(term, (0.0, language))
            probability = part / total + first
            if probability < LEAST_PROBABILITY:
                break
            meant[term] = (probability, spoken)
        best = sorted(meant, key=lambda term: (-meant[term][0], term))[:n]
        return _never_silent(tuple(self._reading(term, *meant[term]) for term in best))

    def _reading(self, term: int, probability: float, language: str | None) -> Reading:
        boost = weight(probability, int(self.lexicon.df[term]), self.lexicon.documents)
        return Reading(self.lexicon[term], probability, language, boost)

    def complete(
        self, prefix: str, n: int = 10, context: Callable[[Sequence[Position]], _Beside | None] | None = None
    ) -> list[Completion]:
        """The `n` likeliest terms that begin with a query's last word, in Latin letters or native ones.

        `context` gives, for the words before, what tells how frequent terms are beside these (see
        `scriptbridge.context`), or None; then, and without it, terms are as likely as they are frequent.
        """
        _check_count("completions", n)
        if not isinstance(prefix, str):
            raise QueryError(f"what is being typed is a str; got {prefix!r}")
        tokens = text.tokenize(prefix, self._segmenter)
        if not tokens or prefix[-1].isspace():  # what ends with a space is typed to its end
            return []
        typed, before = tokens[-1], tokens[:-1][-BEFORE:]
        beside = context(self.expand(before).positions) if context and before else None
        nodes = max(n, READINGS) if beside is None else WIDE
        most = max(n, COMPLETIONS if beside is None else IN_CONTEXT)
        latin = [token.text for token in tokens if token.script == "Latn"]
        weights: dict[int, tuple[float, str | None]] = {}
        begun = np.array(self.lexicon.nodes(typed.text), np.int32)
        for term, _ in self._below(begun, np.ones(len(begun)), most):
            weights[term] = (self._own(typed.text, term), None)
        for at in self._speaking(latin) if typed.script == "Latn" else ():
            decoder = self._decoders[at]
            for term, likelihood in self._below(*decoder.read(typed.text, nodes, prefix=True), most):
                weight = decoder.weight(term, likelihood)
                if weight > weights.get(term, (0.0, None))[0]:
                    weights[term] = (weight, decoder.channel.language)
        said = math.fsum(weight for weight, _ in weights.values())
        if typed.script == "Latn" and said < EXPLAINED * _outside(typed.text):
            weights |= self._begun_elsewhere(prefix, most)
        counts: dict[int, int] = {}
        if beside is not None:
            weights, counts = self._in_context(weights, beside, most)
        total = _outside(typed.text) + math.fsum(weight for weight, _ in weights.values())
        best = heapq.nsmallest(
            n, weights.items(), key=lambda item: (-item[1][0], -self.lexicon.df[item[0]], item[0])
        )
        return [
            Completion(
                self._name(self.lexicon[term]),
                weight / total,
                int(self.lexicon.df[term]),
                language,
                counts.get(term),
            )
            for term, (weight, language) in best
            if language is None or weight >= LEAST_COMPLETION * total
        ]

    def _begun_elsewhere(self, prefix: str, most: int) -> dict[int, tuple[float, str | None]]:
        """Terms that the keys of the word being typed begin on other layouts."""
        found: dict[int, tuple[float, str | None]] = {}
        for layout, word in self._keyboards.begun(prefix):
            nodes = np.array(self.lexicon.nodes(word), np.int32)
            for term, _ in self._below(nodes, np.ones(len(nodes)), most):
                found[term] = (WRONG_LAYOUT**SHARPNESS * self._power(term), self._codes[layout])
        return found

    def _in_context(
        self,
        weights: Mapping[int, tuple[float, str | None]],
        beside: _Beside,
        most: int,
    ) -> tuple[dict[int, tuple[float, str | None]], dict[int, int]]:
        """The likeliest terms, weighed by how frequent they are beside other words, and how many documents
        hold each with these.
        """
        likeliest = heapq.nlargest(most, weights, key=lambda term: (weights[term][0], -term))
        found = beside({self.lexicon[term]: int(self.lexicon.df[term]) for term in likeliest})
        weighed, counts = {}, {}
        for term, each in zip(likeliest, found, strict=True):
            weight, language = weights[term]
            weighed[term] = (weight * (each.frequency / max(1, self.lexicon.df[term])) ** PRIOR, language)
            counts[term] = each.documents
        return weighed, counts

    def _own(self, typed: str, term: int) -> float:
        """How much speaks for a term that is, or begins with, what was typed."""
        return float(
            OWN ** (SHARPNESS * min(len(typed), LONG)) * max(1.0, float(self.lexicon.df[term])) ** PRIOR
        )

    def _name(self, term: str) -> str:
        forms = self._spellings.get(term)
        return min(forms, key=lambda form: (-forms[form], form)) if forms else self.lexicon.usual(term)

    def _written(self, term: str, position: Position, typed: str) -> str:
        """A reading as it stands in a query; the token itself stands as it was typed."""
        itself = term == position.token.text and term not in self._spellings
        return typed if itself else self._name(term)

    def _run_on(self, position: Position) -> bool:
        """Whether a space is missing before a word that touches another: Latin, of a language with spaces."""
        unspaced = {code for code, spaced in zip(self._codes, self._spaced, strict=True) if not spaced}
        read = position.readings[0].language if position.readings else None
        return position.token.script in ("Latn", "Zyyy") and read not in unspaced

    def _below(
        self, nodes: NDArray[np.int32], likelihoods: NDArray[np.float64], most: int
    ) -> list[tuple[int, float]]:
        """The terms of the likeliest entries at and below nodes, at most so many, with P(token | term), given
        P(token | node).
        """
        lexicon = self.lexicon
        arrays = (lexicon.label, lexicon.first, lexicon.term, lexicon.top, *self._powers)
        entries, of = kernels.heaviest(nodes, likelihoods, most, *arrays)
        return [
            (term, share * likelihood)
            for entry, likelihood in zip(entries.tolist(), likelihoods[of].tolist(), strict=True)
            for term, share in lexicon.named(entry)
        ]

    @cached_property
    def _powers(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """df ** (PRIOR / SHARPNESS) of the entries, and of the largest frequency of each rank."""
        largest = np.maximum(1.0, np.ceil(np.exp2(np.arange(1, 257) / 8)) - 1)
        return _df_powers(self.lexicon)[0], largest ** (PRIOR / SHARPNESS)

    def deromanize(
        self, query: str, n: int = 1, diverse: bool = False, support: Mapping[str, float] | None = None
    ) -> list[Deromanization]:
        """The `n` likeliest native forms of a whole query; what has no reading stands as it was typed.

        Where they are to be `diverse`, words that look like spellings or inflections of one (see `diversity`)
        get one place, the likeliest's: forms then differ in meaning. `support` is what documents say of terms
        (see `feedback`); `Index.deromanize` asks its own.
        """
        _check_count("alternatives", n)
        if not isinstance(query, str):
            raise QueryError(f"a query is a str; got {query!r}")
        positions = self._positions(query, READINGS)
        if support:
            positions = [feedback.reweighted(position, support) for position in positions]
        beam: list[tuple[float, tuple[str, ...]]] = [(0.0, ())]
        for position in positions:
            typed = query[position.token.start : position.token.end]
            choices = _or_itself(position)
            if diverse:
                choices = distinct(choices, self._in_one_way)
            readings = [
                (-math.log(max(reading.probability, 1e-300)), self._written(reading.term, position, typed))
                for reading in choices[:n]
            ]
            beam = heapq.nsmallest(
                n, [(cost + more, (*words, word)) for cost, words in beam for more, word in readings]
            )
        alternatives = []
        for cost, words in beam:
            at, parts = 0, []
            for position, word in zip(positions, words, strict=True):
                if position.token.start >= at:  # several words of one character share its place
                    space = " " if position.token.start == at > 0 and self._run_on(position) else ""
                    parts += [query[at : position.token.start] or space, word]
                    at = position.token.end
            alternatives.append(Deromanization("".join([*parts, query[at:]]), math.exp(-cost)))
        return alternatives
