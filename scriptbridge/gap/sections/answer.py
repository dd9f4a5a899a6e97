"""The answer: what each system keeps, in a headline and on cards."""

from __future__ import annotations

from scriptbridge.gap.formats import score
from scriptbridge.gap.records import MAIN, Report
from scriptbridge.gap.summary import Mean

from .markup import bdi, count, kept_between, listed, percent, safe
from .view import View

__all__ = ["header"]


def header(view: View) -> str:
    """The answer in a sentence, then what it rests on, a card for each system, and warnings."""
    report = view.report
    date = report.circumstances.get("date")
    over = " · ".join(filter(None, ["Script gap", *report.collections, str(date)[:10] if date else ""]))
    notes = "".join(f"<li>{safe(note)}</li>" for note in (*report.notes, *view.summary.notes))
    warning = f'<aside class="notes" aria-label="Warnings"><ul>{notes}</ul></aside>' if notes else ""
    long = ' class="long"' if sum(len(name) for name in view.by_system) > 80 else ""
    return (
        f'<header><p class="over">{safe(over)}</p><h1{long}>{_headline(view)}</h1>'
        f'<p class="standfirst">{_standfirst(view)}</p>{_cards(view)}{warning}</header>'
    )


def _headline(view: View) -> str:
    means = list(view.means)
    if not means:
        return "Nothing was measured."
    if len(means) > 4:  # the best and the worst; the others follow beneath
        ranked = sorted(means, key=lambda mean: mean.latin if mean.ratio is None else mean.ratio)
        means = [ranked[-1], ranked[0]]
    if not view.has_native:
        reached = [
            f"{bdi(mean.system)} reaches {MAIN} {_big(view, mean, score(mean.latin))}" for mean in means
        ]
        return f"Typed in Latin letters, {'; '.join(reached)}."
    said = [_keeps(view, mean, first=at == 0) for at, mean in enumerate(means)]
    return f"Typed in Latin letters, {'; '.join(said)}."


def _big(view: View, mean: Mean, figure: str) -> str:
    return f'<b class="{view.series[mean.system]}">{figure}</b>'


def _keeps(view: View, mean: Mean, first: bool) -> str:
    name = bdi(mean.system)
    if mean.native is None:
        return f"{name} reaches {MAIN} {_big(view, mean, score(mean.latin))}"
    if mean.ratio is None:
        return f"{name} finds nothing, in native script either"
    kept = f"{name} keeps {_big(view, mean, percent(mean.ratio))}"
    return kept + (" of what native queries find" if first else "")


def _standfirst(view: View) -> str:
    if not view.means:
        return "The report holds no cell."
    report = view.report
    queries = sum(max(cell.queries for cell in cells) for cells in view.sets.values())
    documents = [each.get("documents") for each in report.collections.values()]
    among = sum(number for number in documents if isinstance(number, int))
    spoken = {cell.language for cell in report.cells if cell.language}
    parts = [count(queries, "query", "queries"), count(len(view.sets), "query set")]
    parts += [count(len(spoken), "language")] if spoken else []
    parts += [count(among, "document")] if among else []
    by = listed([f"<b>{bdi(author)}</b>{_how(report, author)}" for author in view.authors])
    kept = (
        f"Kept is the mean {MAIN} of the Latin queries divided by that of the same queries in native script"
        + (", every query set and author counting the same" if len(view.sets) * len(view.authors) > 1 else "")
        if view.has_native
        else f"There are no native queries to compare with: shown is {MAIN} of the Latin ones"
    )
    return f"{', '.join(parts)}. Latin queries: {by}. {kept}."


def _how(report: Report, author: str) -> str:
    how = report.authors.get(author)
    return f" ({safe(how)})" if how else ""


def _cards(view: View) -> str:
    cards = "".join(_card(view, mean) for mean in view.means)
    return f'<ul class="cards">{cards}</ul>' if cards else ""


def _card(view: View, mean: Mean) -> str:
    if mean.native is None:
        under = f"Latin {MAIN}"
    else:
        under = f"{MAIN} {score(mean.native)} native → {score(mean.latin)} Latin"
    between = kept_between(mean.ratio_low, mean.ratio_high)
    sure = f'<p class="sure">{between} <span>95&nbsp;% interval</span></p>' if between else ""
    authors = "".join(
        f"<li><span>{bdi(author)}</span> {_kept_by(its)}</li>"
        for author in view.authors
        if len(view.authors) > 1 and (its := view.summary.by_author.get((mean.system, author)))
    )
    return (
        f'<li class="card {view.series[mean.system]}"><p class="name">{view.named(mean.system)}</p>'
        f'<p class="big">{_figure(mean)}</p>{sure}<p class="under">{under}</p>'
        + (f"<ul>{authors}</ul>" if authors else "")
        + "</li>"
    )


def _kept_by(mean: Mean) -> str:
    between = kept_between(mean.ratio_low, mean.ratio_high)
    return f"<span><b>{_figure(mean)}</b>{f' <small>{between}</small>' if between else ''}</span>"


def _figure(mean: Mean) -> str:
    return score(mean.latin) if mean.ratio is None else percent(mean.ratio)
