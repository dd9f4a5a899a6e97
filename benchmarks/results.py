"""The figures of the retrieval benchmark: records, means and the JSON file that keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks import datasets, report

__all__ = ["ALONE", "EVERYTHING", "SYSTEMS", "TOGETHER", "Mean", "NativeCheck", "Result", "Results"]

SYSTEMS = ("native", "fold", "fold+fuzzy", "scriptbridge")
ALONE = "each set by itself"
TOGETHER = "all twelve in one index"
EVERYTHING = "all languages in one index"


@dataclass(frozen=True, slots=True)
class Result:
    """nDCG@10 of the systems on one set; `index` is `ALONE`, `TOGETHER` or `EVERYTHING`."""

    index: str
    set: str
    kind: str | None
    language: str
    documents: int
    queries: int
    scores: Mapping[str, float]

    @property
    def ratio(self) -> float | None:
        """scriptbridge / native, where both are known."""
        native, ours = self.scores.get("native"), self.scores.get("scriptbridge")
        return ours / native if native and ours is not None else None


@dataclass(frozen=True, slots=True)
class Mean:
    """Means over the languages: of the systems' scores, and of scriptbridge / native."""

    index: str
    kind: str
    languages: int
    scores: Mapping[str, float]
    ratio: float | None


@dataclass(frozen=True, slots=True)
class NativeCheck:
    """How closely native queries follow plain BM25 over the same tokens.

    Only of queries without a Latin word, which is read in other ways on purpose. Two top tens are the same
    where their scores are, and the documents above the last score.
    """

    set: str
    kind: str | None
    queries: int
    queries_with_latin: int
    largest_score_difference: float
    same_top_10: float


class Results:
    """What has been measured so far, kept in a JSON file."""

    def __init__(self, file: Path, queries_per_set: int) -> None:
        """Continue an earlier measurement of the same queries, if `file` holds one."""
        self._file = file
        self._head: dict[str, Any] = {"metric": "nDCG@10", "queries_per_set": queries_per_set}
        self._results: dict[tuple[str, str, str | None], Result] = {}
        self._checks: dict[tuple[str, str | None], NativeCheck] = {}
        earlier = report.load(file)
        if earlier.get("queries_per_set") != queries_per_set:
            return
        for row in earlier["results"]:
            del row["ratio"]
            self._keep(Result(**row))
        for row in earlier["native_queries"]:
            self._checks[row["set"], row["kind"]] = NativeCheck(**row)

    def add(self, result: Result) -> Result:
        """Keep a result beside the scores of systems measured earlier; the two together."""
        merged = self._keep(result)
        self._save()
        return merged

    def add_check(self, check: NativeCheck) -> None:
        """Keep a check of native queries."""
        self._checks[check.set, check.kind] = check
        self._save()

    def finish(self, circumstances: Mapping[str, Any]) -> None:
        """Write the file with the circumstances of its last run."""
        self._head |= circumstances
        self._save()

    @property
    def all(self) -> list[Result]:
        """Results in the order of the sets."""
        order = {key: number for number, key in enumerate(datasets.known_sets())}
        return sorted(self._results.values(), key=lambda each: (each.index, order[each.set, each.kind or ""]))

    @property
    def checks(self) -> list[NativeCheck]:
        """Checks of native queries, in the order they were made."""
        return list(self._checks.values())

    def means(self) -> list[Mean]:
        """Means over the Dakshina sets."""
        groups = [(index, kind) for index in (ALONE, TOGETHER, EVERYTHING) for kind in datasets.KINDS]
        return [
            _mean(rows)
            for index, kind in groups
            if (rows := [each for each in self.all if (each.index, each.kind) == (index, kind)])
        ]

    def _keep(self, result: Result) -> Result:
        key = (result.index, result.set, result.kind)
        earlier = self._results[key].scores if key in self._results else {}
        known = {**earlier, **result.scores}
        self._results[key] = replace(
            result, scores={system: known[system] for system in SYSTEMS if system in known}
        )
        return self._results[key]

    def _save(self) -> None:
        rows = [asdict(each) | {"ratio": each.ratio} for each in self.all]
        tables = {"results": rows, "means": [asdict(each) for each in self.means()]}
        tables["native_queries"] = [asdict(each) for each in self.checks]
        report.save(self._file, self._head | tables)


def _mean(rows: Sequence[Result]) -> Mean:
    complete = [system for system in SYSTEMS if all(system in row.scores for row in rows)]
    ratios = [row.ratio for row in rows if row.ratio is not None]
    return Mean(
        rows[0].index,
        str(rows[0].kind),
        len(rows),
        {system: fmean(row.scores[system] for row in rows) for system in complete},
        fmean(ratios) if len(ratios) == len(rows) else None,
    )
