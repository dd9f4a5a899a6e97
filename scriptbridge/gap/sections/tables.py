"""Every figure: what systems do besides finding, the gap of every cell, system against system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from scriptbridge.gap.formats import NONE, milliseconds, score
from scriptbridge.gap.records import MAIN, MEASURES, Behaviour, Cell

from .markup import bdi, between, kept_between, p_value, percent, scrolling, signed
from .view import View

__all__ = ["behaviour", "comparisons", "figures"]


# ---- behaviour

_HABITS = {
    "zero_results": "Zero results",
    "silent_wrong": "Silently wrong",
    "foreign": "Foreign hits",
    "errors": "Errors",
}
_TIMES = {"p50": "p50&nbsp;ms", "p99": "p99&nbsp;ms"}


def behaviour(view: View) -> str:
    """What systems do besides finding: a row for each."""
    if not view.means:
        return ""
    rows = [
        (f'<th scope="row">{view.named(mean.system)}</th>', mean.native_behaviour, mean.latin_behaviour)
        for mean in view.means
    ]
    return (
        '<p class="lede">A user who gets nothing tries again; one who gets a confident wrong answer may not. '
        "Shares of queries, of foreign hits a share of the first ten hits; every query set counts the same."
        "</p>" + _habits(view, "Behaviour of every system", ("System",), _HABITS, rows)
    )


def _habits(
    view: View,
    caption: str,
    words: Sequence[str],
    habits: Mapping[str, str],
    rows: Iterable[tuple[str, Behaviour | None, Behaviour]],
) -> str:
    """A table of behaviours, native and Latin side by side; a row begins with its first cells, in `words`."""
    sides = ["native", "Latin"] if view.has_native else ["Latin"]
    named = "".join(f'<th scope="col" class="word" rowspan="2">{word}</th>' for word in words)
    heads = "".join(f'<th scope="colgroup" colspan="{len(sides)}">{head}</th>' for head in habits.values())
    under = "".join(f'<th scope="col">{side}</th>' for side in sides) * len(habits)
    groups = (
        f'<colgroup span="{len(words)}"></colgroup>'
        + f'<colgroup span="{len(sides)}"></colgroup>' * len(habits)
    )
    body = ""
    for first, native, latin in rows:
        shown = ""
        for name in habits:
            shown += f"<td>{_habit(native, name)}</td>" if view.has_native else ""
            shown += f'<td class="latin">{_habit(latin, name)}</td>'
        body += f"<tr>{first}{shown}</tr>"
    return scrolling(
        caption,
        f'<table class="behaviour"><caption>{caption}</caption>{groups}'
        f"<thead><tr>{named}{heads}</tr><tr>{under}</tr></thead><tbody>{body}</tbody></table>",
    )


def _habit(of: Behaviour | None, name: str) -> str:
    if of is None:
        return NONE
    value = getattr(of, name)
    return f"{value:,}" if name == "errors" else milliseconds(value) if name in _TIMES else percent(value)


# ---- all figures


def figures(view: View) -> str:
    """Every measure of every cell, and every cell's behaviour."""
    if not view.sets:
        return ""
    measures = [name for name in MEASURES if any(name in cell.figures for cell in view.report.cells)]
    content = (
        f'<p class="lede">p, of {MAIN} only: paired randomization test that there is no gap, corrected after '
        "Holm over all rows.</p>"
    )
    for name in measures:
        opened = " open" if name == measures[0] else ""
        content += f"<details{opened}><summary><h3>{name}</h3></summary>{_figures_of(view, name)}</details>"
    rows = ((_first_cells(view, cell), cell.native, cell.latin) for cell in view.cells())
    words = ("Query set", "Latin by", "System")
    habits = _habits(view, "Behaviour of every query set", words, {**_HABITS, **_TIMES}, rows)
    return f"{content}<details><summary><h3>Behaviour and latency</h3></summary>{habits}</details>"


def _first_cells(view: View, cell: Cell) -> str:
    return (
        f'<th scope="row">{view.set_name(cell)}</th><td class="word">{bdi(cell.author)}</td>'
        f'<td class="word">{view.named(cell.system)}</td>'
    )


def _figures_of(view: View, measure: str) -> str:
    measured = [(cell, cell.figures[measure]) for cell in view.cells() if measure in cell.figures]
    tested = any(of.p_corrected is not None for _, of in measured)
    rows = "".join(
        f"<tr>{_first_cells(view, cell)}<td>{cell.queries:,}</td>"
        f"<td>{score(of.native)}</td><td>{score(of.latin)}</td><td><b>{percent(of.ratio)}</b></td>"
        f"<td>{kept_between(of.ratio_low, of.ratio_high) or NONE}</td><td>{signed(of.gap)}</td>"
        f"<td>{between(of.gap_low, of.gap_high)}</td>"
        + (f"<td>{p_value(of.p_corrected)}</td></tr>" if tested else "</tr>")
        for cell, of in measured
    )
    words = "".join(
        f'<th scope="col" class="word">{head}</th>' for head in ("Query set", "Latin by", "System")
    )
    numbers = [
        "Queries",
        "Native",
        "Latin",
        "Kept",
        "95&nbsp;%",
        "Gap",
        "95&nbsp;%",
        *(["p"] if tested else []),
    ]
    heads = words + "".join(f'<th scope="col">{head}</th>' for head in numbers)
    return scrolling(
        f"{measure} of every query set, author and system",
        f"<table><caption>{measure}, native and Latin</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table>",
    )


def comparisons(view: View) -> str:
    """Differences between systems; nothing where there is but one."""
    if not view.report.comparisons:
        return ""
    cells = {(cell.collection, cell.query_set): cell for cell in view.report.cells}
    rows = ""
    for each in view.report.comparisons:
        cell = cells.get((each.collection, each.query_set))
        name = view.set_name(cell) if cell else bdi(each.query_set or each.collection)
        rows += (
            f'<tr><th scope="row">{name}</th><td class="word">{bdi(each.author)}</td>'
            f'<td class="word">{view.named(each.system)}</td>'
            f'<td class="word">{view.named(each.other)}</td>'
            f"<td><b>{signed(each.difference)}</b></td><td>{between(each.low, each.high)}</td>"
            f"<td>{p_value(each.p_corrected)}</td></tr>"
        )
    words = ("Query set", "Latin by", "System", "Against")
    heads = "".join(f'<th scope="col" class="word">{head}</th>' for head in words)
    heads += "".join(f'<th scope="col">{head}</th>' for head in ("Difference", "95&nbsp;%", "p"))
    drawn = scrolling(
        "Differences between systems",
        f"<table><caption>Latin {MAIN}, system minus the other, over the same queries. p: paired "
        "randomization test, corrected after Holm over these rows</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>",
    )
    return f"<details><summary><h3>System against system</h3></summary>{drawn}</details>"
