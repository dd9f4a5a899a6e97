"""What Latin queries find, beside what the same queries find in native script.

``python -m benchmarks.retrieval ../shared/data`` measures nDCG@10 on every set with the gap meter: native
queries over plain BM25; fold, fold + fuzzy and scriptbridge with Latin queries; the ratio of scriptbridge to
native. Then the same with all Dakshina collections in one index (with ``--everything`` also in one of
all languages), and whether native queries score in
scriptbridge exactly as in plain BM25.

Progress goes to stderr, the table to stdout, the figures to a JSON file, to which a later run of some
systems or sets adds its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from benchmarks import datasets, report, tables
from benchmarks.crossfit import SEEN_PAIRS, CrossFitted
from benchmarks.results import ALONE, EVERYTHING, SYSTEMS, TOGETHER, NativeCheck, Result, Results
from scriptbridge import text
from scriptbridge.gap import measure as measure_gap
from scriptbridge.gap.records import MAIN, Collection, QuerySet, Ranking, System
from scriptbridge.gap.systems import Candidate, prepare

__all__ = ["main"]

K = 10
SAME_SCORE = 1e-5  # relative; scores are 32-bit floats, summed in an order of the engine's own
FIRST_QUERIES = 1000


@dataclass(frozen=True, slots=True)
class Settings:
    """What is measured, and how."""

    data: Path
    systems: Sequence[str]
    limit: int
    skip: int = 0
    detect: bool = False

    def load(self, name: str) -> Collection:
        """A set; without its documents' languages where the index has to find them out."""
        loaded = datasets.load(self.data, name, limit=self.limit, skip=self.skip)
        return replace(loaded, languages={}) if self.detect else loaded


def measure(settings: Settings, names: Sequence[str], results: Results) -> None:
    """Every set by itself."""
    for name in names:
        collection = settings.load(name)
        for query_set, (queries, scores) in _scores(settings, collection).items():
            results.add(_result(ALONE, name, query_set, collection, queries, scores))
        if "scriptbridge" in settings.systems:
            for check in check_native(collection):
                results.add_check(check)


def measure_together(
    settings: Settings, results: Results, index: str = TOGETHER, others: Sequence[Collection] = ()
) -> None:
    """All Dakshina collections in one index, and other documents that are not asked for."""
    collection = datasets.merge(index, [*(settings.load(name) for name in datasets.DAKSHINA), *others])
    for query_set, (queries, scores) in _scores(settings, collection).items():
        name, _, kind = query_set.partition("/")
        results.add(_result(index, name, kind, collection, queries, scores))


def _scores(settings: Settings, collection: Collection) -> dict[str, tuple[int, dict[str, float]]]:
    """Query set → queries and, by system, nDCG@10 of Latin queries; `native`: of native ones, over bm25."""
    systems = [_candidate(settings, collection, each) for each in settings.systems]
    measured = measure_gap([collection], systems, progress=_progress, explain=False)
    found: dict[str, tuple[int, dict[str, float]]] = {}
    for cell in measured.cells:
        _, scores = found.setdefault(cell.query_set, (cell.queries, {}))
        figures = cell.figures[MAIN]
        if cell.system == "native":
            scores |= {} if figures.native is None else {"native": figures.native}
        else:
            scores[cell.system] = figures.latin
    return found


def _candidate(settings: Settings, collection: Collection, name: str) -> str | Candidate:
    if name == "scriptbridge" and collection.name in SEEN_PAIRS:
        return Candidate(name, name, name, lambda opened, folder: CrossFitted(settings.data, opened, folder))
    return "native=bm25" if name == "native" else name


def _has_native(collection: Collection) -> bool:
    return any(each.native for each in collection.query_sets)


def _progress(what: str, done: int, of: int) -> None:
    if done == of > 0:
        report.say(f"{what}: {done:,} queries")


def _result(
    index: str, name: str, kind: str, collection: Collection, queries: int, scores: Mapping[str, float]
) -> Result:
    return Result(index, name, kind or None, name.split(".")[0], len(collection.documents), queries, scores)


def check_native(collection: Collection) -> list[NativeCheck]:
    """Native queries in scriptbridge and in plain BM25."""
    if not _has_native(collection):
        return []
    with tempfile.TemporaryDirectory() as folder:
        ours, plain = (
            cast(System, prepare(each).open(collection, Path(folder))) for each in ("scriptbridge", "bm25")
        )
        checks = [
            _compared(each, collection.name, ours.search, plain.search) for each in collection.query_sets
        ]
        ours.close()
        plain.close()
    return checks


def _compared(
    queries: QuerySet, name: str, ours: Callable[[str, int], Ranking], plain: Callable[[str, int], Ranking]
) -> NativeCheck:
    native = [query for query in queries.native.values() if _all_native(query)]
    differences, same = [0.0], 0
    for query in native:
        mine, other = ours(query, K), plain(query, K)
        differences += [abs(a - b) for (_, a), (_, b) in zip(mine, other, strict=False)]
        same += _same(mine, other)
    return NativeCheck(
        name,
        queries.name or None,
        len(native),
        len(queries.native) - len(native),
        max(differences),
        same / len(native) if native else 1.0,
    )


def _all_native(query: str) -> bool:
    return all(token.script != "Latn" for token in text.tokenize(query))


def _same(ours: Ranking, plain: Ranking) -> bool:
    """Whether two rankings agree in their scores and in the documents above the last score."""
    if len(ours) != len(plain):
        return False
    close = all(abs(a - b) <= SAME_SCORE * b for (_, a), (_, b) in zip(ours, plain, strict=True))
    return close and _above_last(ours) == _above_last(plain)


def _above_last(ranking: Ranking) -> set[str]:
    last = ranking[-1][1] if len(ranking) == K else 0.0
    return {id for id, score in ranking if score > last * (1 + SAME_SCORE)}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval", description=__doc__)
    parser.add_argument("data", type=datasets.folder, help="the folder with retrieval/ and pairs/")
    every = (*datasets.DAKSHINA, *datasets.USER_TEXT)
    parser.add_argument("--sets", nargs="*", choices=every, help="only these sets (default: all)")
    parser.add_argument(
        "--together", action=argparse.BooleanOptionalAction, help="all Dakshina collections in one index, too"
    )
    parser.add_argument(
        "--everything", action="store_true", help="the same with documents in all other languages, too"
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
    if absent := [name for name in names if not (options.data / "retrieval" / name).is_dir()]:
        parser.error(
            f"{options.data / 'retrieval'} has no {', '.join(absent)}; --sets names those to measure"
        )
    results = Results(options.out, options.queries)
    settings = Settings(options.data, options.systems, options.queries, options.skip, options.detect)
    measure(settings, names, results)
    if options.together or (options.together is None and options.sets is None):
        measure_together(settings, results)
    if options.everything:
        measure_together(settings, results, EVERYTHING, datasets.other_languages(options.data))
    results.finish(report.circumstances("benchmarks.retrieval", arguments))
    print(tables.retrieval(report.load(options.out)))


if __name__ == "__main__":
    main()
