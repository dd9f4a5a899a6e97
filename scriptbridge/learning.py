"""Learning a channel without pairs: from what people typed, over the words that an index holds.

Expectation maximisation with the native word hidden. The E step reads every Latin token of a query over the
lexicon; the M step is `estimation`'s, its pairs weighted by how far each was meant. What a token means is
told by the query's other tokens, too: a query is taken to be about one of the documents it finds, or about
none, so that a word counts more where a document holds it beside what the others may mean (Berger and
Lafferty's "Information retrieval as statistical translation", 1999, with a hidden document).

    P(query | d) = Π over tokens t of Σ over terms w of P(t | w) · P(w | d)
    P(w | d)     = λ · tf(w, d) / |d| + (1 - λ) · df(w) ** PRIOR / Σ df ** PRIOR        no document: λ = 0

A token may also be a Latin term of the collection, or mean no term at all; from these nothing is learned.
"""

from __future__ import annotations

import hashlib
import heapq
import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import files, languages, text
from .bridge import READINGS, Bridge
from .channel import Channel
from .documents import FORMATS, read_queries
from .errors import ChannelError, DocumentError, LanguageError
from .estimation import Change, changes
from .index import Index
from .lexicon import Lexicon
from .types import Token
from .weights import LONG, OUTSIDE, OWN, PRIOR

__all__ = ["QueryLesson", "language_of", "learn_from_queries", "read_log"]

ROUNDS = 3
DOCUMENTS = 5  # that a query may be about
ABOUT = 0.5  # probability that it is about one of them
HELD_TERMS = 0.5  # λ: of a document's words, how many are its own
LEAST_MEANT = 0.02  # probability of a term that is learned from
HELD_OUT = 0.1  # of the queries
ENOUGH_QUERIES = 20  # to hold some of them out
MOST_QUERIES = 10_000  # that are learned from
MOST_TOKENS = 64  # of a query
MOST_CHARACTERS = 4096  # of a line of a log

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class QueryLesson:
    """A channel learned from queries, and what it is worth on those held out.

    `before` and `after` are the mean log P(token), natural, over the index's terms, of the Latin tokens held
    out, with the channel started from and the one learned; None where there were too few queries to hold any
    out. `meant` is how many tokens were read as words of the language, in expectation.
    """

    channel: Channel
    queries: int
    held_out: int
    tokens: int
    meant: float
    before: float | None
    after: float | None
    changes: tuple[Change, ...]

    @property
    def worse(self) -> bool:
        """Whether the queries held out are less likely than they were."""
        return self.before is not None and self.after is not None and self.after < self.before


def learn_from_queries(
    queries: Iterable[str],
    index: Index,
    lang: str | languages.Language | None = None,
    start: Channel | None = None,
    sources: Iterable[str] = (),
    seed: int = 0,
) -> QueryLesson:
    """Learn how people write a language from their Latin queries alone, over an index's terms and documents.

    `lang` is one of the index's languages, which may be left out where there is but one, or a language of
    one's own. `start` is the channel to begin with: by default the index's own, such as the shipped one (a
    new language's: its scheme); with `Channel.from_scheme`, only the scheme is known; a related language's
    speaks of the letters that both have. At most 10,000 different queries are used, chosen by `seed`, a
    tenth of them to measure on. LanguageError where it cannot be told what to learn, ChannelError where no
    query holds a token that may be a word of the language.
    """
    language = language_of(index, lang, start)
    begun = _begun(index, language, start)
    learned_from, held = _split(_latin(queries, seed), seed)
    channel, pairs = begun, Counter[tuple[str, str]]()
    for _ in range(ROUNDS):
        with _reading(index, channel) as reader:
            pairs = _expected(reader, learned_from)
        if not pairs:
            raise ChannelError(
                f"{index.path}: no Latin word of {len(learned_from):,} queries can mean {language.name}"
            )
        weighted = [(term, token, _damped(meant)) for (term, token), meant in sorted(pairs.items())]
        channel = Channel.learn(language, weighted, sources, iterations=1, start=begun)
    before, after = (_likelihood(index, each, held) for each in (begun, channel))
    return QueryLesson(
        channel,
        queries=len(learned_from),
        held_out=len(held),
        tokens=sum(map(len, learned_from)),
        meant=math.fsum(pairs.values()),
        before=before,
        after=after,
        changes=tuple(changes(begun, channel, ((term, meant) for (term, _), meant in pairs.items()))),
    )


def read_log(path: str | Path, skipped: list[str]) -> Iterator[str]:
    """The queries of a log: those of a file that `documents.read_queries` reads, else one a line of text.

    Perhaps gzipped. What cannot be read, such as a line that is not UTF-8, is left out, its reason told in
    `skipped`; DocumentError where the file itself cannot be.
    """
    path = Path(path)
    if Path(path.name.removesuffix(".gz")).suffix.lower() in FORMATS:
        yield from (query.text for query in read_queries(path, skip_bad=skipped))
        return
    with files.reading(path, DocumentError), files.unpacked(path) as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield line.decode("utf-8-sig").strip()
            except UnicodeDecodeError as error:
                skipped.append(f"{path}:{number}: not UTF-8 text: {error.reason}")


def language_of(
    index: Index, lang: str | languages.Language | None, start: Channel | None
) -> languages.Language:
    """What is to be learned; LanguageError where nobody says it and the index reads several languages."""
    if isinstance(lang, languages.Language):
        return lang
    if lang is None and start is None and len(index.languages) != 1:
        known = " ".join(index.languages) or "no language"
        raise LanguageError(f"{index.path} reads {known}; say which language to learn")
    return languages.load(lang or (start.language if start is not None else index.languages[0]))


def _begun(index: Index, language: languages.Language, start: Channel | None) -> Channel:
    """The channel to begin with."""
    if start is None:
        own = [channel for channel in index.bridge.channels if channel.language == language.code]
        if own:
            return own[0]
        if language.code in languages.codes():
            return Channel.load(language.code)
        return Channel.from_scheme(language)
    return start if start.language == language.code else Channel.from_scheme(language, start)


def _latin(queries: Iterable[str], seed: int) -> list[tuple[Token, ...]]:
    """The Latin tokens of at most `MOST_QUERIES` different queries that have some.

    Of more, those with the least hashes: a random sample of the different ones, in memory that does not grow
    with the log.
    """
    kept: dict[bytes, tuple[Token, ...]] = {}
    for query in queries:
        tokens = [token for token in text.tokenize(query[:MOST_CHARACTERS]) if token.script == "Latn"]
        if tokens:
            typed = " ".join(token.text for token in tokens[:MOST_TOKENS])
            drawn = hashlib.blake2b(f"{seed} {typed}".encode(), digest_size=16).digest()
            kept[drawn] = tuple(tokens[:MOST_TOKENS])
        if len(kept) >= 2 * MOST_QUERIES:
            kept = _sampled(kept)
    return list(_sampled(kept).values())


def _sampled(queries: dict[bytes, tuple[Token, ...]]) -> dict[bytes, tuple[Token, ...]]:
    """Those with the least hashes, in their order."""
    least = set(heapq.nsmallest(MOST_QUERIES, queries))
    return {drawn: tokens for drawn, tokens in queries.items() if drawn in least}


def _split(
    queries: Sequence[tuple[Token, ...]], seed: int
) -> tuple[list[tuple[Token, ...]], list[tuple[Token, ...]]]:
    """The queries to learn from and those held out."""
    chosen = random.Random(seed).sample(queries, len(queries))
    apart = int(HELD_OUT * len(chosen)) if len(chosen) >= ENOUGH_QUERIES else 0
    return chosen[apart:], chosen[:apart]


def _likelihood(index: Index, channel: Channel, queries: Sequence[Sequence[Token]]) -> float | None:
    """The mean log P(token) of queries; None of none."""
    if not queries:
        return None
    with _reading(index, channel) as reader:
        return reader.log_likelihood(queries)


def _damped(meant: float) -> float:
    """A habit isn't a rule: what was typed a hundred times counts ten times."""
    return min(meant, math.sqrt(meant))


def _expected(reader: _Reader, queries: Iterable[Sequence[Token]]) -> Counter[tuple[str, str]]:
    """The E step: (term, token) and how often the one was meant by the other."""
    pairs: Counter[tuple[str, str]] = Counter()
    for tokens in queries:
        for term, token, meant in reader.meant(tokens):
            pairs[term, token] += meant  # type: ignore[assignment]
    return pairs


@dataclass(frozen=True, slots=True)
class _Candidates:
    """What the tokens of a query may be; all arrays of shape (tokens, candidates), padded with likelihood 0.

    `nothing` is the weight of no term at all, shape (tokens, 1).
    """

    terms: list[list[str]]
    likelihood: Floats
    prior: Floats
    native: NDArray[np.bool_]  # else the token itself, a Latin term
    nothing: Floats


@contextmanager
def _reading(index: Index, channel: Channel) -> Iterator[_Reader]:
    """Reads queries over an index with a channel in its language's stead."""
    with Index.open(index.path, [channel]) as opened:
        yield _Reader(opened, channel)


@dataclass
class _Reader:
    """Reads queries over an index that was opened with this channel."""

    index: Index
    channel: Channel
    _known: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    @cached_property
    def bridge(self) -> Bridge:
        return self.index.bridge

    @property
    def lexicon(self) -> Lexicon:
        return self.bridge.lexicon

    @cached_property
    def priors(self) -> Floats:
        """P(term), and of no term at all at the end."""
        weights = np.append(np.maximum(self.lexicon.df, 1) ** PRIOR, 1.0)
        return weights / weights.sum()  # type: ignore[no-any-return]

    def meant(self, tokens: Sequence[Token]) -> Iterator[tuple[str, str, float]]:
        """Terms of the language with the tokens that meant them, and the probability that they did."""
        found = self._candidates(tokens)
        documents = [Counter(words) for words in self._documents(tokens)]
        models = np.array([found.prior, *(self._within(found, counts) for counts in documents)])
        weights = found.likelihood * models  # (1 + documents, tokens, candidates)
        totals = weights.sum(2, keepdims=True) + found.nothing
        logs = np.log(totals).sum((1, 2))
        logs[0] += math.log(1 - ABOUT) if documents else 0.0
        logs[1:] += math.log(ABOUT / max(1, len(documents)))
        about = np.exp(logs - logs.max())
        posterior = np.einsum("d,dtc->tc", about / about.sum(), weights / totals)
        ours = self._of_language(tokens)
        for position, (token, terms) in enumerate(zip(tokens, found.terms, strict=True)):
            for candidate, term in enumerate(terms):
                meant = float(posterior[position, candidate]) * ours[position]
                if found.native[position, candidate] and meant > LEAST_MEANT:
                    yield term, token.text, meant

    def log_likelihood(self, queries: Iterable[Sequence[Token]]) -> float:
        """The mean log P(token), whatever the documents."""
        totals = []
        for tokens in queries:
            found = self._candidates(tokens)
            totals += np.log((found.likelihood * found.prior).sum(1) + found.nothing[:, 0]).tolist()
        return math.fsum(totals) / len(totals)

    def _candidates(self, tokens: Sequence[Token]) -> _Candidates:
        read = [self._read(token.text) for token in tokens]
        shape = len(tokens), max(map(len, read), default=0)
        terms, likelihood, native = np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape, np.bool_)
        for position, candidates in enumerate(read):
            for column, (term, p) in enumerate(candidates):
                terms[position, column], likelihood[position, column] = term, p
                native[position, column] = self.lexicon.find(tokens[position].text) != term
        nothing = [[self.priors[-1] * OUTSIDE ** len(token.text)] for token in tokens]
        names = [[self.lexicon[term] for term, _ in candidates] for candidates in read]
        return _Candidates(names, likelihood, self.priors[terms], native, np.array(nothing))

    def _read(self, token: str) -> list[tuple[int, float]]:
        if token not in self._known:
            found = self.bridge.likelihoods(token, self.channel.language, READINGS)
            itself = self.lexicon.find(token)
            if itself is not None:
                found = [*found, (itself, OWN ** min(len(token), LONG))]
            self._known[token] = found
        return self._known[token]

    def _within(self, found: _Candidates, counts: Counter[str]) -> Floats:
        """P(term | document) of the candidates."""
        shares = np.zeros(found.prior.shape)
        size = max(1, counts.total())
        for position, terms in enumerate(found.terms):
            shares[position, : len(terms)] = [counts[term] / size for term in terms]
        return HELD_TERMS * shares + (1 - HELD_TERMS) * found.prior

    def _documents(self, tokens: Sequence[Token]) -> Iterator[list[str]]:
        """The words of the documents that the query finds."""
        segmenter = self.index.segmenter
        for hit in self.index.search(" ".join(token.text for token in tokens), DOCUMENTS):
            yield [term for value in hit.document.fields.values() for term in text.terms(value, segmenter)]

    def _of_language(self, tokens: Sequence[Token]) -> list[float]:
        """The probability of each token to be of no other of the index's languages."""
        if len(self.bridge.channels) == 1:
            return [1.0] * len(tokens)
        ours = (None, self.channel.language)
        words = [  # joined and cut: one may stand for several tokens, or for a part of one
            (
                position.token,
                math.fsum(each.probability for each in position.readings if each.language not in ours),
            )
            for position in self.bridge.expand(list(tokens)).positions
        ]
        return [
            1.0 - max(others for word, others in words if word.start < token.end and token.start < word.end)
            for token in tokens
        ]
