"""How frequent terms are beside other words: what completes a query's last word, given those before it.

A term's frequency among the documents that hold all the words before is smoothed by that among those that
hold the last of them, and that by its frequency everywhere (Dirichlet priors, as in Zhai & Lafferty 2001), so
that words that never stood together fall back to what is known of fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tantivy
from tantivy import Occur, Query

from .types import Beside, Position

__all__ = ["Counts"]

TRUST = 2.0  # documents that the wider frequency weighs as much as
MEANT = 0.1  # probability of a reading by which a document holds a word
COMMON = 0.1  # of all documents; words of more tell little, and are slow to count
OFTEN = 10.0  # documents beside the words; a term that should be in more is counted by itself, so that ...
MARKS = 24  # ... documents that are looked at for so many terms at once, the bits of a score, stay few


class Counts:
    """Counts of documents that hold words. `holds` is the store's query for those that hold a term."""

    def __init__(self, searcher: tantivy.Searcher, holds: Callable[[str], Query], documents: int) -> None:
        self._searcher = searcher
        self._holds = holds
        self._documents = documents

    def after(self, before: Sequence[Position]) -> Callable[[Mapping[str, int]], list[Beside]] | None:
        """What tells how frequent terms, with their document frequencies, are beside these words; None where
        none of the words tells anything.
        """
        words = [word for word in map(self._holds_word, before) if word is not None]
        words = [word for word in words if 0 < self._count([word]) <= max(1.0, COMMON * self._documents)]
        if not words:
            return None
        widths = [words[-1:], words][: len(words)]
        totals = [self._count(each) for each in widths]

        def beside(terms: Mapping[str, int]) -> list[Beside]:
            return self._beside(terms, widths, totals)

        return beside

    def _beside(
        self, terms: Mapping[str, int], widths: Sequence[Sequence[Query]], totals: Sequence[int]
    ) -> list[Beside]:
        holds = [self._holds(term) for term in terms]
        counts = np.array(list(terms.values()), np.int64)
        shares = everywhere = counts / self._documents
        for width, total in zip(widths, totals, strict=True):
            left = np.flatnonzero(counts) if total else np.empty(0, np.int64)
            counts = np.zeros_like(counts)
            often = everywhere[left] * total > OFTEN
            for at in left[often].tolist():
                counts[at] = self._count([*width, holds[at]])
            seldom = left[~often]
            counts[seldom] = self._counts([holds[at] for at in seldom.tolist()], width, total)
            shares = (counts + TRUST * shares) / (total + TRUST)
        frequencies = shares * self._documents
        return [Beside(*each) for each in zip(counts.tolist(), frequencies.tolist(), strict=True)]

    def _counts(self, holds: Sequence[Query], width: Sequence[Query], total: int) -> list[int]:
        """How many of the `total` documents that hold all of some words match each of some queries.

        One search counts `MARKS` of these, since a document's score can say which it matches: each adds a
        power of two of its own.
        """
        counts: list[int] = []
        words = Query.const_score_query(_all(width), 0.0)
        for start in range(0, len(holds), MARKS):
            some = holds[start : start + MARKS]
            marked = [(Occur.Should, Query.const_score_query(q, 2.0**mark)) for mark, q in enumerate(some)]
            query = Query.boolean_query([(Occur.Must, words), (Occur.Must, Query.boolean_query(marked))])
            hits = self._searcher.search(query, total, count=False).hits
            marks = np.array([score for score, _ in hits], np.int64)
            counts += (marks[:, None] >> np.arange(len(some)) & 1).sum(axis=0).tolist()
        return counts

    def _holds_word(self, position: Position) -> Query | None:
        meant = [each.term for each in position.readings if each.probability >= MEANT]
        if len(meant) < 2:
            return self._holds(meant[0]) if meant else None
        return Query.boolean_query([(Occur.Should, self._holds(term)) for term in meant])

    def _count(self, all_of: Sequence[Query]) -> int:
        found: Any = self._searcher.search(Query.const_score_query(_all(all_of), 1.0), 1, count=True)
        return int(found.count)  # which its types leave out


def _all(of: Sequence[Query]) -> Query:
    return Query.boolean_query([(Occur.Must, each) for each in of])
