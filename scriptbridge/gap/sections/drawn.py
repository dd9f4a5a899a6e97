"""What is drawn: gaps, queries, causes and latencies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from scriptbridge.gap import charts
from scriptbridge.gap.causes import CAUSES
from scriptbridge.gap.charts import Part, Spread
from scriptbridge.gap.formats import milliseconds, score
from scriptbridge.gap.records import MAIN, Cell

from .markup import count, kept_between, percent, safe, written_by
from .view import COLOURS, View

__all__ = ["causes", "gaps", "latencies", "scatters"]


# ---- the gap by query set


def gaps(view: View) -> str:
    """A bar for every cell: the share kept and its interval."""
    if not view.sets:
        return ""
    highest = [high for cell in view.report.cells if (high := cell.figures[MAIN].ratio_high) is not None]
    top = 1.0 if max(highest, default=0.0) <= 1.0 else 1.25 if max(highest) <= 1.25 else 1.5
    two = " two" if len(view.sets) in (1, 2, 4) else ""
    panels = "".join(_panel(view, cells, top) for cells in view.sets.values())
    told = (
        f"{MAIN} of Latin queries as a share of what the same queries reach in native script. "
        "The thin line at a bar’s end is its nominal 95&nbsp;% interval. At the right: native → Latin, "
        "then the share kept and its interval."
        if view.has_native
        else f"{MAIN} of the Latin queries, from 0 to 1: there is no native side to compare with."
    )
    return f'<p class="lede">{told}</p><div class="panels{two}">{panels}</div>'


def _panel(view: View, cells: Sequence[Cell], top: float) -> str:
    groups = ""
    for group in view.of_set(cells):
        asked = count(max(cell.queries for cell in group), "query", "queries")
        groups += f'<p class="author">{written_by(group[0].author)} · {asked}</p>'
        groups += f'<ul class="bars">{"".join(_gap_row(view, cell, top) for cell in group)}</ul>'
    native = any(cell.figures[MAIN].native is not None for cell in cells)
    return (
        f'<figure class="panel"><figcaption><h3>{view.set_name(cells[0])}</h3></figcaption>{groups}'
        f"{charts.ratio_axis(top) if native else charts.score_axis()}</figure>"
    )


def _gap_row(view: View, cell: Cell, top: float) -> str:
    of, series = cell.figures[MAIN], view.series[cell.system]
    name = safe(cell.system)
    if of.ratio is not None:
        interval = kept_between(of.ratio_low, of.ratio_high)
        label = f"{name} keeps {percent(of.ratio)}, 95 % interval {interval or 'not known'}"
        drawn = charts.bar(
            of.ratio, of.ratio_low, of.ratio_high, top=top, series=series, label=label, full=True
        )
        aside = f"{score(of.native)} → {score(of.latin)}"
        value = f"<b>{percent(of.ratio)}</b> <small>{interval}</small>"
    else:
        label = f"{name}: Latin {MAIN} {score(of.latin)}"
        drawn = charts.bar(
            of.latin, None, None, top=1.0, series=f"{series} absolute", label=label, full=False
        )
        aside = "no native side" if of.native is None else "native finds nothing"
        value = f"<b>{score(of.latin)}</b>"
    return (
        f'<li><span class="who">{view.named(cell.system)}</span>'
        f'<span class="aside">{aside}</span><span class="value">{value}</span>{drawn}</li>'
    )


# ---- native against Latin, query by query


def scatters(view: View) -> str:
    """A drawing for each system: every query, native against Latin."""
    pairs = {
        name: [
            pair
            for cell in cells
            if cell.scores.native is not None
            for pair in zip(cell.scores.native, cell.scores.latin, strict=True)
        ]
        for name, cells in view.by_system.items()
    }
    pairs = {name: its for name, its in pairs.items() if its}
    if not pairs:
        return ""
    counts = {name: charts.bins(its) for name, its in pairs.items()}
    most = max(max(its.values()) for its in counts.values())
    drawn = "".join(_scatter(view, name, its, counts[name], most) for name, its in pairs.items())
    return (
        f'<p class="lede">Each query’s {MAIN}: native across, Latin upwards. Below the diagonal a query '
        "finds less in Latin letters. A circle’s area is the number of queries there, the largest "
        f"{count(most, 'query', 'queries')}; the same in every drawing, but for single ones, which would be "
        "too small to see.</p>"
        f'<div class="scatters">{drawn}</div>'
    )


def _scatter(
    view: View, name: str, pairs: Sequence[tuple[float, float]], counts: Counter[tuple[int, int]], most: int
) -> str:
    lost = sum(latin < native for native, latin in pairs) / len(pairs)
    gained = sum(latin > native for native, latin in pairs) / len(pairs)
    same = max(0.0, 1 - lost - gained)
    words = f"{percent(lost)} lose, {percent(same)} stay equal, {percent(gained)} gain"
    label = f"Native and Latin {MAIN} of {count(len(pairs), 'query', 'queries')}, {safe(name)}: {words}"
    return (
        f"<figure><figcaption><h3>{view.named(name)}</h3><p>{words}</p></figcaption>"
        f"{charts.scatter(counts, most, view.series[name], label)}</figure>"
    )


# ---- why


def causes(view: View) -> str:
    """What lost each system's queries, as parts of a whole."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in view.by_system}
    for cell in view.report.cells:
        counts[cell.system].update(cell.causes)
    counts = {name: its for name, its in counts.items() if its.total()}
    if not counts:
        return ""
    found = {cause for its in counts.values() for cause in its if its[cause]}
    order = dict.fromkeys([*CAUSES, *sorted(found)])
    shown = [cause for cause in order if cause in found]
    colours = {cause: f"c{at % (COLOURS + 1)}" for at, cause in enumerate(order)}
    rows = "".join(_cause_row(view, name, its, shown, colours) for name, its in counts.items())
    legend = "".join(
        f'<div><dt><i class="swatch {colours[cause]}"></i>{safe(cause)}</dt>'
        f"<dd>{safe(CAUSES.get(cause, ''))}</dd></div>"
        for cause in shown
    )
    return (
        '<p class="lede">What lost the queries that find less in Latin letters: the word that lost each was '
        "looked for, and what became of it.</p>"
        f'<figure class="causes"><ul class="stacks">{rows}</ul>'
        f"<figcaption><dl>{legend}</dl></figcaption></figure>"
    )


def _cause_row(
    view: View, name: str, counts: Counter[str], shown: Sequence[str], colours: Mapping[str, str]
) -> str:
    total = counts.total()
    parts = [
        Part(counts[cause], colours[cause], safe(cause), percent(counts[cause] / total)) for cause in shown
    ]
    said = ", ".join(f"{part.name} {part.text}" for part in parts if part.amount)
    drawn = charts.stack(parts, f"{safe(name)}: {said}")
    examined = count(total, "lost query", "lost queries")
    return (
        f'<li><span class="who">{view.named(name)}</span><span class="value">{examined} examined</span>'
        f"{drawn}</li>"
    )


# ---- latency


def latencies(view: View) -> str:
    """A line for each system and side, from p50 to p99."""
    spreads = {
        (mean.system, side): Spread(of.p50, of.p99)
        for mean in view.means
        for side, of in (("native", mean.native_behaviour), ("Latin", mean.latin_behaviour))
        if of is not None and of.p50 is not None and of.p99 is not None
    }
    if not spreads:
        return ""
    across = charts.decades(value for each in spreads.values() for value in (each.p50, each.p99))
    rows = ""
    for mean in view.means:
        its = {side: each for (system, side), each in spreads.items() if system == mean.system}
        tracks = "".join(
            f'<li><span class="side">{side}</span>'
            + charts.latency(
                each,
                across,
                f"{view.series[mean.system]} {side.lower()}",
                f"{safe(mean.system)}, {side}: p50 {milliseconds(each.p50)} ms, "
                f"p99 {milliseconds(each.p99)} ms",
            )
            + f'<span class="value">{milliseconds(each.p50)} – {milliseconds(each.p99)}&nbsp;ms</span></li>'
            for side, each in its.items()
        )
        tracks = tracks or "<li>not known: its answers come from run files</li>"
        rows += f"<li>{view.named(mean.system)}<ul>{tracks}</ul></li>"
    return (
        '<p class="lede">Milliseconds a query, as the caller waits, on a logarithmic axis: from the median '
        "(dot; the median of query sets) to the slowest of a hundred (tick; the slowest query set’s).</p>"
        f'<figure class="latencies"><ul class="tracks">{rows}</ul>'
        f'<div class="tracks-axis">{charts.latency_axis(across)}</div></figure>'
    )
