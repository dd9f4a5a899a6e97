"""A query's last word, of which a few letters are typed: how often it is offered, and how soon.

``python -m benchmarks.completion ../shared/data`` measures recall@5 of the last words of four-word queries as
people typed them, by themselves and with the words before: in an index with the sentences that the words were
taken from, and in one without these, of the words that it still holds. Then milliseconds of processor time a
completion over a million terms (see `synthetic`); whatever scriptbridge keeps from earlier queries is emptied
before each.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numba

from benchmarks import datasets, report, tables
from benchmarks.speed import MILLION, forget, indexed
from benchmarks.synthetic import enlarge
from scriptbridge import Completion, Index, text
from scriptbridge.gap.records import Collection

__all__ = ["main", "recall", "times"]

SETS = ("hi.dakshina-dev", "ta.dakshina-dev", "ur.dakshina-dev", "bn.dakshina-dev")
KIND = "window"  # words in a row, function words and all
LETTERS = (1, 2, 3)
OFFERED = 5
QUERIES, SKIPPED = 200, 1000
WARM_UP = 5

Last = tuple[str, int, str]
"""A query up to the end of its last word, where that begins, and what it means."""
Complete = Callable[[str, int], Sequence[Completion]]


def recall(data: Path, name: str, limit: int, skip: int) -> list[dict[str, Any]]:
    """A row for each number of letters typed."""
    collection = datasets.load(data, name, limit=limit, skip=skip)
    words = lasts(collection)
    asked = {
        id for queries in collection.query_sets for documents in queries.qrels.values() for id in documents
    }
    others = {id: each for id, each in collection.documents.items() if id not in asked}
    rows: list[dict[str, Any]] = [{"set": name, "letters": letters} for letters in LETTERS]
    for arm, documents in (("there", collection.documents), ("new", others)):
        with tempfile.TemporaryDirectory() as folder, Index.create(Path(folder) / "index") as index:
            index.add(
                {"id": id, "text": each, "lang": collection.languages[id]} for id, each in documents.items()
            )
            index.commit()
            known = [each for each in words if each[2] in index.bridge.lexicon]
            for row in rows:
                row[arm] = {
                    "alone": _recall(index.bridge.complete, known, row["letters"]),
                    "context": _recall(index.complete, known, row["letters"]),
                }
    return rows


def lasts(collection: Collection) -> list[Last]:
    """The last words of a collection's queries, where every Latin word stands for one native word."""
    (queries,) = [each for each in collection.query_sets if each.name == KIND]
    latin = {id: each[0] for id, each in queries.latin.texts.items()} if queries.latin else {}
    pairs = [(query, text.tokenize(query), text.terms(queries.native[id])) for id, query in latin.items()]
    return [
        (query[: typed[-1].end], typed[-1].start, meant[-1])
        for query, typed, meant in pairs
        if len(typed) == len(meant) > 1 and typed[-1].script == "Latn"
    ]


def _recall(complete: Complete, words: Sequence[Last], letters: int) -> float:
    """Of the words that are longer than what is typed."""
    return fmean(
        any(text.normalize(each.term) == word for each in complete(query[: start + letters], OFFERED))
        for query, start, word in words
        if len(query) > start + letters
    )


def times(data: Path, limit: int) -> list[dict[str, Any]]:
    """Milliseconds over a million terms, by the letters typed, of a word alone and of one in context."""
    collection = datasets.load(data, SETS[0], limit=limit)
    words = lasts(collection)
    rows = []
    with indexed(enlarge(collection, MILLION)) as index:
        for letters in LETTERS:
            typed = [
                (query[: start + letters], start) for query, start, _ in words if len(query) > start + letters
            ]
            alone = _times(index.complete, [query[start:] for query, start in typed])
            context = _times(index.complete, [query for query, _ in typed])
            rows.append(
                {"terms": len(index.bridge.lexicon), "letters": letters, "alone": alone, "context": context}
            )
            report.say(str(rows[-1]))
    return rows


def _times(complete: Complete, queries: Sequence[str]) -> dict[str, float]:
    taken = []
    for query in queries:
        forget()
        started = time.process_time()
        complete(query, OFFERED)
        taken.append((time.process_time() - started) * 1000)
    taken = sorted(taken[WARM_UP:])
    return {"median": median(taken), "p99": taken[int(0.99 * len(taken))]}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.completion", description=__doc__)
    parser.add_argument("data", type=datasets.folder, help="the folder with retrieval/")
    parser.add_argument("--queries", type=int, default=QUERIES, help="of each set; 0 for all of them")
    parser.add_argument("--skip", type=int, default=SKIPPED, help="leave out the first queries of each set")
    parser.add_argument("--parts", nargs="+", choices=("recall", "times"), default=("recall", "times"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/completion.json"))
    options = parser.parse_args(arguments)
    numba.set_num_threads(1)
    measured = report.load(options.out)
    if "recall" in options.parts:
        measured["recall"] = []
        for name in SETS:
            measured["recall"] += recall(options.data, name, options.queries, options.skip)
            report.say(str(measured["recall"][-len(LETTERS) :]))
        measured["made"] = report.circumstances("benchmarks.completion", arguments)
        report.save(options.out, measured)
    if "times" in options.parts:
        measured["times"] = times(options.data, options.queries)
        measured["timed"] = report.circumstances("benchmarks.completion", arguments)  # perhaps another day
        report.save(options.out, measured)
    print(tables.completion(report.load(options.out)))


if __name__ == "__main__":
    main()
