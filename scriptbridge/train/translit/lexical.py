"""BM25 as a teacher of encoders: which words matter, and that unseen ones do."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scriptbridge import text

__all__ = ["Lexical"]

K1, B = 1.2, 0.75


class Lexical:
    """BM25 of queries and passages, told by their numbers.

    Where a collection is small, words find more than an encoder that was trained on it; following their
    scores teaches it to match words, unseen ones included (SPAR, Chen et al., Findings of EMNLP 2022).
    """

    def __init__(self, queries: Sequence[str], passages: Sequence[str]) -> None:
        """Count the words of both; words that no passage has do not count."""
        counted = [Counter(text.terms(passage)) for passage in passages]
        frequencies = Counter(term for counts in counted for term in counts)
        self._numbers = {term: number for number, term in enumerate(frequencies)}
        idf = np.array([_idf(n, len(passages)) for n in frequencies.values()], np.float32)
        mean = sum(counts.total() for counts in counted) / max(1, len(counted)) or 1.0
        self._passages = [self._weighed(counts, idf, mean) for counts in counted]
        self._queries = [
            np.array([self._numbers[term] for term in text.terms(query) if term in self._numbers], np.int64)
            for query in queries
        ]

    def scores(self, queries: NDArray[np.int64], passages: NDArray[np.int64]) -> NDArray[np.float32]:
        """Of passages (b, n) for queries (b,), as shares of that of the first of each row, at most 1.

        That one is the query's own. Others that have more of its words are as good, not better.
        """
        there, columns = np.unique(passages, return_inverse=True)
        terms = np.unique(np.concatenate([self._queries[query] for query in queries]))
        weights = np.zeros((len(there), len(terms) + 1), np.float32)  # the last for other terms
        for row, passage in enumerate(there):
            ids, weighed = self._passages[passage]
            places = np.minimum(np.searchsorted(terms, ids), max(0, len(terms) - 1))
            known = terms[places] == ids if len(terms) else np.zeros(len(ids), bool)
            weights[row, np.where(known, places, len(terms))] = weighed
        asked = np.zeros((len(queries), len(terms) + 1), np.float32)
        for row, query in enumerate(queries):
            np.add.at(asked[row], np.searchsorted(terms, self._queries[query]), 1.0)
        found = np.take_along_axis(asked @ weights.T, columns.reshape(passages.shape), axis=1)
        own = np.where(found[:, :1] > 0, found[:, :1], np.inf)
        shares = np.minimum(found / own, 1.0).astype(np.float32)
        shares[:, 0] = 1.0
        return shares

    def _weighed(
        self, counts: Counter[str], idf: NDArray[np.float32], mean: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The numbers of a passage's terms and what each adds to the score of a query that has it."""
        ids = np.array([self._numbers[term] for term in counts], np.int64)
        counted = np.fromiter(counts.values(), np.float32, len(counts))
        norm = K1 * (1 - B + B * counts.total() / mean)
        return ids, idf[ids] * counted * (K1 + 1) / (counted + norm)


def _idf(documents: int, of: int) -> float:
    return math.log(1 + (of - documents + 0.5) / (documents + 0.5))
