"""Channels for measuring on text that the shipped weights have partly seen.

The weights of two languages were estimated from word pairs that were cut out of the very sentences that
`bn.banglatlit-knownitem` and `fa.finglish-telegram-knownitem` ask for. So their queries are halved, and each
half is searched with a channel estimated without the pairs that only its own sentences gave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.channels import estimate
from benchmarks.datasets import read_pairs
from scriptbridge import text
from scriptbridge.gap.records import Collection, QuerySet, Ranking
from scriptbridge.index import Index

__all__ = ["HALVES", "SEEN_PAIRS", "CrossFitted", "halves", "own_pairs"]

SEEN_PAIRS = {
    "bn.banglatlit-knownitem": "bn.banglatlit-words.tsv.gz",
    "fa.finglish-telegram-knownitem": "fa.finglish-telegram-words.tsv.gz",
}
"""Sets whose sentences the shipped weights learned from: the file of ``data/pairs`` with those words."""
HALVES = 2

Queries = Mapping[str, str]


class CrossFitted:
    """scriptbridge over a set of SEEN_PAIRS, each query read by the channel that has not seen its half."""

    name = "scriptbridge"
    notes: tuple[str, ...] = ()
    keeps_order = False

    def __init__(self, data: Path, collection: Collection, folder: Path) -> None:
        """Index the collection in `folder`."""
        (queries,) = collection.query_sets
        code = collection.name.split(".")[0]
        index = Index.create(folder / "index", languages=[code])
        index.add(collection.documents.items())
        index.commit()
        index.close()
        self._half: dict[str, int] = {}
        self._indexes = []
        for number, half in enumerate(halves(queries)):
            channel = estimate(data, code, without=own_pairs(data, collection, half))
            self._half |= dict.fromkeys(half.values(), number)
            self._indexes.append(Index.open(folder / "index", channels=[channel]))

    def search(self, query: str, k: int) -> Ranking:
        """What the query's half finds; of one that stands in both halves, the later."""
        return self._indexes[self._half[query]].rank(query, k)

    def close(self) -> None:
        """Close the indexes."""
        for index in self._indexes:
            index.close()


def halves(queries: QuerySet) -> Sequence[Queries]:
    """The Latin queries in halves, by id: every second one, all those of a document together."""
    documents = sorted({id for ids in queries.qrels.values() for id in ids})
    turn = {id: number % HALVES for number, id in enumerate(documents)}
    parts: list[dict[str, str]] = [{} for _ in range(HALVES)]
    for id, texts in (queries.latin.texts if queries.latin else {}).items():
        parts[turn[min(queries.qrels[id])]][id] = texts[0]
    return parts


def own_pairs(data: Path, collection: Collection, half: Queries) -> frozenset[tuple[str, str]]:
    """The normalised word pairs of the set's source that stand in the sentences of `half` and nowhere else.

    A pair does where its sentences hold it as often as the source does.
    """
    known: Counter[tuple[str, str]] = Counter()
    for native, latin, count in read_pairs(data / "pairs" / SEEN_PAIRS[collection.name]):
        known[text.normalize(native), text.normalize(latin)] += int(count)
    elsewhere = known - _pairs_within(collection, half)
    return frozenset(known.keys() - elsewhere.keys())


def _pairs_within(collection: Collection, half: Queries) -> Counter[tuple[str, str]]:
    """How often a native word of a sentence and a Latin word of its query might be a pair, at most."""
    (queries,) = collection.query_sets
    pairs: Counter[tuple[str, str]] = Counter()
    for query, latin in half.items():
        typed = Counter(text.terms(latin))
        for id in queries.qrels[query]:
            written = Counter(text.terms(collection.documents[id]))
            pairs.update(
                {(native, latin): min(n, m) for native, n in written.items() for latin, m in typed.items()}
            )
    return pairs
