"""What the meter takes and what it gives: frozen records, each of plain values, which `report.json` keeps.

The words: a *collection* holds documents and *query sets*; a set's queries are in native script, in Latin
letters, or both; an *author* is who wrote the Latin ones; a *system* searches; a *cell* is one system on one
query set in one author's Latin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from scriptbridge.types import Expansion

__all__ = [
    "GIVEN",
    "MAIN",
    "MEASURES",
    "MEDIAN",
    "SCHEMA",
    "WORST",
    "Answer",
    "Behaviour",
    "Cell",
    "Collection",
    "Comparison",
    "Figures",
    "LatinQueries",
    "Lost",
    "Qrels",
    "QuerySet",
    "Ranking",
    "Reader",
    "Report",
    "Scores",
    "System",
]

SCHEMA = 1
"""Version of the JSON that a Report is written as; one more when readers of the old one would fail."""
MEASURES = ("nDCG@10", "MRR@10", "R@100")
MAIN = MEASURES[0]
"""The measure that gaps are tested by, queries lost by and systems compared by."""
WORST, MEDIAN = "worst", "median"
GIVEN = "given"
"""The author of Latin queries that came with the collection."""

Ranking = Sequence[tuple[str, float]]
"""Document ids and scores, best first."""
Qrels = Mapping[str, Mapping[str, int]]
"""Query id → document id → grade; a document is relevant where its grade is 1 or more."""


class System(Protocol):
    """Anything that searches. `search` may raise a ScriptbridgeError: the query then counts as lost.

    Where `keeps_order`, its hits stand as they come; otherwise the order of equal scores means nothing, and
    is made trec_eval's. `notes` are told in the report.
    """

    name: str
    notes: tuple[str, ...]
    keeps_order: bool

    def search(self, text: str, k: int) -> Ranking:
        """The k best documents at most, best first."""
        ...

    def close(self) -> None:
        """Give back files, connections and memory."""
        ...


@runtime_checkable
class Reader(System, Protocol):
    """A system that tells what it reads a query's words as."""

    def readings(self, text: str) -> Expansion:
        """Readings of every word of the query."""
        ...


@dataclass(frozen=True, slots=True)
class LatinQueries:
    """Queries in Latin letters, by query id; several wordings of one query where its author gave several.

    `notes` say what could not be written.
    """

    author: str
    texts: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuerySet:
    """Queries of one kind and the documents that each should find. `name` is "" where there is but one kind.

    `native` is empty where the set has Latin queries only; `latin` is None where it has native ones only.
    Every query of `native` and `latin` has a relevant document in `qrels`.
    """

    name: str
    native: Mapping[str, str]
    latin: LatinQueries | None
    qrels: Qrels


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents (id → text) and what is asked of them. `languages` holds those documents whose is known.

    `notes` say what of its files is not used, and why.
    """

    name: str
    documents: Mapping[str, str]
    languages: Mapping[str, str]
    query_sets: tuple[QuerySet, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system said to one query: hits, best first, the seconds it took (None: from a run file), why it
    failed.
    """

    hits: tuple[tuple[str, float], ...]
    seconds: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """A measure's means over the queries of a cell; gap = native - latin, ratio = latin / native.

    `gap_low`, `gap_high`, `ratio_low`, `ratio_high` bound a nominal 95 % (paired bootstrap over queries);
    None for a single query. `p` is the paired randomization test's, that there is no gap, of MAIN only;
    `p_corrected` is Holm's over the gaps of all cells. All but `latin` are None where there are no native
    queries; the ratio also where native is 0.
    """

    latin: float
    native: float | None = None
    gap: float | None = None
    gap_low: float | None = None
    gap_high: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    p: float | None = None
    p_corrected: float | None = None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a system behaved over some queries. Shares are 0-1, latencies milliseconds.

    `silent_wrong`: share whose first hit is wrong and would pass a cut-off that nine in ten of the system's
    right first hits on native queries pass (on Latin ones, where there are no native ones). `foreign`: of the
    first ten hits, the share in another language than the query's relevant documents; None where fewer than
    two languages are known in the collection, or no hit's is.
    """

    zero_results: float
    silent_wrong: float
    foreign: float | None
    p50: float | None
    p99: float | None
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Scores:
    """nDCG@10 of every query of a cell, in the order of `ids`; of several wordings, their mean."""

    ids: tuple[str, ...]
    latin: tuple[float, ...]
    native: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One system on one query set in one author's Latin. `language` is that of nearly all its queries."""

    collection: str
    query_set: str
    language: str | None
    author: str
    system: str
    queries: int
    figures: Mapping[str, Figures]
    latin: Behaviour
    native: Behaviour | None
    scores: Scores
    causes: Mapping[str, int] = field(default_factory=dict)
    """Of the lost queries that were examined, how many each cause lost."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems over the same Latin queries: difference of mean nDCG@10, `system` - `other`.

    `low` and `high` are None for a single query. `p_corrected` is Holm's over all comparisons.
    """

    collection: str
    query_set: str
    author: str
    system: str
    other: str
    difference: float
    low: float | None
    high: float | None
    p: float
    p_corrected: float


@dataclass(frozen=True, slots=True)
class Lost:
    """A query that finds less in Latin than in native script, and why.

    `group` is `WORST` or `MEDIAN`: why it is shown. Of several wordings it is the one that finds least;
    `latin` and `native` are nDCG@10. `token` is the Latin word that lost it and `missed` the native word it
    stands for; `readings` are what the system reads it as, with probabilities; `cause` is one of
    `causes.CAUSES`.
    """

    collection: str
    query_set: str
    author: str
    system: str
    group: str
    id: str
    latin_text: str
    native_text: str
    latin: float
    native: float
    cause: str
    token: str | None = None
    missed: str | None = None
    readings: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A measurement and its circumstances.

    `collections` maps a collection's name to the numbers of its documents, languages and queries;
    `systems` a system's name to what it is; `authors` who wrote Latin queries to how. `queries` keeps the
    Latin queries that were made: collection → query set → author → query id → wordings. `lost` holds the ten
    worst lost queries of each cell, and the ten median ones but for these.
    """

    circumstances: Mapping[str, object]
    collections: Mapping[str, Mapping[str, object]]
    systems: Mapping[str, str]
    authors: Mapping[str, str]
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison, ...] = ()
    lost: tuple[Lost, ...] = ()
    queries: Mapping[str, Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]]] = field(
        default_factory=dict
    )
    notes: tuple[str, ...] = ()
    schema: int = SCHEMA
