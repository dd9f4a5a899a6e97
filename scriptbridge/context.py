"""How frequent terms are beside other words: what completes a query's last word, given those before it.

A term's frequency among the documents that hold all the words before is smoothed by that among those that
hold the last of them, and that by its frequency everywhere (Dirichlet priors, as in Zhai & Lafferty 2001), so
that words that never stood together fall back to what is known of fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tantivy
from tantivy import Occur, Query

from .types import Beside, Position

__all__ = ["Counts"]

TRUST = 2.0  # documents that the wider frequency weighs as much as
MEANT = 0.1  # probability of a reading by which a document holds a word
COMMON = 0.1  # of all documents; words of more tell little, and are slow to count


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
            return [self._beside(term, df, widths, totals) for term, df in terms.items()]

        return beside

    def _beside(self, term: str, df: int, widths: Sequence[Sequence[Query]], totals: Sequence[int]) -> Beside:
        share, count, holds = df / self._documents, df, self._holds(term)
        for width, total in zip(widths, totals, strict=True):
            count = self._count([*width, holds]) if total and count else 0
            share = (count + TRUST * share) / (total + TRUST)
        return Beside(count, share * self._documents)

    def _holds_word(self, position: Position) -> Query | None:
        meant = [each.term for each in position.readings if each.probability >= MEANT]
        if len(meant) < 2:
            return self._holds(meant[0]) if meant else None
        return Query.boolean_query([(Occur.Should, self._holds(term)) for term in meant])

    def _count(self, all_of: Sequence[Query]) -> int:
        query = Query.boolean_query([(Occur.Must, each) for each in all_of])
        found: Any = self._searcher.search(Query.const_score_query(query, 1.0), 1, count=True)
        return int(found.count)  # which its types leave out
