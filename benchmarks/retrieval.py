"""What Latin queries find, beside what the same queries find in native script.

``python -m benchmarks.retrieval ../shared/data`` measures nDCG@10 on every set: native queries over plain
BM25; fold, fold + fuzzy and scriptbridge with Latin queries; the ratio of scriptbridge to native. Then the
same with all Dakshina collections in one index, and whether native queries score in scriptbridge exactly as
in plain BM25.

Progress goes to stderr, the table to stdout, the figures to a JSON file, to which a later run of some
systems or sets adds its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import ir_measures
from ir_measures import nDCG

from benchmarks import datasets, report, tables
from benchmarks.baselines import FoldedIndex, PlainIndex, Ranking, fold, nearest_terms
from benchmarks.crossfit import HALVES, SEEN_PAIRS, channel_for, half_of
from benchmarks.datasets import Collection, QuerySet
from benchmarks.results import ALONE, SYSTEMS, TOGETHER, NativeCheck, Result, Results
from scriptbridge import text
from scriptbridge.bridge import Bridge
from scriptbridge.index import Index
from scriptbridge.lexicon import Lexicon
from scriptbridge.types import Document

__all__ = ["main", "ndcg"]

K = 10
SAME_SCORE = 1e-5  # relative; scores are 32-bit floats, summed in an order of the engine's own
FIRST_QUERIES = 1000


def ndcg(rankings: Mapping[str, Ranking], relevant: Mapping[str, Iterable[str]]) -> float:
    """Mean nDCG@10 over all queries of `relevant`; one that found nothing counts as 0."""
    qrels = [ir_measures.Qrel(query, id, 1) for query, ids in relevant.items() for id in ids]
    run = [ir_measures.ScoredDoc(query, id, score) for query, hits in rankings.items() for id, score in hits]
    return float(ir_measures.calc_aggregate([nDCG @ K], qrels, run)[nDCG @ K]) if run else 0.0


class Searchers:
    """The systems over one collection, each built when it is first asked for."""

    def __init__(self, data: Path, collection: Collection, folder: Path, *, detect: bool) -> None:
        self._data = data
        self.collection = collection
        self._folder = folder
        self._detect = detect
        self._plain: PlainIndex | None = None
        self._folded: FoldedIndex | None = None
        self._index: Index | None = None

    def rank(self, system: str, queries: QuerySet) -> dict[str, Ranking]:
        """What `system` finds for each query."""
        if system == "native":
            return {id: self.plain.rank(text.terms(query), K) for id, query in (queries.native or {}).items()}
        if system == "fold":
            return {id: self.folded.rank(fold(query), K) for id, query in queries.latin.items()}
        if system == "fold+fuzzy":
            return self._fuzzy(queries)
        if queries.name in SEEN_PAIRS:
            return self._crossfitted(queries)
        return {id: self.index.rank(query, K) for id, query in queries.latin.items()}

    @property
    def plain(self) -> PlainIndex:
        """Native words, as they are."""
        if self._plain is None:
            self._plain = PlainIndex((id, text.terms(words)) for id, words in self.collection.texts.items())
        return self._plain

    @property
    def folded(self) -> FoldedIndex:
        """Folded words."""
        if self._folded is None:
            self._folded = FoldedIndex(self.collection.texts.items())
        return self._folded

    @property
    def index(self) -> Index:
        """scriptbridge's."""
        if self._index is None:
            self._index = Index.create(self._folder / "index")
            languages = {} if self._detect else self.collection.languages
            self._index.add(
                Document(id, {"text": words}, languages.get(id))
                for id, words in self.collection.texts.items()
            )
            self._index.commit()
        return self._index

    def _fuzzy(self, queries: QuerySet) -> dict[str, Ranking]:
        words = {id: fold(query) for id, query in queries.latin.items()}
        nearest = nearest_terms((word for each in words.values() for word in each), self.folded.terms())
        return {
            id: self.folded.rank_expanded([nearest[word] for word in each], K) for id, each in words.items()
        }

    def _crossfitted(self, queries: QuerySet) -> dict[str, Ranking]:
        lexicon = Lexicon.from_terms(self.plain.terms(), len(self.collection.texts))
        rankings: dict[str, Ranking] = {}
        for half in (half_of(queries, number) for number in range(HALVES)):
            bridge = Bridge(lexicon, [channel_for(self._data, self.collection, half)])
            rankings |= {id: self.index.score(bridge.expand(query), K) for id, query in half.latin.items()}
        return rankings


def check_native(searchers: Searchers, queries: QuerySet) -> NativeCheck:
    """Native queries in scriptbridge and in plain BM25."""
    tokens = {id: text.tokenize(query) for id, query in (queries.native or {}).items()}
    native = [id for id, each in tokens.items() if all(token.script != "Latn" for token in each)]
    differences, same = [0.0], 0
    for id in native:
        ours = searchers.index.rank((queries.native or {})[id], K)
        plain = searchers.plain.rank([token.text for token in tokens[id]], K)
        differences += [abs(mine - other) for (_, mine), (_, other) in zip(ours, plain, strict=False)]
        same += _same(ours, plain)
    share = same / len(native) if native else 1.0
    return NativeCheck(
        queries.name, queries.kind, len(native), len(tokens) - len(native), max(differences), share
    )


def _same(ours: Ranking, plain: Ranking) -> bool:
    """Whether two rankings agree in their scores and in the documents above the last score."""
    if len(ours) != len(plain):
        return False
    close = all(abs(a - b) <= SAME_SCORE * b for (_, a), (_, b) in zip(ours, plain, strict=True))
    return close and _above_last(ours) == _above_last(plain)


def _above_last(ranking: Ranking) -> set[str]:
    last = ranking[-1][1] if len(ranking) == K else 0.0
    return {id for id, score in ranking if score > last * (1 + SAME_SCORE)}


def measure(
    data: Path,
    names: Sequence[str],
    systems: Sequence[str],
    limit: int,
    results: Results,
    *,
    skip: int = 0,
    detect: bool = False,
) -> None:
    """Every set by itself."""
    for name in names:
        collection = datasets.load_collection(data, name)
        with tempfile.TemporaryDirectory() as folder:
            searchers = Searchers(data, collection, Path(folder), detect=detect)
            for kind in [kind for known, kind in datasets.known_sets() if known == name]:
                queries = datasets.load_queries(data, name, kind, limit, skip)
                _keep(results, ALONE, searchers, queries, systems)
                if queries.native and "scriptbridge" in systems:
                    results.add_check(check_native(searchers, queries))


def measure_together(
    data: Path, systems: Sequence[str], limit: int, results: Results, *, skip: int = 0, detect: bool = False
) -> None:
    """All Dakshina collections in one index."""
    collection = datasets.merge(
        "dakshina-dev", [datasets.load_collection(data, name) for name in datasets.DAKSHINA]
    )
    with tempfile.TemporaryDirectory() as folder:
        searchers = Searchers(data, collection, Path(folder), detect=detect)
        for name in datasets.DAKSHINA:
            for kind in datasets.KINDS:
                queries = datasets.prefixed(datasets.load_queries(data, name, kind, limit, skip))
                _keep(results, TOGETHER, searchers, queries, systems)


def _keep(
    results: Results, index: str, searchers: Searchers, queries: QuerySet, systems: Sequence[str]
) -> None:
    scores = {
        system: ndcg(searchers.rank(system, queries), queries.relevant)
        for system in systems
        if system != "native" or queries.native
    }
    documents = len(searchers.collection.texts)
    result = results.add(
        Result(index, queries.name, queries.kind, queries.language, documents, len(queries.latin), scores)
    )
    figures = "  ".join(f"{system} {score:.4f}" for system, score in result.scores.items())
    ratio = "" if result.ratio is None else f"  scriptbridge/native {result.ratio:.4f}"
    report.say(f"{index}: {queries.label}: {figures}{ratio}")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder with retrieval/ and pairs/")
    every = (*datasets.DAKSHINA, *datasets.USER_TEXT)
    parser.add_argument("--sets", nargs="*", choices=every, help="only these sets (default: all)")
    parser.add_argument(
        "--together", action=argparse.BooleanOptionalAction, help="all Dakshina collections in one index, too"
    )
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=SYSTEMS, help="only these systems")
    parser.add_argument("--queries", type=int, default=FIRST_QUERIES, help="of each set; 0 for all of them")
    parser.add_argument("--skip", type=int, default=0, help="leave out the first queries of each set")
    parser.add_argument(
        "--detect",
        action="store_true",
        help="don't say which language a document is in: let the index find out",
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/retrieval.json"))
    options = parser.parse_args(arguments)
    names = every if options.sets is None else options.sets
    results = Results(options.out, options.queries)
    how = {"skip": options.skip, "detect": options.detect}
    measure(options.data, names, options.systems, options.queries, results, **how)
    if options.together or (options.together is None and options.sets is None):
        measure_together(options.data, options.systems, options.queries, results, **how)
    results.finish(report.circumstances("benchmarks.retrieval", arguments))
    print(tables.retrieval(report.load(options.out)))


if __name__ == "__main__":
    main()
