"""Reports made up for tests: what a measurement of several collections would give, without measuring."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from scriptbridge.gap.records import (
    MAIN,
    MEASURES,
    MEDIAN,
    WORST,
    Behaviour,
    Cell,
    Comparison,
    Figures,
    Lost,
    Report,
    Scores,
)

SYSTEMS = {"my-engine": 0.3, "fold+fuzzy": 0.62, "scriptbridge": 0.97}
AUTHORS = {"given": "came with the collection", "uroman": "uroman 1.3.1, one romanization a query"}
SETS = (
    ("shop", "", "el"),
    ("questions", "", "ar"),
    ("mixed", "names", "hi"),
    ("mixed", "sentences", "ur"),
)
QUERIES = {
    "el": (
        ("mouseio thessalonikis", "μουσείο Θεσσαλονίκης", "thessalonikis", "Θεσσαλονίκης", "θεσσαλονικη"),
        ("dwrean ma8hmata kitharas", "δωρεάν μαθήματα κιθάρας", "ma8hmata", "μαθήματα", "μαθηματικα"),
    ),
    "ar": (
        ("3asimat al jaza2ir", "ما هي عاصمة الجزائر", "jaza2ir", "الجزائر", "الجزيرة"),
        ("mata bada2at al 7arb", "متى بدأت الحرب", "7arb", "الحرب", "الغرب"),
    ),
    "hi": (
        ("bharat ka sanvidhan kab lagu hua", "भारत का संविधान कब लागू हुआ", "sanvidhan", "संविधान", "सावधान"),
        ("dilli me mausam", "दिल्ली में मौसम", "mausam", "मौसम", "मासूम"),
    ),
    "ur": (
        ("pakistan ki tareekh", "پاکستان کی تاریخ", "tareekh", "تاریخ", "تاریک"),
        ("lahore ka qila", "لاہور کا قلعہ", "qila", "قلعہ", "کیلا"),
    ),
}
CAUSES = ("no reading", "wrong reading first", "segmentation", "ambiguity", "noise", "unread")


def figures(native: float | None, latin: float, spread: float = 0.04) -> Figures:
    """Plausible figures around two means."""
    if native is None:
        return Figures(latin)
    gap = native - latin
    ratio = latin / native if native else None
    return Figures(
        latin,
        native,
        gap,
        gap - spread,
        gap + spread,
        ratio,
        None if ratio is None else max(0.0, ratio - spread),
        None if ratio is None else ratio + spread,
    )


def tested(of: Figures) -> Figures:
    """Figures with a p-value."""
    lost = of.gap_low is not None and of.gap_low > 0
    p, corrected = (0.0001, 0.0002) if lost else (0.4, 1.0)
    return of if of.gap is None else replace(of, p=p, p_corrected=corrected)


def cell(
    system: str = "my-engine",
    kept: float = 0.4,
    *,
    collection: str = "shop",
    query_set: str = "",
    language: str | None = "el",
    author: str = "given",
    queries: int = 50,
    native: bool = True,
    timed: bool = True,
    seed: int = 0,
) -> Cell:
    """A cell whose queries' scores are drawn, and whose figures are those scores' means."""
    drawn = random.Random(repr((system, collection, query_set, author, seed)))
    above = [drawn.choice((1.0, 1.0, 0.63, 0.5, drawn.random())) for _ in range(queries)]
    below = [score if drawn.random() < kept else drawn.choice((0.0, 0.0, score / 2)) for score in above]
    means = (fmean(above) if native else None, fmean(below))

    def behaviour(worse: float) -> Behaviour:
        p50 = drawn.uniform(0.8, 2) * (9 if system == "my-engine" else 1)
        return Behaviour(
            0.02 + worse * 0.5,
            0.05 + worse * 0.2,
            0.01 + worse * 0.1 if collection == "mixed" else None,
            p50 if timed else None,
            p50 * drawn.uniform(3, 20) if timed else None,
            3 if worse > 0.5 else 0,
        )

    return Cell(
        collection,
        query_set,
        language,
        author,
        system,
        queries,
        {
            name: tested(its) if name == MAIN else its
            for name in MEASURES
            for its in [figures(*means, spread=0.6 / (queries + 3) ** 0.5)]
        },
        behaviour(1 - kept),
        behaviour(0.0) if native else None,
        Scores(tuple(f"q{n}" for n in range(queries)), tuple(below), tuple(above) if native else None),
    )


def scored(of: Cell, latin: Sequence[float], native: Sequence[float] | None = None) -> Cell:
    """The cell with these scores of its queries, and their means as its figures."""
    means = (None if native is None else fmean(native), fmean(latin))
    ids = tuple(f"q{n}" for n in range(len(latin)))
    return replace(
        of,
        queries=len(latin),
        figures={name: figures(*means) for name in MEASURES},
        native=None if native is None else of.native,
        scores=Scores(ids, tuple(latin), None if native is None else tuple(native)),
    )


def lost(of: Cell, number: int = 20) -> list[Lost]:
    """Lost queries of a cell, the worst first."""
    known = QUERIES.get(of.language or "", QUERIES["el"])
    found = []
    for n in range(number):
        typed, meant, token, missed, read = known[n % len(known)]
        cause = CAUSES[n % len(CAUSES)]
        readings = ((read, 0.61), (missed, 0.27), (read[:-1], 0.08), (read[1:], 0.002))
        listed = {"wrong reading first": readings, "no reading": readings[:1] + readings[2:]}.get(cause, ())
        where = (of.collection, of.query_set, of.author, of.system)
        group = WORST if n < 10 else MEDIAN
        found.append(Lost(*where, group, f"q{n}", typed, meant, n * 0.02, 1.0, cause, token, missed, listed))
    return found


def report(
    cells: Sequence[Cell] | None = None,
    *,
    notes: Sequence[str] = (),
    with_lost: bool = True,
    with_causes: bool = True,
    systems: Mapping[str, str] | None = None,
) -> Report:
    """A report of these cells; by default of three systems and two authors over four query sets."""
    if cells is None:
        cells = [
            cell(
                system,
                kept - (0.08 if author == "uroman" else 0) - (0.1 if language == "ar" else 0),
                collection=collection,
                query_set=query_set,
                language=language,
                author=author,
                queries=120,
            )
            for collection, query_set, language in SETS
            for author in AUTHORS
            for system, kept in SYSTEMS.items()
        ]
    drawn = random.Random(1)
    if with_causes:
        cells = [replace(each, causes={cause: drawn.randint(0, 40) for cause in CAUSES}) for each in cells]
    names = list(dict.fromkeys(each.system for each in cells))
    comparisons = [
        Comparison(
            each.collection, each.query_set, each.author, names[-1], names[0], 0.41, 0.33, 0.49, 1e-4, 1e-4
        )
        for each in cells
        if each.system == names[0] and len(names) > 1
    ]
    return Report(
        circumstances={
            "date": "2026-11-21T09:30:00+00:00",
            "command": "scriptbridge gap shop questions mixed --system my-engine=http.toml --seed 0",
            "seed": 0,
            "versions": {"scriptbridge": "0.3.0", "ir_measures": "0.3.7", "python": "3.11.2"},
        },
        collections={
            each.collection: {"documents": 12_000, "languages": {"el": 12_000}, "queries": {"": 120}}
            for each in cells
        },
        systems=systems or {name: f"spec of {name}" for name in names},
        authors={each.author: AUTHORS.get(each.author, "") for each in cells},
        cells=tuple(cells),
        comparisons=tuple(comparisons),
        lost=tuple(each for its in cells for each in lost(its)) if with_lost else (),
        notes=tuple(notes),
    )
