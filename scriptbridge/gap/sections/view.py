"""A report arranged for reading: what several sections show alike."""

from __future__ import annotations

from collections.abc import Sequence

from scriptbridge import languages
from scriptbridge.gap.records import Cell, Lost, Report
from scriptbridge.gap.summary import by_system, summarize

from .markup import bdi

__all__ = ["COLOURS", "View", "key"]

COLOURS = 6  # of systems, and of causes; then they repeat


class View:
    """A report arranged for reading."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.by_system = by_system(report.cells)
        self.summary = summarize(report)
        self.means = self.summary.means
        self.series = {name: f"s{at % COLOURS}" for at, name in enumerate(self.by_system)}
        self.authors = list(dict.fromkeys(cell.author for cell in report.cells))
        self.collections = len({cell.collection for cell in report.cells})
        self.sets: dict[tuple[str, str], list[Cell]] = {}
        for cell in report.cells:
            self.sets.setdefault((cell.collection, cell.query_set), []).append(cell)
        self.has_native = any(mean.native is not None for mean in self.means)

    def named(self, system: str) -> str:
        """A system's name with its colour."""
        dot = f'<i class="dot {self.series.get(system, "s0")}"></i>'
        return f'<span class="system">{dot}{bdi(system)}</span>'

    def set_name(self, cell: Cell) -> str:
        """Collection, query set and language of a cell; the collection only where there are several.

        A name that is "" or the language's code is left out, the language where it is not known or already
        said.
        """
        code = language = cell.language
        if language in languages.codes():
            language = languages.load(language).name
        parts = [cell.collection] if self.collections > 1 or not (cell.query_set or language) else []
        parts = [part for part in (*parts, cell.query_set) if part and part.casefold() != code]
        if language and language.casefold() not in map(str.casefold, parts):
            parts.append(language)
        return bdi(" · ".join(parts))

    def of_set(self, cells: Sequence[Cell]) -> list[list[Cell]]:
        """A set's cells, author by author, systems in the report's order."""
        order = list(self.by_system)
        return [
            sorted(
                (cell for cell in cells if cell.author == author), key=lambda cell: order.index(cell.system)
            )
            for author in self.authors
            if any(cell.author == author for cell in cells)
        ]

    def cells(self) -> list[Cell]:
        """All cells, set by set."""
        return [cell for cells in self.sets.values() for group in self.of_set(cells) for cell in group]


def key(of: Cell | Lost) -> tuple[str, str, str, str]:
    """What tells one cell from another."""
    return of.collection, of.query_set, of.author, of.system
