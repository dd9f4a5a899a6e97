"""Queries that were lost, and why."""

from __future__ import annotations

from collections.abc import Sequence

from scriptbridge.gap.formats import score
from scriptbridge.gap.records import MEDIAN, WORST, Cell, Lost
from scriptbridge.text import normalize

from .markup import bdi, count, marked, native_text, safe, written_by
from .view import View, key

__all__ = ["lost_queries"]


# ---- lost queries


def lost_queries(view: View) -> str:
    """The queries shown, by system and query set, with the word that lost each."""
    by_system: dict[str, dict[tuple[str, str, str, str], list[Lost]]] = {}
    for lost in view.report.lost:
        by_system.setdefault(lost.system, {}).setdefault(key(lost), []).append(lost)
    if not by_system:
        return ""
    ordered = sorted(
        by_system, key=lambda name: list(view.by_system).index(name) if name in view.by_system else 0
    )
    cells = {key(cell): cell for cell in view.report.cells}
    medians = any(lost.group == MEDIAN for lost in view.report.lost)
    and_median = ", and the ten in the middle" if medians else ""
    content = f'<p class="lede">The ten worst of each query set’s lost queries{and_median}.</p>'
    for name in ordered:
        its = by_system[name]
        number = count(sum(map(len, its.values())), "query", "queries")
        groups = "".join(_lost_group(view, cells.get(key), lost) for key, lost in its.items())
        title = f"<h3>{view.named(name)}</h3> <span>{number}</span>"
        content += f"<details><summary>{title}</summary>{groups}</details>"
    return content


def _lost_group(view: View, cell: Cell | None, lost: Sequence[Lost]) -> str:
    title = view.set_name(cell) if cell else bdi(lost[0].query_set or lost[0].collection)
    language = cell.language if cell else None
    content = "".join(
        _lost_list(group, its, language)
        for group in (WORST, MEDIAN)
        if (its := [each for each in lost if each.group == group])
    )
    return (
        f"<details><summary><h4>{title} · {written_by(lost[0].author)}</h4> "
        f"<span>{len(lost)}</span></summary>{content}</details>"
    )


def _lost_list(kind: str, lost: Sequence[Lost], language: str | None) -> str:
    items = "".join(_lost_query(each, language) for each in lost)
    return f'<p class="kind">The {kind}</p><ol class="lost">{items}</ol>'


def _lost_query(lost: Lost, language: str | None) -> str:
    why = f'<span class="cause">{safe(lost.cause)}</span>'
    missed = None if lost.missed is None else normalize(lost.missed)
    if lost.token:
        why += f" <b>{bdi(lost.token)}</b>"
        readings = [
            f"<span{' class=right' if term == missed else ''}>{native_text(term, language)}"
            f"&nbsp;<small>{_probability(probability)}</small></span>"
            for term, probability in lost.readings[:5]
        ]
        more = f" and {len(lost.readings) - 5} more" if len(lost.readings) > 5 else ""
        why += f" read as {', '.join(readings)}{more}" if readings else ""
    if lost.missed:
        why += (
            f"; it missed {native_text(lost.missed, language)}"
            if lost.token
            else f" missed {native_text(lost.missed, language)}"
        )
    return (
        f'<li><p class="typed"><bdi>{marked(lost.latin_text, lost.token)}</bdi></p>'
        f'<p class="meant">{native_text(lost.native_text, language, lost.missed)}</p>'
        f'<p class="cost">{score(lost.native)} → {score(lost.latin)}</p>'
        f'<p class="why">{why}</p></li>'
    )


def _probability(probability: float) -> str:
    """A reading's probability, two decimals.

    >>> _probability(0.613), _probability(0.001), _probability(1.0)
    ('.61', '&lt;.01', '1')
    """
    if probability >= 0.995:
        return "1"
    return "&lt;.01" if 0 < probability < 0.005 else f"{probability:.2f}".removeprefix("0")
