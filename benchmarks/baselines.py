"""Plain BM25, and what engines do today with Latin queries over native documents: fold and fold + fuzzy.

*Fold*: the words of documents and queries go through ICU's Any-Latin, then lose their marks, their case and
whatever is no ASCII letter or digit. *Fold + fuzzy* adds the edit distance that Lucene, Elasticsearch and
OpenSearch call AUTO.

tantivy's own fuzzy query gives every match the same score, which ranks badly, so there are two ways here:

- For **effectiveness**, `nearest_terms` expands a word to at most the 50 nearest terms of the index, each
  weighing 1 / (1 + distance), and the best one counts: what Lucene's top-terms rewrite does, and the
  stronger baseline.
- For **speed**, `FoldedIndex.fuzzy_rank` runs tantivy's `fuzzy_term_query` for each word, any of which may
  match: what a user of tantivy would run, and the faster of the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import icu
import numpy as np
import regex
import tantivy
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein
from tantivy import Occur, Query

__all__ = ["FoldedIndex", "PlainIndex", "Ranking", "WeightedTerm", "auto_distance", "fold", "nearest_terms"]

WeightedTerm = tuple[str, float]
Ranking = list[tuple[str, float]]
"""Document ids and scores, best first."""

MOST_EXPANSIONS = 50
_FIELD = "body"
_HEAP = 500_000_000  # bytes; enough for every collection here to be written as one segment

_WORDS = regex.compile(r"[\w\p{M}]+")
_NOT_ASCII_WORD = re.compile(r"[^a-z0-9]")
_TO_LATIN = icu.Transliterator.createInstance("Any-Latin; NFD; [:Nonspacing Mark:] Remove; Lower")


def fold(text: str) -> list[str]:
    """The text's words, transliterated and stripped to a-z and 0-9; those left empty are dropped."""
    folded = (_NOT_ASCII_WORD.sub("", _TO_LATIN.transliterate(word)) for word in _WORDS.findall(text))
    return [word for word in folded if word]


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


def nearest_terms(words: Iterable[str], terms: Sequence[tuple[str, int]]) -> dict[str, list[WeightedTerm]]:
    """Each word's nearest terms within its AUTO distance (Levenshtein), nearest and most frequent first.

    `terms` come with their document frequencies. A term weighs 1 / (1 + distance).
    """
    lengths = np.array([len(term) for term, _ in terms])
    by_length: dict[int, list[str]] = {}
    for word in sorted(set(words)):
        by_length.setdefault(len(word), []).append(word)
    nearest: dict[str, list[WeightedTerm]] = {}
    for length, group in by_length.items():
        limit = auto_distance(group[0])
        candidates = [terms[number] for number in np.flatnonzero(np.abs(lengths - length) <= limit).tolist()]
        spellings = [term for term, _ in candidates]
        for start in range(0, len(group), 256):  # bounds the matrix of distances
            chunk = group[start : start + 256]
            distances = process.cdist(
                chunk, spellings, scorer=Levenshtein.distance, score_cutoff=limit, dtype=np.uint8
            )
            for word, row in zip(chunk, distances, strict=True):
                found = [(int(row[i]), candidates[i]) for i in np.flatnonzero(row <= limit).tolist()]
                nearest[word] = _weighted(found)
    return nearest


def _weighted(found: list[tuple[int, tuple[str, int]]]) -> list[WeightedTerm]:
    """The best of (distance, (term, df))."""
    found.sort(key=lambda entry: (entry[0], -entry[1][1], entry[1][0]))
    return [(term, 1 / (1 + distance)) for distance, (term, _) in found[:MOST_EXPANSIONS]]


def _any_of(clauses: Iterable[Query]) -> Query:
    return Query.boolean_query([(Occur.Should, clause) for clause in clauses])
