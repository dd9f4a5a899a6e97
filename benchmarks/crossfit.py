"""Channels for measuring on text that the shipped weights have partly seen.

The weights of two languages were estimated from word pairs that were cut out of the very sentences that
`bn.banglatlit-knownitem` and `fa.finglish-telegram-knownitem` ask for. So their queries are halved, and each
half is searched with a channel estimated without the pairs that only its own sentences gave.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from benchmarks.channels import estimate
from benchmarks.datasets import Collection, QuerySet, read_pairs
from scriptbridge import text
from scriptbridge.channel import Channel

__all__ = ["HALVES", "SEEN_PAIRS", "channel_for", "half_of", "own_pairs"]

SEEN_PAIRS = {
    "bn.banglatlit-knownitem": "bn.banglatlit-words.tsv.gz",
    "fa.finglish-telegram-knownitem": "fa.finglish-telegram-words.tsv.gz",
}
"""Sets whose sentences the shipped weights learned from: the file of ``data/pairs`` with those words."""
HALVES = 2


def half_of(queries: QuerySet, half: int) -> QuerySet:
    """Every second query, all those of a document together."""
    documents = sorted({id for ids in queries.relevant.values() for id in ids})
    turn = {id: number % HALVES for number, id in enumerate(documents)}
    relevant = {query: ids for query, ids in queries.relevant.items() if turn[min(ids)] == half}
    latin = {query: typed for query, typed in queries.latin.items() if query in relevant}
    return replace(queries, latin=latin, relevant=relevant)


def channel_for(data: Path, collection: Collection, half: QuerySet) -> Channel:
    """The channel of the half's language, estimated without the pairs that only its sentences gave."""
    return estimate(data, half.language, without=own_pairs(data, collection, half))


def own_pairs(data: Path, collection: Collection, half: QuerySet) -> frozenset[tuple[str, str]]:
    """The normalised word pairs of the set's source that stand in the sentences of `half` and nowhere else.

    A pair does where its sentences hold it as often as the source does.
    """
    known: Counter[tuple[str, str]] = Counter()
    for pair in read_pairs(data / "pairs" / SEEN_PAIRS[half.name]):
        known[text.normalize(pair.native), text.normalize(pair.latin)] += pair.count
    elsewhere = known - _pairs_within(collection, half)
    return frozenset(known.keys() - elsewhere.keys())


def _pairs_within(collection: Collection, queries: QuerySet) -> Counter[tuple[str, str]]:
    """How often a native word of a sentence and a Latin word of its query might be a pair, at most."""
    pairs: Counter[tuple[str, str]] = Counter()
    for query, documents in queries.relevant.items():
        typed = Counter(text.terms(queries.latin[query]))
        for id in documents:
            written = Counter(text.terms(collection.texts[id]))
            pairs.update(
                {(native, latin): min(n, m) for native, n in written.items() for latin, m in typed.items()}
            )
    return pairs
