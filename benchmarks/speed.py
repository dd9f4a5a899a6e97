"""What a query, the index and the bridge cost, beside fold + fuzzy on tantivy over the same documents.

``python -m benchmarks.speed ../shared/data`` runs in one process and one thread. Queries have four words,
but for `questions`; each is asked once, whatever scriptbridge keeps from earlier queries is emptied before
each, and the two systems take turns. Both times go from the query's text to the ids of the ten best
documents.

Figures go to a JSON file, to which a later run of some sections only adds its own; see `tables` for the
page.
"""

from __future__ import annotations

import argparse
import functools
import gc
import os
import random
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numba

from benchmarks import datasets, report, romanizers, tables
from benchmarks.synthetic import enlarge, invented
from scriptbridge import decoding, text, weights
from scriptbridge.bridge import Bridge
from scriptbridge.channel import romanize
from scriptbridge.gap.baselines import FoldedIndex
from scriptbridge.gap.records import Collection
from scriptbridge.index import Index
from scriptbridge.lexicon import Lexicon
from scriptbridge.types import Document

__all__ = ["Cost", "QueryTimes", "forget", "indexed", "main"]

K = 10
QUERIES = 1000  # timed, of each kind
WARM_UP = 20
TURN = 50  # queries of one system before it is the other's turn
MILLION = 1_000_000
METERED = 1_500  # queries
LANGUAGE = "hi.dakshina-dev"
SINGLE = ("hi.dakshina-dev", "bn.dakshina-dev", "ta.dakshina-dev", "ur.dakshina-dev")
QUESTIONS = {  # and who types them: the language's channel, or romanizers that know nothing of scriptbridge
    "hi.xquad": ("channel",),
    "zh.xquad": ("pinyin", "pinyin_syllables", "pinyin_run_on"),
    "zh.cmrc2018": ("pinyin", "pinyin_syllables", "pinyin_run_on"),
    "ja.jaquad-dev": ("hepburn",),
}
ASKED = 300  # questions of each
SEARCH_COMMAND = "import sys; from scriptbridge.cli import main; sys.argv[0] = 'scriptbridge'; main()"


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds."""

    median: float
    p99: float


@dataclass(frozen=True, slots=True)
class QueryTimes:
    """Times of four-word queries; `ratio` is of the medians, `limit` what it should stay under."""

    case: str
    kind: str
    documents: int
    terms: int
    queries: int
    fuzzy: Times
    scriptbridge: Times
    ratio: float
    limit: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Anything else, with what is wanted of it."""

    what: str
    value: float
    unit: str
    wanted: str = ""


Section = list[QueryTimes | Cost]


# ---- four-word queries


def million(data: Path) -> Section:
    """One language with a million terms: real documents, and invented ones (see `synthetic`)."""
    collection = enlarge(datasets.load(data, LANGUAGE), MILLION)
    with indexed(collection) as index:
        times = [
            _compare("one language, a million terms", index, collection, queries, kind, 1.0)
            for kind, queries in _queries(data, [LANGUAGE])
        ]
        return [*times, *_opening(index.path)]


def twelve(data: Path) -> Section:
    """The twelve Dakshina collections in one index."""
    collection = datasets.merge("twelve", [datasets.load(data, name) for name in datasets.DAKSHINA])
    with indexed(collection) as index:
        return [
            _compare("twelve languages in one index", index, collection, queries, kind, 1.5)
            for kind, queries in _queries(data, datasets.DAKSHINA)
        ]


def single(data: Path) -> Section:
    """Collections of 10,000 documents, one language each."""
    section: Section = []
    for name in SINGLE:
        collection = datasets.load(data, name)
        with indexed(collection) as index:
            section += [
                _compare(f"10,000 documents, {name}", index, collection, queries, kind, 2.0)
                for kind, queries in _queries(data, [name])
            ]
    ratios = [each.ratio for each in section if isinstance(each, QueryTimes)]
    return [*section, Cost("mean ratio over collections of 10,000 documents", fmean(ratios), "x", "≤ 2.0")]


def questions(data: Path) -> Section:
    """Whole questions in Chinese and Japanese beside Hindi ones: those of both XQuADs are the same."""
    section: Section = []
    hindi = 0.0
    for name, authors in QUESTIONS.items():
        collection = datasets.load(data, name, limit=ASKED + WARM_UP)
        (native,) = (each.native.values() for each in collection.query_sets)
        with indexed(collection) as index:
            for author in authors:
                (taken,) = _take_turns([functools.partial(index.rank, k=K)], _typed(native, author, name[:2]))
                hindi = hindi or taken.median
                report.say(f"{name}, {author}: {taken.median:.2f} ms (p99 {taken.p99:.2f})")
                case = f"a question, {name}, {author.replace('_', ' ')}"
                section.append(Cost(f"{case}, median", taken.median, "ms"))
                if name[:2] != "hi":
                    section.append(Cost(f"{case}, beside a Hindi one", taken.median / hindi, "x", "≤ 3"))
    return section


def _typed(native: Iterable[str], author: str, language: str) -> list[str]:
    if author == "channel":
        return [romanize(question, language, seed=number)[0] for number, question in enumerate(native)]
    return [getattr(romanizers, author)(question, language) for question in native]


def _queries(data: Path, names: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Distinct four-word Latin queries of each kind, as many of every set."""
    each = -(-(QUERIES + WARM_UP) // len(names))
    for kind in datasets.KINDS:
        chosen: list[str] = []
        for name in names:
            typed = datasets.typed(datasets.load(data, name), kind)
            chosen += [query for query in typed if len(text.terms(query)) == 4][:each]
        random.Random(report.SEED).shuffle(chosen)
        yield kind, chosen


def _compare(
    case: str, index: Index, collection: Collection, queries: Sequence[str], kind: str, limit: float
) -> QueryTimes:
    folded = FoldedIndex(collection.documents.items())
    systems: list[Callable[[str], object]] = [
        functools.partial(folded.fuzzy_rank, k=K),
        functools.partial(index.rank, k=K),
    ]
    fuzzy, ours = _take_turns(systems, queries)
    times = QueryTimes(
        case,
        kind,
        len(collection.documents),
        len(index.bridge.lexicon),
        len(queries) - WARM_UP,
        fuzzy,
        ours,
        ours.median / fuzzy.median,
        limit,
    )
    report.say(
        f"{case}, {kind}: fold+fuzzy {fuzzy.median:.3f} (p99 {fuzzy.p99:.3f}) ms,"
        f" scriptbridge {ours.median:.3f} (p99 {ours.p99:.3f}) ms,"
        f" ratio {times.ratio:.2f} (limit {limit}), {times.terms:,} terms"
    )
    return times


def _take_turns(systems: Sequence[Callable[[str], object]], queries: Sequence[str]) -> list[Times]:
    """Every system's times over all queries but the first few, which warm it up."""
    times: list[list[float]] = [[] for _ in systems]
    for start in [0, *range(WARM_UP, len(queries), TURN)]:
        turn = queries[start : start + TURN] if start else queries[:WARM_UP]
        for taken, search in zip(times, systems, strict=True):
            taken += [_milliseconds(search, query) for query in turn]
    return [_times(taken[WARM_UP:]) for taken in times]


def _milliseconds(do: Callable[[str], object], given: str) -> float:
    forget()
    start = time.perf_counter()
    do(given)
    return (time.perf_counter() - start) * 1000


def forget() -> None:
    """Empty what scriptbridge keeps from earlier queries."""
    for module in (text, decoding, weights):
        for value in vars(module).values():
            if isinstance(value, functools._lru_cache_wrapper):
                value.cache_clear()


def _times(taken: Sequence[float]) -> Times:
    return Times(median(taken), sorted(taken)[int(0.99 * len(taken))])


@contextmanager
def indexed(collection: Collection) -> Iterator[Index]:
    """An index of a collection, opened anew, in a folder that goes away with it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        with Index.create(path) as index:
            index.add(_documents(collection))
            index.commit()
        with Index.open(path) as index:
            yield index


def _documents(collection: Collection) -> list[Document]:
    return [
        Document(id, {"text": words}, collection.languages.get(id))
        for id, words in collection.documents.items()
    ]


# ---- the bridge


def decode(data: Path) -> Section:
    """Time to read one token over lexicons of growing size."""
    collection = datasets.load(data, LANGUAGE)
    real = sorted({term for words in collection.documents.values() for term in text.terms(words)})
    queries = datasets.typed(collection, "rare")
    tokens = list(dict.fromkeys(token.text for query in queries for token in text.tokenize(query)))
    section: Section = []
    random.Random(report.SEED).shuffle(real)
    words = real + invented([word for word in real if text.script_of(word) != "Latn"], MILLION - len(real))
    for size in (10_000, 100_000, MILLION):
        bridge = Bridge(Lexicon.from_terms(dict.fromkeys(words[:size], 1)), [LANGUAGE.split(".")[0]])
        (times,) = _take_turns([bridge.expand], tokens[: QUERIES + WARM_UP])
        report.say(f"{size:,} terms: {times.median * 1000:.0f} µs a token, p99 {times.p99 * 1000:.0f} µs")
        section += [
            Cost(f"reading a token, {size:,} terms, median", times.median * 1000, "µs"),
            Cost(f"reading a token, {size:,} terms, p99", times.p99 * 1000, "µs"),
        ]
    return section


def _opening(path: Path) -> Section:
    """Opening an index and readying its bridge, and the memory that takes."""
    gc.collect()
    tracemalloc.start()
    with Index.open(path) as index:
        index.bridge.expand("pahla")
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        size = len(index.bridge.lexicon)
        memory = max(held, index.bridge.lexicon.nbytes) / size
    start = time.perf_counter()
    with Index.open(path) as index:
        index.bridge.expand("pahla")
        seconds = time.perf_counter() - start
    report.say(f"{size:,} terms: {memory:.0f} bytes a term, opened in {seconds:.2f} s")
    return [
        Cost(f"memory of the bridge, {size:,} terms", memory, "bytes a term", "≤ 150"),
        Cost(f"opening an index of {size:,} terms", seconds, "s", "≤ 1"),
    ]


# ---- indexing and the command


def indexing(data: Path) -> Section:
    """Documents a second of processor time, all threads counted, with the commit."""
    collection = datasets.merge("twelve", [datasets.load(data, name) for name in datasets.DAKSHINA])
    documents = _documents(collection)
    with tempfile.TemporaryDirectory() as folder:
        with Index.create(Path(folder) / "warm-up") as index:
            index.add(documents[:1000])
            index.commit()
        start, started = time.process_time(), time.perf_counter()
        with Index.create(Path(folder) / "index") as index:
            index.add(documents)
            index.commit()
        core, wall = time.process_time() - start, time.perf_counter() - started
    report.say(f"indexing: {len(documents) / core:,.0f} documents a second and core, {wall:.1f} s")
    return [
        Cost("indexing", len(documents) / core, "documents a second and core", "≥ 8,000"),
        Cost(f"indexing {len(documents):,} documents", wall, "s"),
    ]


def command(data: Path) -> Section:
    """The `search` command in a process of its own, from start to end: once with nothing compiled, then with
    compiled code cached on disk.
    """
    collection = datasets.load(data, LANGUAGE)
    taken = []
    with indexed(collection) as index, tempfile.TemporaryDirectory() as cache:
        call = [sys.executable, "-c", SEARCH_COMMAND, "search", str(index.path), "gulab vishesh"]
        for _ in range(6):
            start = time.perf_counter()
            environment = os.environ | {"NUMBA_CACHE_DIR": cache}
            subprocess.run(call, check=True, stdout=subprocess.DEVNULL, env=environment)
            taken.append(time.perf_counter() - start)
    compiling, *compiled = taken
    report.say(f"search command: {compiling:.1f} s, then {median(compiled):.2f} s")
    return [
        Cost("the first search command, which compiles", compiling, "s"),
        Cost("the search command, cold, median of 5", median(compiled), "s", "≤ 1.5"),
    ]


def metering(data: Path) -> Section:
    """The gap meter from start to end, its page and JSON included, as a process of its own."""
    systems = ("scriptbridge", "fold", "fold+fuzzy")
    with tempfile.TemporaryDirectory() as folder:
        call = [sys.executable, "-c", SEARCH_COMMAND, "gap", str(data / "retrieval" / LANGUAGE)]
        call += [f"--queries={METERED // len(datasets.KINDS)}", f"--work={folder}"]
        call += [f"--report={folder}/gap.html", f"--report={folder}/gap.json"]
        call += [f"--system={each}" for each in systems]
        start = time.perf_counter()
        subprocess.run(call, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        taken = time.perf_counter() - start
    report.say(f"gap command: {taken:.1f} s")
    what = f"metering {METERED:,} queries, native and Latin, × {len(systems)} systems over 10,000 documents"
    return [Cost(what, taken, "s", "≤ 60")]


SECTIONS: dict[str, Callable[[Path], Section]] = {
    each.__name__: each for each in (million, twelve, single, questions, decode, indexing, command, metering)
}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("data", type=datasets.folder, help="the folder with retrieval/")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="only these")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/speed.json"))
    options = parser.parse_args(arguments)
    numba.set_num_threads(1)
    sections: dict[str, Any] = report.load(options.out).get("sections", {})
    for name in options.sections:
        measured = SECTIONS[name](options.data)
        sections[name] = {
            "queries": [asdict(each) for each in measured if isinstance(each, QueryTimes)],
            "costs": [asdict(each) for each in measured if isinstance(each, Cost)],
            "made": report.circumstances("benchmarks.speed", arguments),  # a section may be of another day
        }
        report.save(
            options.out, {"sections": {each: sections[each] for each in SECTIONS if each in sections}}
        )
    print(tables.speed(report.load(options.out)))


if __name__ == "__main__":
    main()
