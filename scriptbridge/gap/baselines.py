"""Plain BM25, and what engines do today with Latin queries over native documents: fold and fold + fuzzy.

*Fold*: the words of documents and queries go through ICU's Any-Latin, then lose their marks, their case and
whatever is no ASCII letter or digit. *Fold + fuzzy* adds the edit distance that Lucene, Elasticsearch and
OpenSearch call AUTO. How much they find depends on ICU's version: newer ones know letters of Urdu and Sindhi
that older ones drop, so reports name it.

tantivy's own fuzzy query gives every match the same score, which ranks badly, so there are two ways here:

- For **effectiveness**, `NearestTerms` expands a word to at most the 50 nearest terms of the index, each
  weighing 1 / (1 + distance), and the best one counts: what Lucene's top-terms rewrite does, and the
  stronger baseline.
- For **speed**, `FoldedIndex.fuzzy_rank` runs tantivy's `fuzzy_term_query` for each word, any of which may
  match: what a user of tantivy would run, and the faster of the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any

import regex
import tantivy
from tantivy import Occur, Query

from scriptbridge import extras

__all__ = [
    "FoldedIndex",
    "NearestTerms",
    "PlainIndex",
    "Ranking",
    "WeightedTerm",
    "auto_distance",
    "fold",
    "icu_version",
]

WeightedTerm = tuple[str, float]
Ranking = list[tuple[str, float]]
"""Document ids and scores, best first."""

MOST_EXPANSIONS = 50
_FIELD = "body"
_HEAP = 500_000_000  # bytes; enough for every collection of the benchmarks to be written as one segment
_KEPT_WORDS = 1 << 16  # folded, or expanded, words that are remembered

_WORDS = regex.compile(r"[\w\p{M}]+")
_NOT_ASCII_WORD = re.compile(r"[^a-z0-9]")


def fold(text: str) -> list[str]:
    """The text's words, transliterated and stripped to a-z and 0-9; those left empty are dropped."""
    return [folded for word in _WORDS.findall(text) if (folded := _folded(word))]


@lru_cache(maxsize=_KEPT_WORDS)
def _folded(word: str) -> str:
    return _NOT_ASCII_WORD.sub("", _to_latin().transliterate(word))


def icu_version() -> str:
    """The version of ICU that `fold` transliterates with."""
    return str(extras.load("icu", "gap").ICU_VERSION)


@cache
def _to_latin() -> Any:
    icu = extras.load("icu", "gap")
    return icu.Transliterator.createInstance("Any-Latin; NFD; [:Nonspacing Mark:] Remove; Lower")


def auto_distance(word: str) -> int:
    """The edit distance AUTO: none up to 2 letters, 1 up to 5, 2 beyond."""
    return 0 if len(word) <= 2 else 1 if len(word) <= 5 else 2


class PlainIndex:
    """BM25 (k1 1.2, b 0.75) by tantivy over documents that come as tokens, in memory, in one segment."""

    def __init__(self, documents: Iterable[tuple[str, Sequence[str]]]) -> None:
        """Index (id, tokens) pairs."""
        builder = tantivy.SchemaBuilder()
        builder.add_unsigned_field("number", fast=True)
        builder.add_text_field(_FIELD, tokenizer_name="whitespace", index_option="freq")
        self._schema = builder.build()
        self._ids: list[str] = []
        index = tantivy.Index(self._schema)
        writer = index.writer(heap_size=_HEAP, num_threads=1)
        for number, (id, tokens) in enumerate(documents):
            document = tantivy.Document()
            document.add_unsigned("number", number)
            document.add_text(_FIELD, " ".join(tokens))
            writer.add_document(document)
            self._ids.append(id)
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._searcher = index.searcher()

    def terms(self) -> list[tuple[str, int]]:
        """Every term with its document frequency."""
        return self._searcher.terms_with_prefix(_FIELD, "", limit=100_000_000)

    def rank(self, tokens: Iterable[str], k: int = 10) -> Ranking:
        """The k best documents for these tokens."""
        return self._run([self._term(token) for token in tokens], k)

    def rank_expanded(self, positions: Iterable[Sequence[WeightedTerm]], k: int = 10) -> Ranking:
        """The k best documents where each position of the query scores by its best weighted term."""
        return self._run([self._best_of(terms) for terms in positions if terms], k)

    def _best_of(self, terms: Sequence[WeightedTerm]) -> Query:
        return Query.disjunction_max_query(
            [Query.boost_query(self._term(term), weight) for term, weight in terms]
        )

    def _term(self, token: str) -> Query:
        return Query.term_query(self._schema, _FIELD, token, "freq")

    def _run(self, clauses: Sequence[Query], k: int) -> Ranking:
        hits = self._searcher.search(_any_of(clauses), k, count=False).hits
        numbers = self._searcher.fast_field_values("number", [address for _, address in hits])
        ids = (self._ids[int(number or 0)] for number in numbers)
        return [(id, score) for id, (score, _) in zip(ids, hits, strict=True)]


class FoldedIndex(PlainIndex):
    """A `PlainIndex` over folded documents."""

    def __init__(self, documents: Iterable[tuple[str, str]]) -> None:
        """Index (id, text) pairs."""
        super().__init__((id, fold(text)) for id, text in documents)

    def fuzzy_rank(self, text: str, k: int = 10) -> Ranking:
        """The k best documents by tantivy's own fuzzy query; every match of a word scores the same."""
        return self._run([self._fuzzy(word) for word in fold(text)], k)

    def _fuzzy(self, word: str) -> Query:
        if distance := auto_distance(word):
            return Query.fuzzy_term_query(self._schema, _FIELD, word, distance=distance)
        return self._term(word)


class NearestTerms:
    """Terms within a word's AUTO distance (Levenshtein); a word's are remembered once they were found.

    ``NearestTerms([("raam", 3), ("ram", 9)]).of("ram") == [("ram", 1.0), ("raam", 0.5)]``
    """

    def __init__(self, terms: Iterable[tuple[str, int]]) -> None:
        """`terms` come with their document frequencies."""
        self._df = dict(terms)
        self._by_length: dict[int, list[str]] = {}  # only terms of nearly a word's length can be near it
        for term in self._df:
            self._by_length.setdefault(len(term), []).append(term)
        self._extract = extras.load("rapidfuzz.process", "gap").extract
        self._levenshtein = extras.load("rapidfuzz.distance", "gap").Levenshtein.distance
        self.of = lru_cache(maxsize=_KEPT_WORDS)(self._nearest)

    def _nearest(self, word: str) -> list[WeightedTerm]:
        """At most 50 terms, nearest and then most frequent first; each weighs 1 / (1 + distance)."""
        limit = auto_distance(word)
        found = [
            (distance, -self._df[term], term)
            for length in range(len(word) - limit, len(word) + limit + 1)
            for term, distance, _ in self._extract(
                word,
                self._by_length.get(length, ()),
                scorer=self._levenshtein,
                score_cutoff=limit,
                limit=None,
            )
        ]
        return [(term, 1 / (1 + distance)) for distance, _, term in sorted(found)[:MOST_EXPANSIONS]]


def _any_of(clauses: Iterable[Query]) -> Query:
    return Query.boolean_query([(Occur.Should, clause) for clause in clauses])
