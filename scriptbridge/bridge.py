"""From Latin tokens to the words of a lexicon: expansion, deromanization and completion of queries."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from . import (
    boundaries,
    completion,
    decoding,
    feedback,
    identification,
    retyping,
    segmentation,
    sounds,
    text,
    unread,
    weights,
)
from .channel import Channel
from .decoding import Decoder
from .diversity import distinct
from .errors import LanguageError, MissingExtraError, QueryError
from .keyboards import Keyboards, Layout, Typed
from .lexicon import Lexicon
from .rereading import Rereader
from .types import Completion, Deromanization, Expansion, Position, Reading, Token
from .variants import Variants
from .weights import LEAST_PROBABILITY, NOTHING, Found

__all__ = ["Bridge"]

READINGS = 10  # readings a token ...
SEVERAL = 2  # ... and so many times as many where several languages read it
ITSELF = 0.25  # of the probability left: a word outside the lexicon is seldom worth leaving in Latin


def _check_count(what: str, n: object) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise QueryError(f"n is how many {what} are wanted, at least 1; got {n!r}")


def _latin(tokens: Iterable[Token]) -> list[str]:
    """The Latin tokens, each once."""
    return list(dict.fromkeys(token.text for token in tokens if token.script == "Latn"))


def _followed(steps: Sequence[Sequence[tuple[int, str]]], at: int) -> tuple[str, ...]:
    """The words that lead to the last step's `at`; each step has the place in the one before, and a word."""
    words = []
    for step in reversed(steps):
        at, word = step[at]
        words.append(word)
    return tuple(reversed(words))


def _or_itself(position: Position) -> list[Reading]:
    """The readings, and the token as it was typed with what probability they leave, likeliest first."""
    if any(text.normalize(reading.term) == position.token.text for reading in position.readings):
        return list(position.readings)
    left = 1.0 - math.fsum(reading.probability for reading in position.readings)
    left *= ITSELF if position.readings else 1.0
    itself = Reading(position.token.text, max(left, 1e-9))
    return sorted([*position.readings, itself], key=lambda reading: -reading.probability)


def _plausible(position: Position) -> Position:
    """The position; of a token too long to be a word (a million accents), only itself is a reading."""
    if position.token.end - position.token.start <= text.MAX_LENGTH:
        return position
    return Position(position.token, tuple(r for r in position.readings if r.term == position.token.text))


def _writes(channel: Channel, term: str) -> bool:
    try:
        forms = channel.forms(term)
    except MissingExtraError:
        return False
    return bool(forms) and channel.letter_ids.keys() >= {*forms[0][0]}


def _channels(languages: Sequence[str | Channel]) -> tuple[Channel, ...]:
    several = isinstance(languages, Iterable) and not isinstance(languages, str)
    each: Iterable[Any] = languages if several else [languages]
    channels = tuple(one if isinstance(one, Channel) else Channel.load(one) for one in each)
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
        powers = weights.powers(lexicon)
        self._decoders = [Decoder(channel, lexicon, powers) for channel in self.channels]
        self._identifier = identification.Identifier(self._decoders)
        # What gives terms has a number: a channel that of its decoder, and then a keyboard layout.
        layouts = [
            Layout(channel.language, keyboard, channel.typing.spaced)
            for channel in self.channels
            for keyboard in channel.typing.all_keyboards
        ]
        self._codes = [*(each.language for each in self.channels), *(each.language for each in layouts)]
        self._keyboards = Keyboards(lexicon, layouts, segmenter, first=len(self.channels))
        self._completer = completion.Completer(lexicon, self._keyboards, self._codes)
        self._variants = Variants(lexicon, self.channels)

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
        if documents is not None and (
            isinstance(documents, bool) or not isinstance(documents, int) or documents < 0
        ):
            raise QueryError(f"documents is the size of the collection, an int >= 0; got {documents!r}")
        merged: dict[str, int] = {}
        spelled: dict[str, dict[str, int]] = {}
        if not isinstance(terms, Iterable):
            raise QueryError(f"terms are words with document frequencies (str, int >= 0); got {terms!r}")
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
        spoken = {channel.language: channel.sounds for channel in channels}
        unread.warn(unread.needs(spoken, segmentation.WHOLE), stacklevel=2)
        heard = sounds.forms(merged, spoken.values())
        return cls(Lexicon.from_terms(merged, documents, forms=heard), channels, spellings)

    def expand(self, query: str | Sequence[Token], n: int | None = None) -> Expansion:
        """Readings for every position of a query, at most `n` each, or as many as a search has; a native word
        stands as it is.

        A position whose token nothing in the lexicon could mean has no readings.
        """
        if n is not None:
            _check_count("readings", n)
        return self.expanded(self.read(query, max(n or 0, READINGS)), n)

    def expanded(self, positions: Sequence[Position], n: int | None = None) -> Expansion:
        """`expand` for a query that was read."""
        return Expansion(
            tuple(
                Position(position.token, self._spelled(self._variants.in_latin_too(position))[:n])
                for position in positions
            )
        )

    def read(self, query: str | Sequence[Token], n: int = READINGS) -> list[Position]:
        """What `expanded` and `deromanized` go on with: positions whose readings are terms of the lexicon."""
        tokenized = isinstance(query, list | tuple) and all(
            isinstance(each, Token) and each.text for each in query
        )
        if not tokenized and not isinstance(query, str):
            raise QueryError(f"a query is a str, or the list of its tokens; got {query!r}")
        tokens = text.tokenize(query, self._segmenter) if isinstance(query, str) else query
        latin = _latin(tokens)
        languages = self._identifier.speaking(latin)
        found = {token: self._decoded(token, languages, n) for token in latin}
        if isinstance(query, str):
            telling = identification.telling(latin)
            unexplained = any(retyping.unexplained(self.lexicon, token, found[token]) for token in telling)
            if typed := self._keyboards.read(query, tokens, unexplained):
                return self._retyped(query, tokens, typed, found, n)
        return self._read(*self._recut(query if isinstance(query, str) else "", tokens, found, n), n)

    @property
    def idle(self) -> list[str]:
        """The languages whose channels have no letter that a term of the lexicon, or a form, begins with."""
        return [decoder.channel.language for decoder in self._decoders if not len(decoder.trie.roots)]

    def writers(self, term: str) -> list[str]:
        """The languages whose letters a term, or its likeliest form, consists of."""
        return [channel.language for channel in self.channels if _writes(channel, term)]

    def _decoded(self, token: str, languages: Sequence[int], n: int) -> Found:
        return decoding.decode(self._decoders, languages, token, n)

    def _recut(
        self, query: str, tokens: Sequence[Token], found: Mapping[str, Found], n: int
    ) -> tuple[Sequence[Token], Mapping[str, Found]]:
        """The tokens, cut and joined where that explains them better, and what they may mean."""
        sources = list(next(iter(found.values()), ()))
        languages = [at for at in sources if at < len(self._decoders)]
        if not languages:
            return tokens, found
        language = identification.likeliest(found, languages)
        known = {
            token: max(weights.itself(self.lexicon, token), self._best(terms))
            for token, terms in found.items()
        }
        reader = boundaries.ChannelReader(
            self._decoders[language], self._attached[language], self._total, self._most, known, query
        )
        tokens = boundaries.recut(tokens, reader)
        nothing: Found = dict.fromkeys(sources, NOTHING)
        new = [token for token in _latin(tokens) if token not in found]
        return tokens, {**found, **{each: {**nothing, **self._decoded(each, languages, n)} for each in new}}

    def _best(self, found: Found) -> float:
        """The weight of the best term; those of another keyboard layout are less likely, of another language
        as likely.
        """
        return max(
            (terms.best if at < len(self._decoders) else retyping.WRONG * terms.best)
            for at, terms in found.items()
        )

    @cached_property
    def _attached(self) -> list[dict[str, str]]:
        """Latin spellings, by decoder, of what these documents attach to the next word, with what they attach
        more often.
        """
        return [boundaries.attached(channel.typing.attached, self.lexicon) for channel in self.channels]

    @cached_property
    def _total(self) -> float:
        return weights.total(self.lexicon)

    @cached_property
    def _most(self) -> float:
        return weights.most(self.lexicon)

    def _read(self, tokens: Sequence[Token], found: Mapping[str, Found], n: int) -> list[Position]:
        """Every token with its readings, by what speaks for its terms."""
        everything = {token: found[token] for token in _latin(tokens)}
        shares = self._shares(everything)
        meant = {
            token: self._readings(token, found[token], identification.beliefs(others), shares, n)
            for token, others in identification.others(everything).items()
        }
        return self._placed(tokens, meant)

    def _shares(self, found: Mapping[str, Found]) -> dict[int, float]:
        """`identification.shares` of the languages, without keyboard layouts."""
        sources: Found = next(iter(found.values()), {})
        return identification.shares(found, [at for at in sources if at < len(self._decoders)])

    def _placed(self, tokens: Sequence[Token], meant: Mapping[str, tuple[Reading, ...]]) -> list[Position]:
        return [
            _plausible(
                Position(token, meant[token.text] if token.text in meant else self._variants.readings(token))
            )
            for token in tokens
        ]

    def _retyped(
        self,
        query: str,
        tokens: Sequence[Token],
        typed: Sequence[Typed],
        found: Mapping[str, Found],
        n: int,
    ) -> list[Position]:
        """`_read`, where other keyboard layouts give terms that the query may mean."""
        languages = list(dict.fromkeys(at for each in found.values() for at in each))
        tokens, elsewhere = retyping.joined(self.lexicon, query, tokens, typed, found)
        tokens, everything = self._recut(query, tokens, retyping.merged(tokens, found, elsewhere), n)
        meant = {}
        shares = self._shares(everything)
        for token, others in identification.others(everything).items():
            beliefs = retyping.beliefs(others, languages, elsewhere.get(token, ()))
            believed = {at: everything[token][at] for at in beliefs}
            meant[token] = self._readings(token, believed, beliefs, shares, n)
        return self._placed(tokens, meant)

    def likelihoods(self, token: str, language: str, n: int = READINGS) -> list[tuple[int, float]]:
        """Terms by number, at most `n`, with P(token | term) as the language's channel has it.

        LanguageError where none of the channels is that language's.
        """
        _check_count("terms", n)
        if language not in self._codes[: len(self.channels)]:
            raise LanguageError(
                f"{language!r}: this bridge reads {', '.join(self._codes[: len(self.channels)])}"
            )
        terms, likelihoods = self._decoders[self._codes.index(language)].likelihoods(token, n)
        return list(zip(terms.tolist(), likelihoods.tolist(), strict=True))

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

    def _readings(
        self, token: str, found: Found, beliefs: Mapping[int, float], shares: Mapping[int, float], n: int
    ) -> tuple[Reading, ...]:
        """The likeliest of what the languages found, of the token itself, and of no term at all.

        Where there are several languages, a reading weighs what it does in a document that is in one of them
        alone (see `identification.shares`), if that is more.
        """
        parts: dict[tuple[int, str | None], float] = {}
        total = weights.outside(token)
        itself = self.lexicon.find(token)
        if itself is not None:
            parts[itself, None] = weights.own(self.lexicon, token, itself)
            total += parts[itself, None]
        unspoken = total
        for at, terms in found.items():
            total += beliefs[at] * terms.total
            unspoken += 0.0 if at in shares else beliefs[at] * terms.total
            for term, weight in terms.each:
                key = (term, self._codes[at])
                parts[key] = parts.get(key, 0.0) + beliefs[at] * weight
        meant: dict[int, tuple[float, str | None]] = {}
        for (term, language), part in sorted(
            parts.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or "")
        ):
            # The same term, read by two languages, counts for both and is the likelier one's.
            first, spoken = meant.get(term, (0.0, language))
            meant[term] = (part / total + first, spoken)
        sought = {term: probability for term, (probability, _) in meant.items()}
        if len(shares) > 1:
            n *= SEVERAL
            within = {at: share / (unspoken + found[at].total) for at, share in shares.items()}
            if itself is not None:
                sought[itself] = max(sought[itself], parts[itself, None] * max(within.values()))
            for at, share in within.items():
                for term, weight in found[at].each:
                    sought[term] = max(sought[term], weight * share)
        likely = [term for term, probability in sought.items() if probability >= LEAST_PROBABILITY]
        best = sorted(likely, key=lambda term: (-sought[term], term))[:n]
        return weights.never_silent(
            weights.reading(self.lexicon, term, *meant[term], sought[term])
            for term in sorted(best, key=lambda term: (-meant[term][0], term))
        )

    def complete(
        self,
        prefix: str,
        n: int = 10,
        context: Callable[[Sequence[Position]], completion.CountBeside | None] | None = None,
    ) -> list[Completion]:
        """The `n` likeliest terms that begin with a query's last word, in Latin letters or native ones.

        After a space nothing is being typed: there are none then.

        `context` gives, for the words before, what tells how frequent terms are beside these (see
        `scriptbridge.context`), or None; then, and without it, terms are as likely as they are frequent.
        """
        _check_count("completions", n)
        if not isinstance(prefix, str):
            raise QueryError(f"what is being typed is a str; got {prefix!r}")
        tokens = text.tokenize(prefix, self._segmenter)
        if not tokens or prefix[-1].isspace():  # what ends with a space is typed to its end
            return []
        if tokens[-1].end - tokens[-1].start > text.MAX_LENGTH:
            return []
        typed, before = tokens[-1], tokens[:-1][-completion.BEFORE :]
        beside = context(self.expand(before).positions) if context and before else None
        latin = _latin(tokens)
        languages = self._identifier.speaking(latin) if typed.script == "Latn" else ()
        decoders = [self._decoders[at] for at in languages]
        found = self._completer.complete(prefix, typed, decoders, n, beside)
        return [replace(each, term=self._name(each.term)) for each in found]

    def _name(self, term: str) -> str:
        forms = self._spellings.get(term)
        return min(forms, key=lambda form: (-forms[form], form)) if forms else self.lexicon.usual(term)

    def _written(self, term: str, position: Position, typed: str) -> str:
        """A reading as it stands in a query; the token itself stands as it was typed."""
        itself = term == position.token.text and term not in self._spellings
        return typed if itself else self._name(term)

    def _run_on(self, position: Position) -> bool:
        """Whether a space is missing before a word that touches another: Latin, of a language with spaces."""
        unspaced = {channel.language for channel in self.channels if not channel.typing.spaced}
        read = position.readings[0].language if position.readings else None
        return position.token.script in ("Latn", "Zyyy") and read not in unspaced

    def deromanize(
        self, query: str, n: int = 1, diverse: bool = False, documents: Sequence[Set[str]] = ()
    ) -> list[Deromanization]:
        """The `n` likeliest native forms of a whole query; what has no reading stands as it was typed.

        Where they are to be `diverse`, words that look like spellings or inflections of one (see `diversity`)
        get one place, the likeliest's: forms then differ in meaning. `documents` are those that the query's
        words find, the terms of each: they tell readings apart (see `feedback`). `Index.deromanize` asks its
        own.
        """
        if not isinstance(query, str):
            raise QueryError(f"a query is a str; got {query!r}")
        return self.deromanized(query, self.read(query), n, diverse, documents)

    def deromanized(
        self,
        query: str,
        positions: Sequence[Position],
        n: int = 1,
        diverse: bool = False,
        documents: Sequence[Set[str]] = (),
    ) -> list[Deromanization]:
        """`deromanize` for a query that was read."""
        _check_count("alternatives", n)
        if documents:
            positions = Rereader(self.channels, self.lexicon, positions, documents).positions()
        asking = feedback.asking(positions, documents, self.lexicon.share_of)
        costs: dict[tuple[str, ...], float] = {}  # -log P of a wording
        for probability, read in asking or [feedback.Asking(1.0, positions)]:
            for cost, words in self._worded(query, read, max(n, READINGS), diverse):
                more = cost - math.log(max(probability, 1e-300))
                costs[words] = -np.logaddexp(-costs.get(words, math.inf), -more)
        best = heapq.nsmallest(n, ((cost, words) for words, cost in costs.items()))
        return [
            Deromanization(self._in_place(query, positions, words), math.exp(-max(0.0, cost)))
            for cost, words in best
        ]

    def _worded(
        self, query: str, positions: Sequence[Position], n: int, diverse: bool
    ) -> list[tuple[float, tuple[str, ...]]]:
        """The `n` likeliest wordings, a word for each position, with -log P."""
        costs, steps = [0.0], []  # of the beam; which wording before each goes on, by what word
        for position in positions:
            typed = query[position.token.start : position.token.end]
            choices = _or_itself(position)
            if diverse:
                choices = distinct(choices, self._variants.in_one_way)
            readings = [
                (-math.log(max(reading.probability, 1e-300)), self._written(reading.term, position, typed))
                for reading in choices[:n]
            ]
            beam = heapq.nsmallest(
                n, [(cost + more, at, word) for at, cost in enumerate(costs) for more, word in readings]
            )
            costs = [cost for cost, _, _ in beam]
            steps.append([(at, word) for _, at, word in beam])
        return [(cost, _followed(steps, at)) for at, cost in enumerate(costs)]

    def _in_place(self, query: str, positions: Sequence[Position], words: Sequence[str]) -> str:
        """A query with these words in place of its tokens."""
        at, parts = 0, []
        for position, word in zip(positions, words, strict=True):
            if position.token.start >= at:  # several words of one character share its place
                space = " " if position.token.start == at > 0 and self._run_on(position) else ""
                parts += [query[at : position.token.start] or space, word]
                at = position.token.end
        return "".join([*parts, query[at:]])
