"""What is lost where people drop spaces or put them inside words, and what costs `boundaries` should have.

``python -m benchmarks.boundaries ../shared/data`` takes the Latin queries of development sets as they were
typed, with the spaces between words dropped two by two, dropped altogether, and with words split at random;
it prints nDCG@10 of each with and without `boundaries`, beside the native queries'. ``--fit`` searches
the costs instead: which tell most often where the words of the first half of the queries end, and how often
they do in the other half.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from benchmarks import datasets, report
from scriptbridge import boundaries, text
from scriptbridge.bridge import Bridge
from scriptbridge.gap import measure
from scriptbridge.gap.records import MAIN, Collection, LatinQueries, QuerySet
from scriptbridge.lexicon import Lexicon

__all__ = ["main"]

SETS = {
    "hi.dakshina-dev": "window",
    "bn.dakshina-dev": "window",
    "ur.dakshina-dev": "window",
    "el.greeklish-dev": "",
    "ar.narabizi-sentences-knownitem": "",
}
SPLIT = 0.5  # of the words of four letters and more
RIGHT = 30  # queries typed as they should be for each with a space dropped, and each with one put in
GRID = {
    "JOIN": (2.0, 4.0, 6.0),
    "UNKNOWN": (-0.8, -1.1, -1.4),
}


def typed(query: str, chance: random.Random) -> str:
    """The query as it is."""
    return query


def joined(query: str, chance: random.Random) -> str:
    """The spaces between words dropped two by two."""
    words = query.split()
    return " ".join("".join(words[at : at + 2]) for at in range(0, len(words), 2))


def run_on(query: str, chance: random.Random) -> str:
    """All spaces dropped in each four words."""
    words = query.split()
    return " ".join("".join(words[at : at + 4]) for at in range(0, len(words), 4))


def split(query: str, chance: random.Random) -> str:
    """Some words in two."""
    words = []
    for word in query.split():
        if len(word) >= 4 and chance.random() < SPLIT:
            place = chance.randrange(1, len(word))
            word = f"{word[:place]} {word[place:]}"
        words.append(word)
    return " ".join(words)


WAYS: Sequence[Callable[[str, random.Random], str]] = (typed, joined, run_on, split)


def altered(queries: QuerySet, way: Callable[[str, random.Random], str], limit: int) -> QuerySet:
    """The Latin queries as `way` types them, the first `limit` of them."""
    texts = queries.latin.texts if queries.latin else {}
    chosen = {
        id: tuple(way(each, random.Random(f"{report.SEED} {id}")) for each in texts[id])
        for id in itertools.islice(texts, limit)
    }
    return replace(
        queries,
        name=way.__name__,
        latin=LatinQueries("typed", chosen),
        native={id: query for id, query in queries.native.items() if id in chosen},
        qrels={id: documents for id, documents in queries.qrels.items() if id in chosen},
    )


@contextmanager
def without() -> Iterator[None]:
    """Words end where spaces are."""
    with mock.patch.object(boundaries, "recut", lambda tokens, reader: list(tokens)):
        yield


def effect(collection: Collection, queries: QuerySet, limit: int) -> Mapping[str, tuple[float, float, float]]:
    """nDCG@10 by way of typing: native, Latin without `boundaries`, with."""
    ways = replace(collection, query_sets=tuple(altered(queries, way, limit) for way in WAYS))
    found: dict[str, dict[str, float]] = {way.__name__: {} for way in WAYS}
    for arm in ("with", "without"):
        if arm == "without":
            with without():
                measured = measure([ways], ["scriptbridge"], explain=False)
        else:
            measured = measure([ways], ["native=bm25", "scriptbridge"], explain=False)
        for cell in measured.cells:
            figures = cell.figures[MAIN]
            if cell.system == "native":
                found[cell.query_set]["native"] = figures.native or 0.0
            else:
                found[cell.query_set][arm] = figures.latin
    return {way: (each.get("native", 0.0), each["without"], each["with"]) for way, each in found.items()}


@dataclass(frozen=True, slots=True)
class Recovered:
    """The share of queries whose words are found again, by way of typing."""

    typed: float
    joined: float
    split: float

    @property
    def worth(self) -> float:
        return (RIGHT * self.typed + self.joined + self.split) / (RIGHT + 2)


def recovered(bridge: Bridge, queries: Sequence[str]) -> Recovered:
    shares = {}
    for way in (typed, joined, split):
        right = 0
        for number, query in enumerate(queries):
            positions = bridge.expand(way(query, random.Random(number)), 1).positions
            right += [each.token.text for each in positions] == query.split()
        shares[way.__name__] = right / len(queries)
    return Recovered(**shares)


def fit(bridge: Bridge, queries: Sequence[str]) -> None:
    """The costs that find most words again in the first half, and what they find in the second."""
    half = len(queries) // 2
    results = {}
    for costs in itertools.product(*GRID.values()):
        chosen: dict[str, Any] = dict(zip(GRID, costs, strict=True))
        with mock.patch.multiple(boundaries, **chosen):
            results[costs] = recovered(bridge, queries[:half])
        report.say(f"{dict(zip(GRID, costs, strict=True))}: {results[costs]} {results[costs].worth:.4f}")
    best = max(results, key=lambda costs: results[costs].worth)
    chosen = dict(zip(GRID, best, strict=True))
    with mock.patch.multiple(boundaries, **chosen):
        print(
            "best",
            dict(zip(GRID, best, strict=True)),
            results[best],
            "held out:",
            recovered(bridge, queries[half:]),
        )
    print("as they are, held out:", recovered(bridge, queries[half:]))


def _words(collection: Collection, queries: QuerySet, limit: int) -> list[str]:
    """Queries of Latin words alone, in their normal form."""
    every = [text.tokenize(query) for query in datasets.typed(collection, queries.name)]
    latin = [tokens for tokens in every if all(token.script == "Latn" for token in tokens)]
    return [" ".join(token.text for token in tokens[:8]) for tokens in latin if len(tokens) > 1][:limit]


def _bridge(collection: Collection) -> Bridge:
    df: dict[str, int] = {}
    for document in collection.documents.values():
        for term in set(text.terms(document)):
            df[term] = df.get(term, 0) + 1
    return Bridge(Lexicon.from_terms(df, len(collection.documents)), [collection.name.split(".")[0]])


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.boundaries", description=__doc__)
    parser.add_argument("data", type=datasets.folder, help="the folder with retrieval/")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), help="only these sets")
    parser.add_argument("--queries", type=int, default=300, help="of each set")
    parser.add_argument("--fit", action="store_true", help="search the costs")
    options = parser.parse_args(sys.argv[1:] if arguments is None else list(arguments))
    for name in options.sets:
        collection = datasets.load(options.data, name)
        (queries,) = [each for each in collection.query_sets if each.name == SETS[name]]
        if options.fit:
            print(name)
            fit(_bridge(collection), _words(collection, queries, options.queries))
            continue
        for way, (native, before, after) in effect(collection, queries, options.queries).items():
            ratios = f" of native: {before / native:.3f} → {after / native:.3f}" if native else ""
            print(f"{name} {way}: native {native:.3f}, Latin {before:.3f} → {after:.3f}{ratios}", flush=True)


if __name__ == "__main__":
    main()
