"""Measuring the script gap: every system, native queries and Latin ones, what both find and what is lost."""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from scriptbridge import __version__, extras
from scriptbridge.errors import GapError, ScriptbridgeError
from scriptbridge.functions import described

from . import authors, causes, measures, significance
from .journal import Journal, Page, digest
from .records import (
    GIVEN,
    MAIN,
    MEASURES,
    MEDIAN,
    WORST,
    Answer,
    Behaviour,
    Cell,
    Collection,
    LatinQueries,
    Lost,
    QuerySet,
    Ranking,
    Reader,
    Report,
    Scores,
    System,
)
from .systems import Candidate, RunFiles, prepare
from .trec import ranked

__all__ = ["DEPTH", "Progress", "measure"]

DEPTH = 100  # hits asked for
EXAMINED = 200  # lost queries of a cell whose cause is looked for, at most
SHOWN = 10  # of the worst, and of the median ones
PATIENCE = 5  # queries that a system may fail at from the start, before it is given up
ENDURANCE = 20  # and in a row, later on
LEAST_LOSS = 0.01  # of nDCG@10: a query that loses less isn't lost
NEARLY_ALL = 0.9  # of a set's queries, for their language to be the set's
CHANNEL = "channel"
WHY = "\0why"  # who "writes" the queries that find causes: no author

Answers = dict[str, list[Answer]]
"""Query id → the answer to each of its wordings."""
Progress = Callable[[str, int, int], None]
"""Called with what is under way, how many of its queries are done, and of how many."""


def measure(
    collections: Sequence[Collection],
    systems: Sequence[str | Candidate],
    latin: Sequence[str] = (),
    *,
    seed: int = 0,
    journal: Journal | None = None,
    progress: Progress = lambda what, done, of: None,
    explain: bool = True,
) -> Report:
    """The gap of `systems` (see `systems.prepare`) over the queries of `collections`.

    `latin` names the authors of Latin queries (see `authors`), `GIVEN` for those that came with a collection;
    by default those, and where there are none, the channel and every independent romanizer installed.
    `explain`: look for the causes of lost queries, which takes some more searches. A `journal` keeps answers,
    with which an interrupted measurement goes on; call its `finish` when the report is saved. All that can be
    checked beforehand is; GapError, or another ScriptbridgeError, for what cannot be measured.
    """
    if not collections or not systems:
        raise GapError("nothing to measure: at least one collection and one system are needed")
    candidates = [prepare(each) if isinstance(each, str) else each for each in systems]
    _check_names("systems", [each.name for each in candidates])
    _check_names("collections", [each.name for each in collections])
    extras.load("ir_measures", "gap")
    for candidate in candidates:
        for collection in collections:
            candidate.check(collection)
    journal = journal or Journal(None)
    measurement = _Measurement(seed, journal, progress, explain)
    written = [measurement.write(collection, latin) for collection in collections]
    for collection, queries in zip(collections, written, strict=True):
        measurement.run(collection, candidates, queries)
    return measurement.report()


def _check_names(what: str, names: Sequence[str]) -> None:
    if repeated := [name for name, times in Counter(names).items() if times > 1]:
        raise GapError(f"two {what} are called {repeated[0]!r}: give one another name, such as NAME=…")


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
    lost: list[Lost] = field(default_factory=list)
    queries: dict[str, dict[str, dict[str, Mapping[str, tuple[str, ...]]]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def write(self, collection: Collection, latin: Sequence[str]) -> dict[str, list[LatinQueries]]:
        """The Latin queries of each query set, by every author asked for."""
        self.collections[collection.name] = _described(collection)
        self.notes += collection.notes
        return {each.name: self._written(collection, each, latin) for each in collection.query_sets}

    def run(
        self,
        collection: Collection,
        candidates: Sequence[Candidate],
        written: Mapping[str, Sequence[LatinQueries]],
    ) -> None:
        """Measure every system over one collection."""
        documents = digest(collection)
        for candidate in candidates:
            self.progress(f"{collection.name}: {candidate.name}", 0, 0)
            identity = (__version__, documents, candidate.name, candidate.identity, str(DEPTH))
            with (
                tempfile.TemporaryDirectory() as folder,
                closing(candidate.open(collection, Path(folder))) as opened,
                self.journal.page(*identity) as page,
            ):
                self.systems[candidate.name] = candidate.what
                self.notes += opened.notes
                self._measure(collection, opened, written, page)

    def report(self) -> Report:
        """Everything, with how sure it is."""
        return Report(
            circumstances={"seed": self.seed, "depth": DEPTH},
            collections=self.collections,
            systems=self.systems,
            authors=self.authors,
            cells=significance.tested(self.cells, self.seed),
            comparisons=significance.comparisons(self.cells, self.seed),
            lost=tuple(self.lost),
            queries=self.queries,
            notes=tuple(dict.fromkeys([*self.notes, *self.journal.notes])),
        )

    # ---- the Latin queries

    def _written(
        self, collection: Collection, query_set: QuerySet, latin: Sequence[str]
    ) -> list[LatinQueries]:
        specs = list(dict.fromkeys(latin)) or _default_authors(query_set)
        found: list[LatinQueries] = []
        for spec in specs:
            try:
                queries = self._by(spec, collection, query_set)
            except GapError as error:
                if latin or (spec == specs[-1] and not found):
                    raise
                self.notes.append(str(error))  # nobody asked for this author
                continue
            self.authors[spec] = "came with the collection" if spec == GIVEN else authors.describe(spec)
            self.notes += queries.notes
            kept = self.queries.setdefault(collection.name, {}).setdefault(query_set.name, {})
            kept[spec] = queries.texts
            found.append(queries)
        if all(each.author.partition("+")[0].partition(":")[0] == CHANNEL for each in found):
            self.notes.append(
                "The Latin queries were written by scriptbridge's own channel alone: figures of scriptbridge "
                "are too good, since it reads what it wrote. Add an independent author."
            )
        return found

    def _by(self, spec: str, collection: Collection, query_set: QuerySet) -> LatinQueries:
        where = _label(collection, query_set)
        if spec == GIVEN:
            if query_set.latin is None:
                raise GapError(
                    f"{where}: it has no Latin queries of its own; name an author, such as --latin uroman"
                )
            return query_set.latin
        if not query_set.native:
            raise GapError(f"{where}: it has no native queries that {spec} could romanize")
        spoken = {
            id: measures.language_of(id, query_set.qrels, collection.languages) for id in query_set.native
        }
        queries = authors.write(spec, query_set.native, spoken, self.seed)
        if not queries.texts:
            raise GapError(f"{where}: {spec} wrote no Latin query")
        return queries

    # ---- one system over one collection

    def _measure(
        self,
        collection: Collection,
        opened: System | RunFiles,
        written: Mapping[str, Sequence[LatinQueries]],
        page: Page,
    ) -> None:
        source = opened if isinstance(opened, RunFiles) else _Questions(opened, page)
        for query_set in collection.query_sets:
            label = _label(collection, query_set)
            native = None
            if query_set.native and not (isinstance(opened, RunFiles) and opened.native is None):
                wordings = {id: (query,) for id, query in query_set.native.items()}
                native = self._asked(source, "", wordings, label)
                self._check_ids(collection, opened, label, native)
                if not any(answer.hits for answers in native.values() for answer in answers):
                    self.notes.append(
                        f"{label}: {opened.name} finds nothing for any native query: is it the right index, "
                        "the right field?"
                    )
            for queries in written[query_set.name]:
                latin = self._asked(source, queries.author, queries.texts, label)
                self._check_ids(collection, opened, label, latin)
                cell = self._cell(collection, query_set, opened.name, queries, latin, native)
                if self.explain and native is not None:
                    cell = replace(
                        cell, causes=self._explain(collection, query_set, source, queries, cell, latin)
                    )
                self.cells.append(cell)

    def _asked(
        self,
        source: _Questions | RunFiles,
        author: str,
        wordings: Mapping[str, tuple[str, ...]],
        label: str,
    ) -> Answers:
        """Answers to every wording; `author` is "" for native queries."""
        if isinstance(source, RunFiles):
            return self._looked_up(source, author, wordings)
        what = f"{label}: {source.opened.name}, {author or 'native'}"
        total = sum(map(len, wordings.values()))
        answers: Answers = {id: [] for id in wordings}
        done, errors = 0, []
        for id, texts in wordings.items():
            for text in texts:
                answer = source.ask(what, author, id, text)
                answers[id].append(answer)
                done += 1
                if answer.error is not None:
                    errors.append(answer.error)
                self.progress(what, done, total)
        if errors and len(errors) == total:
            raise GapError(f"{what}: all {total:,} queries failed: {errors[0]}")
        if errors:
            self.notes.append(f"{what}: {len(errors):,} of {total:,} queries failed, the first: {errors[0]}")
        return answers

    def _looked_up(self, runs: RunFiles, author: str, wordings: Mapping[str, tuple[str, ...]]) -> Answers:
        if author not in ("", GIVEN):
            raise GapError(
                f"{runs.name}: run files answer the collection's own Latin queries, not {author}'s; put the "
                "queries that the Latin run answers into the collection (queries.latin.jsonl)"
            )
        run = runs.latin if author else runs.native or {}
        if missing := [id for id in wordings if id not in run]:
            which = f"{runs.name}, {author or 'native'}: the run has "
            if len(missing) == len(wordings):
                raise GapError(f"{which}none of the queries' ids, such as {missing[0]!r}")
            self.notes.append(
                f"{which}nothing for {len(missing):,} of {len(wordings):,} queries, such as {missing[0]!r}"
            )
        return {id: [Answer(tuple(run.get(id, ())))] for id in wordings}

    def _check_ids(
        self, collection: Collection, opened: System | RunFiles, label: str, answers: Answers
    ) -> None:
        """Hits that are no documents of the collection find nothing: a system with ids of its own."""
        hits = {
            document for wordings in answers.values() for answer in wordings for document, _ in answer.hits
        }
        unknown = sorted(hits - collection.documents.keys())
        if not unknown:
            return
        told = f"{label}: {opened.name} finds {{}} documents whose ids the collection does not have, such as "
        if len(unknown) == len(hits):
            raise GapError(
                told.format("only") + f"{unknown[0]!r}; the collection's are such as "
                f"{next(iter(collection.documents), '')!r}"
            )
        self.notes.append(told.format(f"{len(unknown):,}") + f"{unknown[0]!r}: they count as wrong")

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
            language=_language(collection, query_set, ids),
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
        source: _Questions | RunFiles,
        queries: LatinQueries,
        cell: Cell,
        answers: Answers,
    ) -> dict[str, int]:
        """Count the causes of the cell's lost queries, and keep the worst and the median ones."""
        both = zip(cell.scores.ids, cell.scores.latin, cell.scores.native or (), strict=True)
        lost = sorted(
            ((id, low, high) for id, low, high in both if high - low >= LEAST_LOSS),
            key=lambda each: each[1] - each[2],
        )
        groups = _groups(len(lost))
        shown = {at for places in groups.values() for at in places}
        others = [at for at in range(len(lost)) if at not in shown]
        random.Random(self.seed).shuffle(others)
        examined = [*sorted(shown), *others][:EXAMINED]
        what = f"{_label(collection, query_set)}: {cell.system}, {cell.author}: why"
        diagnoses = {}
        for number, at in enumerate(examined):
            self.progress(what, number, len(examined))
            id, _, high = lost[at]
            latin, low = _least(query_set, id, queries.texts[id], answers[id])
            language = measures.language_of(id, query_set.qrels, collection.languages)
            if any(answer.error is not None for answer in answers[id]):
                diagnosis = causes.Diagnosis("failed")
            else:
                diagnosis = _diagnosed(what, source, id, latin, language, query_set)
            diagnoses[at] = (id, latin, low, high, diagnosis)
        self.progress(what, len(examined), len(examined))
        for group, places in groups.items():
            for id, latin, low, high, found in (diagnoses[at] for at in places):
                self.lost.append(
                    Lost(
                        cell.collection,
                        cell.query_set,
                        cell.author,
                        cell.system,
                        group,
                        id,
                        latin,
                        query_set.native[id],
                        low,
                        high,
                        found.cause,
                        found.token,
                        found.missed,
                        found.readings,
                    )
                )
        return dict(Counter(diagnosis.cause for *_, diagnosis in diagnoses.values()).most_common())


def _label(collection: Collection, query_set: QuerySet) -> str:
    return " ".join(filter(None, [collection.name, query_set.name]))


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


def _language(collection: Collection, query_set: QuerySet, ids: Sequence[str]) -> str | None:
    spoken = (measures.language_of(id, query_set.qrels, collection.languages) for id in ids)
    counts = Counter(code for code in spoken if code)
    code, most = counts.most_common(1)[0] if counts else (None, 0)
    return code if most >= NEARLY_ALL * len(ids) else None


class _Questions:
    """What one system is asked over one collection: each thing once, and not for ever where it fails."""

    def __init__(self, opened: System, page: Page) -> None:
        self.opened = opened
        self._page = page
        self._warm: set[str] = set()
        self._asked = 0
        self._failed = 0  # in a row

    def ask(self, what: str, author: str, id: str, text: str) -> Answer:
        """The answer to a query, as it was given before if it was; GapError where too many have failed."""
        key = (author, id, text)
        answer = self._page.get(key)
        if answer is None:
            if author not in self._warm:
                if author != WHY:
                    _ask(self.opened, text)  # the first query of a process pays for caches and compilation
                self._warm.add(author)
            answer = _ask(self.opened, text)
            self._page.add(key, answer)
        self._asked += 1
        self._failed = 0 if answer.error is None else self._failed + 1
        if self._failed == self._asked == PATIENCE:
            raise GapError(f"{what}: the first {PATIENCE} queries all failed: {answer.error}")
        if self._failed == ENDURANCE:
            raise GapError(
                f"{what}: {ENDURANCE} queries in a row failed: {answer.error}; what was answered before is "
                "kept: mend it and run the same command again to go on"
            )
        return answer


def _ask(opened: System, query: str) -> Answer:
    started = time.perf_counter()
    try:
        came = opened.search(query, DEPTH)
        seconds = time.perf_counter() - started
        hits = _checked(opened, came)
    except ScriptbridgeError as error:
        return Answer((), time.perf_counter() - started, str(error))
    return Answer(tuple(hits if opened.keeps_order else ranked(hits)), seconds)


def _checked(opened: System, came: Ranking) -> Ranking:
    """The hits, if they are some: a system may be anyone's."""
    try:
        hits = [(id, float(score)) for id, score in came]
    except (TypeError, ValueError):
        hits = None
    if hits is None or not all(isinstance(id, str) and math.isfinite(score) for id, score in hits):
        raise GapError(
            f"{opened.name} gave {described(came)}; accepted are (document id, score) pairs: ids are strings "
            "and scores finite numbers"
        )
    return hits


def _effectiveness(query_set: QuerySet, id: str, answer: Answer) -> float:
    return float(measures.per_query({id: [answer]}, query_set.qrels, [id])[MAIN][0])


def _least(
    query_set: QuerySet, id: str, wordings: Sequence[str], answers: Sequence[Answer]
) -> tuple[str, float]:
    """The wording that finds least, and how much."""
    found = [_effectiveness(query_set, id, answer) for answer in answers]
    at = found.index(min(found))
    return wordings[at], found[at]


def _diagnosed(
    what: str, source: _Questions | RunFiles, id: str, latin: str, language: str | None, query_set: QuerySet
) -> causes.Diagnosis:
    native = query_set.native[id]
    if isinstance(source, RunFiles):
        return causes.diagnose(latin, native, language, None, None)
    readings = None
    if isinstance(source.opened, Reader):
        with suppress(ScriptbridgeError):
            readings = source.opened.readings(latin)
    return causes.diagnose(
        latin,
        native,
        language,
        readings,
        lambda query: _effectiveness(query_set, id, source.ask(what, WHY, "", query)),
    )


def _groups(lost: int) -> dict[str, range]:
    """Places among the lost queries, the worst first: of the worst ten, and of those of the ten in the middle
    that are not among them.

    >>> _groups(5), _groups(100)
    ({'worst': range(0, 5)}, {'worst': range(0, 10), 'median': range(45, 55)})
    """
    worst, middle = min(SHOWN, lost), max(0, (lost - SHOWN) // 2)
    groups = {WORST: range(worst), MEDIAN: range(max(worst, middle), min(lost, middle + SHOWN))}
    return {group: places for group, places in groups.items() if places}
