"""Measuring the script gap: every system, native queries and Latin ones, what both find and what is lost."""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from scriptbridge.errors import GapError, ScriptbridgeError
from scriptbridge.types import Expansion

from . import authors, causes, measures, significance
from .journal import Journal, Page, digest
from .records import (
    GIVEN,
    MEASURES,
    Answer,
    Behaviour,
    Cell,
    Collection,
    LatinQueries,
    Lost,
    QuerySet,
    Report,
    Scores,
    System,
)
from .systems import RunFiles, described, system
from .trec import ranked

__all__ = ["DEPTH", "MAIN", "Progress", "measure"]

DEPTH = 100  # hits asked for
MAIN = MEASURES[0]
EXAMINED = 200  # lost queries of a cell whose cause is looked for, at most
SHOWN = 10  # of the worst, and of the median ones
CHANNEL = "channel"

Answers = dict[str, list[Answer]]
"""Query id → the answer to each of its wordings."""
Progress = Callable[[str, int, int], None]
"""Called with what is under way, how many of its queries are done, and of how many."""
Opener = Callable[[Collection, Path], System | RunFiles]


def measure(
    collections: Sequence[Collection],
    systems: Sequence[str | Opener],
    latin: Sequence[str] = (),
    *,
    seed: int = 0,
    journal: Journal | None = None,
    progress: Progress = lambda what, done, of: None,
    explain: bool = True,
) -> Report:
    """The gap of `systems` (see `systems.system`) over the queries of `collections`.

    `latin` names the authors of Latin queries (see `authors`), `GIVEN` for those that came with a collection;
    by default those, and where there are none, the channel and every independent romanizer installed.
    `explain`: look for the causes of lost queries, which takes some more searches.
    """
    if not collections or not systems:
        raise GapError("nothing to measure: at least one collection and one system are needed")
    journal = journal or Journal(None)
    measurement = _Measurement(seed, journal, progress, explain)
    for collection in collections:
        measurement.run(collection, systems, latin)
    journal.finish()
    return measurement.report()


@dataclass
class _Measurement:
    """What has been measured so far."""

    seed: int
    journal: Journal
    progress: Progress
    explain: bool
    collections: dict[str, Mapping[str, object]] = field(default_factory=dict)
    systems: dict[str, str] = field(default_factory=dict)
    authors: dict[str, str] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    causes: dict[str, Mapping[str, int]] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)
    queries: dict[str, dict[str, dict[str, Mapping[str, tuple[str, ...]]]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def run(self, collection: Collection, systems: Sequence[str | Opener], latin: Sequence[str]) -> None:
        """Measure every system over one collection."""
        if collection.name in self.collections:
            raise GapError(f"two collections are called {collection.name!r}")
        written = {each.name: self._written(collection, each, latin) for each in collection.query_sets}
        self.collections[collection.name] = _described(collection)
        self._note(*collection.notes)
        names = set()
        for spec in systems:
            self.progress(f"{collection.name}: {spec if isinstance(spec, str) else 'system'}", 0, 0)
            with tempfile.TemporaryDirectory() as folder:
                opener = spec if callable(spec) else lambda c, f, spec=spec: system(spec, c, f)
                with closing(opener(collection, Path(folder))) as opened:
                    if opened.name in names:
                        raise GapError(
                            f"two systems are called {opened.name!r}; name one: NAME={opened.name}"
                        )
                    names.add(opened.name)
                    self.systems[opened.name] = described(spec) if isinstance(spec, str) else opened.name
                    self._note(*getattr(opened, "notes", ()))
                    self._measure(collection, opened, str(spec), written)

    def report(self) -> Report:
        """Everything, its significance corrected for how much was compared."""
        return Report(
            circumstances={"seed": self.seed, "depth": DEPTH},
            collections=self.collections,
            systems=self.systems,
            authors=self.authors,
            cells=significance.corrected(self.cells),
            comparisons=significance.comparisons(self.cells, self.seed),
            causes=self.causes,
            lost=tuple(self.lost),
            queries=self.queries,
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def _note(self, *notes: str) -> None:
        self.notes += notes

    # ---- the Latin queries

    def _written(
        self, collection: Collection, query_set: QuerySet, latin: Sequence[str]
    ) -> list[LatinQueries]:
        """The Latin queries of a set, by every author asked for."""
        specs = list(dict.fromkeys(latin)) or _default_authors(query_set)
        found: list[LatinQueries] = []
        for spec in specs:
            try:
                queries = self._by(spec, collection, query_set)
            except GapError as error:
                if latin or (spec == specs[-1] and not found):
                    raise
                self._note(str(error))  # nobody asked for this author
                continue
            if not (set(queries.texts) & set(query_set.native or queries.texts)):
                raise GapError(f"{collection.name} {query_set.name}: {spec} wrote no Latin query")
            self.authors[spec] = "came with the collection" if spec == GIVEN else authors.describe(spec)
            self._note(*queries.notes)
            kept = self.queries.setdefault(collection.name, {}).setdefault(query_set.name, {})
            kept[spec] = queries.texts
            found.append(queries)
        if all(spec.partition("+")[0].partition(":")[0] == CHANNEL for spec in specs):
            self._note(
                "The Latin queries were written by scriptbridge's own channel alone: figures of scriptbridge "
                "are too good, since it reads what it wrote. Add an independent author."
            )
        return found

    def _by(self, spec: str, collection: Collection, query_set: QuerySet) -> LatinQueries:
        if spec == GIVEN:
            if query_set.latin is None:
                raise GapError(
                    f"{collection.name} {query_set.name}: it has no Latin queries of its own; name an "
                    "author, such as --latin uroman"
                )
            return query_set.latin
        if not query_set.native:
            raise GapError(
                f"{collection.name} {query_set.name}: it has no native queries that {spec} could romanize"
            )
        spoken = {
            id: measures.language_of(id, query_set.qrels, collection.languages) for id in query_set.native
        }
        return authors.write(spec, query_set.native, spoken, self.seed)

    # ---- one system over one collection

    def _measure(
        self,
        collection: Collection,
        opened: System | RunFiles,
        spec: str,
        written: Mapping[str, Sequence[LatinQueries]],
    ) -> None:
        with self.journal.page(digest(collection), spec, str(DEPTH)) as page:
            for query_set in collection.query_sets:
                label = " ".join(filter(None, [collection.name, query_set.name]))
                native = self._native(opened, query_set, page, label)
                for queries in written[query_set.name]:
                    answers = self._asked(opened, queries.author, queries.texts, page, label)
                    cell = self._cell(collection, query_set, opened.name, queries, answers, native)
                    self.cells.append(cell)
                    self._explain(collection, query_set, opened, queries, cell)

    def _native(
        self, opened: System | RunFiles, query_set: QuerySet, page: Page, label: str
    ) -> Answers | None:
        if not query_set.native:
            return None
        if isinstance(opened, RunFiles) and opened.native is None:
            return None
        wordings = {id: (query,) for id, query in query_set.native.items()}
        return self._asked(opened, "", wordings, page, label)

    def _asked(
        self,
        opened: System | RunFiles,
        author: str,
        wordings: Mapping[str, tuple[str, ...]],
        page: Page,
        label: str,
    ) -> Answers:
        """Answers to every wording; `author` is "" for native queries."""
        if isinstance(opened, RunFiles):
            if author not in ("", GIVEN):
                raise GapError(
                    f"{opened.name}: run files answer the collection's own Latin queries, not {author}'s"
                )
            return _looked_up(opened, author, wordings)
        what = f"{label}: {opened.name}, {author or 'native'}"
        total = sum(map(len, wordings.values()))
        answers: Answers = {id: [] for id in wordings}
        done = 0
        for id, texts in wordings.items():
            for text in texts:
                key = (author, id, text)
                answer = page.get(key)
                if answer is None:
                    if author not in page.warm:
                        _ask(opened, text)  # the first query of a process pays for caches and compilation
                        page.warm.add(author)
                    answer = _ask(opened, text)
                    page.add(key, answer)
                answers[id].append(answer)
                done += 1
                self.progress(what, done, total)
        return answers

    def _cell(
        self,
        collection: Collection,
        query_set: QuerySet,
        name: str,
        queries: LatinQueries,
        latin: Answers,
        native: Answers | None,
    ) -> Cell:
        ids = tuple(id for id in latin if native is None or id in native)
        confident = measures.confidence(native if native is not None else latin, query_set.qrels)
        scores = measures.per_query(latin, query_set.qrels, ids)
        above = None if native is None else measures.per_query(native, query_set.qrels, ids)

        def behaviour(answers: Answers) -> Behaviour:
            chosen = {id: answers[id] for id in ids}
            return measures.behaviour(chosen, query_set.qrels, collection.languages, confident)

        return Cell(
            collection=collection.name,
            query_set=query_set.name,
            language=_commonest_language(collection, query_set, ids),
            author=queries.author,
            system=name,
            queries=len(ids),
            figures={
                each: significance.figures(scores[each], None if above is None else above[each], self.seed)
                for each in MEASURES
            },
            latin=behaviour(latin),
            native=None if native is None else behaviour(native),
            scores=Scores(
                ids,
                tuple(scores[MAIN].tolist()),
                None if above is None else tuple(above[MAIN].tolist()),
            ),
        )

    # ---- why

    def _explain(
        self,
        collection: Collection,
        query_set: QuerySet,
        opened: System | RunFiles,
        queries: LatinQueries,
        cell: Cell,
    ) -> None:
        """Count the causes of the cell's lost queries, and keep the worst and the median ones."""
        if cell.scores.native is None or not self.explain:
            return
        both = zip(cell.scores.ids, cell.scores.latin, cell.scores.native, strict=True)
        lost = sorted(
            ((id, low, high) for id, low, high in both if low < high), key=lambda each: each[1] - each[2]
        )
        shown = _worst_and_median(len(lost))
        others = [at for at in range(len(lost)) if at not in shown]
        random.Random(self.seed).shuffle(others)
        counts: Counter[str] = Counter()
        found = {}
        what = f"{cell.collection} {cell.query_set}: {cell.system}, {cell.author}: why"
        examined = [*shown, *others][:EXAMINED]
        for number, at in enumerate(examined, 1):
            id, low, high = lost[at]
            native, latin = query_set.native[id], queries.texts[id][0]
            language = measures.language_of(id, query_set.qrels, collection.languages)
            diagnosis = _diagnosed(opened, id, latin, native, language, query_set)
            counts[diagnosis.cause] += 1
            found[at] = Lost(
                cell.collection,
                cell.query_set,
                cell.author,
                cell.system,
                id,
                latin,
                native,
                low,
                high,
                diagnosis.cause,
                diagnosis.token,
                diagnosis.missed,
                diagnosis.readings,
            )
            self.progress(what, number, len(examined))
        self.lost += [found[at] for at in shown]
        if counts:
            key = "\t".join([cell.collection, cell.query_set, cell.author, cell.system])
            self.causes[key] = dict(counts.most_common())


def _default_authors(query_set: QuerySet) -> list[str]:
    if query_set.latin is not None:
        return [GIVEN]
    independent = authors.independent()
    if not independent:
        raise GapError(
            "the collection has no Latin queries, and no romanizer but the channel is installed to write "
            "them: pip install 'scriptbridge[gap]', or name the authors with --latin"
        )
    return [CHANNEL, *independent]


def _described(collection: Collection) -> dict[str, object]:
    return {
        "documents": len(collection.documents),
        "languages": dict(Counter(collection.languages.values()).most_common()),
        "queries": {each.name: len(each.qrels) for each in collection.query_sets},
    }


def _commonest_language(collection: Collection, query_set: QuerySet, ids: Sequence[str]) -> str | None:
    spoken = (measures.language_of(id, query_set.qrels, collection.languages) for id in ids)
    counts = Counter(code for code in spoken if code)
    return counts.most_common(1)[0][0] if counts else None


def _ask(opened: System, query: str) -> Answer:
    started = time.perf_counter()
    try:
        hits = opened.search(query, DEPTH)
    except ScriptbridgeError as error:
        return Answer((), time.perf_counter() - started, str(error))
    seconds = time.perf_counter() - started
    return Answer(tuple(ranked(hits)), seconds)


def _looked_up(runs: RunFiles, author: str, wordings: Mapping[str, tuple[str, ...]]) -> Answers:
    run = runs.latin if author else runs.native
    return {id: [Answer(tuple((run or {}).get(id, ())))] for id in wordings}


def _readings(opened: System | RunFiles, query: str) -> Expansion | None:
    tell: Callable[[str], Expansion] | None = getattr(opened, "readings", None)
    return None if tell is None else tell(query)


def _diagnosed(
    opened: System | RunFiles, id: str, latin: str, native: str, language: str | None, query_set: QuerySet
) -> causes.Diagnosis:
    if isinstance(opened, RunFiles):
        return causes.diagnose(latin, native, language, None, None)

    def effectiveness(query: str) -> float:
        return float(measures.per_query({id: [_ask(opened, query)]}, query_set.qrels, [id])[MAIN][0])

    return causes.diagnose(latin, native, language, _readings(opened, latin), effectiveness)


def _worst_and_median(lost: int) -> list[int]:
    """Places among the lost queries, the worst first: the first ten, and the ten in the middle."""
    middle = max(0, (lost - SHOWN) // 2)
    return list(dict.fromkeys([*range(min(SHOWN, lost)), *range(middle, min(lost, middle + SHOWN))]))
