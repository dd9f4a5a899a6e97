"""A report as one self-contained HTML page: no script, nothing from the network, whatever the names hold."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from urllib.parse import quote

import regex

from scriptbridge.text import normalize

from . import charts, table
from .causes import CAUSES
from .charts import Part, Spread
from .records import GIVEN, MAIN, MEASURES, MEDIAN, WORST, Behaviour, Cell, Figures, Lost, Report
from .table import NONE, Mean, figures, milliseconds, score

__all__ = ["html"]

COLOURS = 6  # of systems, and of causes; then they repeat

_LANGUAGE = regex.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


def html(report: Report, json_name: str | None = None) -> str:
    """The page. `json_name` is the file beside it with the same figures as JSON, if there is one."""
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    view = _View(report)
    sections = [
        ("gap", "What Latin letters cost", _gap(view)),
        ("queries", "Query by query", _scatters(view)),
        ("causes", "Why queries are lost", _causes(view, CAUSES)),
        ("behaviour", "When it goes wrong, does it show?", _behaviour(view)),
        ("latency", "Latency", _latency(view)),
        ("lost", "Lost queries", _lost(view)),
        ("figures", "All figures", _figures(view) + _comparisons(view)),
        ("method", "How it was measured", _method(view, json_name)),
    ]
    sections = [section for section in sections if section[2]]
    links = "".join(f'<li><a href="#{id}">{title}</a></li>' for id, title, _ in sections)
    body = "".join(
        f'<section id="{id}" aria-labelledby="{id}-title"><h2 id="{id}-title">{title}</h2>{content}</section>'
        for id, title, content in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        f"style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>Script gap: {_text(', '.join(report.collections) or 'nothing measured')}</title>\n"
        f"<style>{style}</style>\n</head>\n<body>\n"
        f'{_header(view)}<nav aria-label="Contents"><ol>{links}</ol></nav>'
        f"<main>{body}</main>\n</body>\n</html>\n"
    )


class _View:
    """A report arranged for reading."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.by_system = table.by_system(report)
        self.means = [table.mean(cells) for cells in self.by_system.values()]
        self.series = {name: f"s{at % COLOURS}" for at, name in enumerate(self.by_system)}
        self.authors = list(dict.fromkeys(cell.author for cell in report.cells))
        self.collections = len({cell.collection for cell in report.cells})
        self.sets: dict[tuple[str, str], list[Cell]] = {}
        for cell in report.cells:
            self.sets.setdefault((cell.collection, cell.query_set), []).append(cell)
        self.has_native = any(mean.native is not None for mean in self.means)
        self.languages = {_key(cell): cell.language for cell in report.cells}

    def set_name(self, cell: Cell) -> str:
        return _bdi(table.set_name(cell, self.collections))

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


def _key(of: Cell | Lost) -> tuple[str, str, str, str]:
    return of.collection, of.query_set, of.author, of.system


# ---- words


def _text(text: str) -> str:
    """Anybody's text, safe inside HTML and its attributes."""
    return escape(table.clean(text))


def _bdi(text: str) -> str:
    """Text whose direction stays its own."""
    return f"<bdi>{_text(text)}</bdi>"


def _native(text: str, language: str | None, marked: str | None = None) -> str:
    """Text in the language's own script."""
    lang = f' lang="{language}"' if language and _LANGUAGE.fullmatch(language) else ""
    return f'<bdi class="native" dir="auto"{lang}>{_marked(text, marked)}</bdi>'


def _marked(text: str, token: str | None) -> str:
    """Text with the token in it highlighted, if it is found there."""
    if token:
        word = regex.escape(token, special_only=True)
        for pattern in (rf"(?<![\p{{L}}\p{{M}}\p{{N}}]){word}(?![\p{{L}}\p{{M}}\p{{N}}])", word):
            if found := regex.search(pattern, text, regex.IGNORECASE):
                before, inside, after = text[: found.start()], found.group(), text[found.end() :]
                return f"{_text(before)}<mark>{_text(inside)}</mark>{_text(after)}"
    return _text(text)


def _system(view: _View, name: str) -> str:
    return f'<span class="system"><i class="dot {view.series.get(name, "s0")}"></i>{_bdi(name)}</span>'


def _by(author: str) -> str:
    return "Latin as given" if author == GIVEN else f"Latin by {_bdi(author)}"


def _count(number: int, what: str, several: str | None = None) -> str:
    return f"{number:,}\u00a0{what if number == 1 else several or what + 's'}"


def _list(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _percent(share: float | None) -> str:
    return escape(table.percent(share))


def _p_value(p: float | None) -> str:
    return escape(table.p_value(p))


def _interval(of: Figures) -> str:
    if of.ratio_low is None or of.ratio_high is None:
        return ""
    return f"{of.ratio_low * 100:.0f}–{of.ratio_high * 100:.0f}\u00a0%"


# ---- the answer


def _header(view: _View) -> str:
    report = view.report
    date = report.circumstances.get("date")
    over = " · ".join(filter(None, ["Script gap", *report.collections, str(date)[:10] if date else ""]))
    notes = "".join(f"<li>{_text(note)}</li>" for note in report.notes)
    warning = f'<aside class="notes" aria-label="Warnings"><ul>{notes}</ul></aside>' if notes else ""
    long = ' class="long"' if sum(len(name) for name in view.by_system) > 80 else ""
    return (
        f'<header><p class="over">{_text(over)}</p><h1{long}>{_headline(view)}</h1>'
        f'<p class="standfirst">{_standfirst(view)}</p>{_cards(view)}{warning}</header>'
    )


def _headline(view: _View) -> str:
    means = view.means
    if not means:
        return "Nothing was measured."
    if len(means) > 4:  # the best and the worst; the others follow beneath
        ranked = sorted(means, key=lambda mean: mean.latin if mean.ratio is None else mean.ratio)
        means = [ranked[-1], ranked[0]]
    if not view.has_native:
        reached = [
            f"{_bdi(mean.system)} reaches {MAIN} {_big(view, mean, score(mean.latin))}" for mean in means
        ]
        return f"Typed in Latin letters, {'; '.join(reached)}."
    said = [_keeps(view, mean, first=at == 0) for at, mean in enumerate(means)]
    return f"Typed in Latin letters, {'; '.join(said)}."


def _big(view: _View, mean: Mean, figure: str) -> str:
    return f'<b class="{view.series[mean.system]}">{figure}</b>'


def _keeps(view: _View, mean: Mean, first: bool) -> str:
    name = _bdi(mean.system)
    if mean.native is None:
        return f"{name} reaches {MAIN} {_big(view, mean, score(mean.latin))}"
    if mean.ratio is None:
        return f"{name} finds nothing, in native script either"
    kept = f"{name} keeps {_big(view, mean, _percent(mean.ratio))}"
    return kept + (" of what native queries find" if first else "")


def _standfirst(view: _View) -> str:
    if not view.means:
        return "The report holds no cell."
    report = view.report
    queries = sum(max(cell.queries for cell in cells) for cells in view.sets.values())
    documents = [each.get("documents") for each in report.collections.values()]
    among = sum(number for number in documents if isinstance(number, int))
    spoken = {cell.language for cell in report.cells if cell.language}
    parts = [_count(queries, "query", "queries"), _count(len(view.sets), "query set")]
    parts += [_count(len(spoken), "language")] if spoken else []
    parts += [_count(among, "document")] if among else []
    by = _list([f"<b>{_bdi(author)}</b>{_how(report, author)}" for author in view.authors])
    kept = (
        f"Kept is the mean {MAIN} of the Latin queries divided by that of the same queries in native script"
        + (", every query set counting the same" if len(view.sets) * len(view.authors) > 1 else "")
        if view.has_native
        else f"There are no native queries to compare with: shown is {MAIN} of the Latin ones"
    )
    return f"{', '.join(parts)}. Latin queries: {by}. {kept}."


def _how(report: Report, author: str) -> str:
    how = report.authors.get(author)
    return f" ({_text(how)})" if how else ""


def _cards(view: _View) -> str:
    cards = "".join(_card(view, mean) for mean in view.means)
    return f'<ul class="cards">{cards}</ul>' if cards else ""


def _card(view: _View, mean: Mean) -> str:
    big = score(mean.latin) if mean.ratio is None else _percent(mean.ratio)
    if mean.native is None:
        under = f"Latin {MAIN}"
    else:
        under = f"{MAIN} {score(mean.native)} native → {score(mean.latin)} Latin"
    authors = ""
    if len(view.authors) > 1:
        each = [(author, _author_mean(view, mean.system, author)) for author in view.authors]
        authors = "".join(
            f"<li><span>{_bdi(author)}</span> <b>{_kept_or_latin(by)}</b></li>" for author, by in each if by
        )
        authors = f"<ul>{authors}</ul>"
    return (
        f'<li class="card {view.series[mean.system]}"><p class="name">{_system(view, mean.system)}</p>'
        f'<p class="big">{big}</p><p class="under">{under}</p>{authors}</li>'
    )


def _author_mean(view: _View, system: str, author: str) -> Mean | None:
    cells = [cell for cell in view.by_system[system] if cell.author == author]
    return table.mean(cells) if cells else None


def _kept_or_latin(mean: Mean) -> str:
    return score(mean.latin) if mean.ratio is None else _percent(mean.ratio)


# ---- the gap by query set


def _gap(view: _View) -> str:
    if not view.sets:
        return ""
    highest = [high for cell in view.report.cells if (high := figures(cell).ratio_high) is not None]
    top = 1.0 if max(highest, default=0.0) <= 1.0 else 1.25 if max(highest) <= 1.25 else 1.5
    two = " two" if len(view.sets) in (1, 2, 4) else ""
    panels = "".join(_panel(view, cells, top) for cells in view.sets.values())
    told = (
        f"{MAIN} of Latin queries as a share of what the same queries reach in native script. "
        "The thin line at a bar’s end is the 95&nbsp;% interval. At the right: native → Latin, "
        "then the share kept and its interval."
        if view.has_native
        else f"{MAIN} of the Latin queries, from 0 to 1: there is no native side to compare with."
    )
    return f'<p class="lede">{told}</p><div class="panels{two}">{panels}</div>'


def _panel(view: _View, cells: Sequence[Cell], top: float) -> str:
    groups = ""
    for group in view.of_set(cells):
        asked = _count(max(cell.queries for cell in group), "query", "queries")
        groups += f'<p class="author">{_by(group[0].author)} · {asked}</p>'
        groups += f'<ul class="bars">{"".join(_gap_row(view, cell, top) for cell in group)}</ul>'
    native = any(figures(cell).native is not None for cell in cells)
    return (
        f'<figure class="panel"><figcaption><h3>{view.set_name(cells[0])}</h3></figcaption>{groups}'
        f"{charts.ratio_axis(top) if native else charts.score_axis()}</figure>"
    )


def _gap_row(view: _View, cell: Cell, top: float) -> str:
    of, series = figures(cell), view.series[cell.system]
    name = _text(cell.system)
    if of.ratio is not None:
        label = f"{name} keeps {_percent(of.ratio)}, 95 % interval {_interval(of) or 'not known'}"
        drawn = charts.bar(
            of.ratio, of.ratio_low, of.ratio_high, top=top, series=series, label=label, full=True
        )
        aside = f"{score(of.native)} → {score(of.latin)}"
        value = f"<b>{_percent(of.ratio)}</b> <small>{_interval(of)}</small>"
    else:
        label = f"{name}: Latin {MAIN} {score(of.latin)}"
        drawn = charts.bar(
            of.latin, None, None, top=1.0, series=f"{series} absolute", label=label, full=False
        )
        aside = "no native side" if of.native is None else "native finds nothing"
        value = f"<b>{score(of.latin)}</b>"
    return (
        f'<li><span class="who">{_system(view, cell.system)}</span>'
        f'<span class="aside">{aside}</span><span class="value">{value}</span>{drawn}</li>'
    )


# ---- native against Latin, query by query


def _scatters(view: _View) -> str:
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
        f"{_count(most, 'query', 'queries')}; the same in every drawing, but for single ones, which would be "
        "too small to see.</p>"
        f'<div class="scatters">{drawn}</div>'
    )


def _scatter(
    view: _View, name: str, pairs: Sequence[tuple[float, float]], counts: Counter[tuple[int, int]], most: int
) -> str:
    lost = sum(latin < native for native, latin in pairs) / len(pairs)
    gained = sum(latin > native for native, latin in pairs) / len(pairs)
    same = max(0.0, 1 - lost - gained)
    words = f"{_percent(lost)} lose, {_percent(same)} stay equal, {_percent(gained)} gain"
    label = f"Native and Latin {MAIN} of {_count(len(pairs), 'query', 'queries')}, {_text(name)}: {words}"
    return (
        f"<figure><figcaption><h3>{_system(view, name)}</h3><p>{words}</p></figcaption>"
        f"{charts.scatter(counts, most, view.series[name], label)}</figure>"
    )


# ---- why


def _causes(view: _View, explained: Mapping[str, str]) -> str:
    counts: dict[str, Counter[str]] = {name: Counter() for name in view.by_system}
    for cell in view.report.cells:
        counts[cell.system].update(cell.causes)
    counts = {name: its for name, its in counts.items() if its.total()}
    if not counts:
        return ""
    found = {cause for its in counts.values() for cause in its if its[cause]}
    order = dict.fromkeys([*explained, *sorted(found)])
    causes = [cause for cause in order if cause in found]
    colours = {cause: f"c{at % (COLOURS + 1)}" for at, cause in enumerate(order)}
    rows = "".join(_cause_row(view, name, its, causes, colours) for name, its in counts.items())
    legend = "".join(
        f'<div><dt><i class="swatch {colours[cause]}"></i>{_text(cause)}</dt>'
        f"<dd>{_text(explained.get(cause, ''))}</dd></div>"
        for cause in causes
    )
    return (
        '<p class="lede">What lost the queries that find less in Latin letters: the word that lost each was '
        "looked for, and what became of it.</p>"
        f'<figure class="causes"><ul class="stacks">{rows}</ul>'
        f"<figcaption><dl>{legend}</dl></figcaption></figure>"
    )


def _cause_row(
    view: _View, name: str, counts: Counter[str], causes: Sequence[str], colours: Mapping[str, str]
) -> str:
    total = counts.total()
    parts = [
        Part(counts[cause], colours[cause], _text(cause), _percent(counts[cause] / total)) for cause in causes
    ]
    said = ", ".join(f"{part.name} {part.text}" for part in parts if part.amount)
    drawn = charts.stack(parts, f"{_text(name)}: {said}")
    examined = _count(total, "lost query", "lost queries")
    return (
        f'<li><span class="who">{_system(view, name)}</span><span class="value">{examined} examined</span>'
        f"{drawn}</li>"
    )


# ---- behaviour

_HABITS = {
    "zero_results": "Zero results",
    "silent_wrong": "Silently wrong",
    "foreign": "Foreign hits",
    "errors": "Errors",
}
_TIMES = {"p50": "p50&nbsp;ms", "p99": "p99&nbsp;ms"}


def _behaviour(view: _View) -> str:
    if not view.means:
        return ""
    rows = [
        (f'<th scope="row">{_system(view, mean.system)}</th>', mean.native_behaviour, mean.behaviour)
        for mean in view.means
    ]
    return (
        '<p class="lede">A user who gets nothing tries again; one who gets a confident wrong answer may not. '
        "Shares of queries, of foreign hits a share of the first ten hits; every query set counts the same."
        "</p>" + _habits(view, "Behaviour of every system", ("System",), _HABITS, rows)
    )


def _habits(
    view: _View,
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
        figures = ""
        for name in habits:
            figures += f"<td>{_habit(native, name)}</td>" if view.has_native else ""
            figures += f'<td class="latin">{_habit(latin, name)}</td>'
        body += f"<tr>{first}{figures}</tr>"
    return _scrolling(
        caption,
        f'<table class="behaviour"><caption>{caption}</caption>{groups}'
        f"<thead><tr>{named}{heads}</tr><tr>{under}</tr></thead><tbody>{body}</tbody></table>",
    )


def _habit(of: Behaviour | None, name: str) -> str:
    if of is None:
        return NONE
    value = getattr(of, name)
    return f"{value:,}" if name == "errors" else milliseconds(value) if name in _TIMES else _percent(value)


# ---- latency


def _latency(view: _View) -> str:
    spreads = {
        (mean.system, side): Spread(of.p50, of.p99)
        for mean in view.means
        for side, of in (("native", mean.native_behaviour), ("Latin", mean.behaviour))
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
                f"{_text(mean.system)}, {side}: p50 {milliseconds(each.p50)} ms, "
                f"p99 {milliseconds(each.p99)} ms",
            )
            + f'<span class="value">{milliseconds(each.p50)} – {milliseconds(each.p99)}&nbsp;ms</span></li>'
            for side, each in its.items()
        )
        tracks = tracks or "<li>not known: its answers come from run files</li>"
        rows += f"<li>{_system(view, mean.system)}<ul>{tracks}</ul></li>"
    return (
        '<p class="lede">Milliseconds a query, as the caller waits, on a logarithmic axis: from the median '
        "(dot; the median of query sets) to the slowest of a hundred (tick; the slowest query set’s).</p>"
        f'<figure class="latencies"><ul class="tracks">{rows}</ul>'
        f'<div class="tracks-axis">{charts.latency_axis(across)}</div></figure>'
    )


# ---- lost queries


def _lost(view: _View) -> str:
    by_system: dict[str, dict[tuple[str, str, str, str], list[Lost]]] = {}
    for lost in view.report.lost:
        by_system.setdefault(lost.system, {}).setdefault(_key(lost), []).append(lost)
    if not by_system:
        return ""
    ordered = sorted(
        by_system, key=lambda name: list(view.by_system).index(name) if name in view.by_system else 0
    )
    cells = {_key(cell): cell for cell in view.report.cells}
    content = '<p class="lede">The ten worst and the ten median of each query set’s lost queries.</p>'
    for name in ordered:
        its = by_system[name]
        number = _count(sum(map(len, its.values())), "query", "queries")
        groups = "".join(_lost_group(view, cells.get(key), lost) for key, lost in its.items())
        title = f"<h3>{_system(view, name)}</h3> <span>{number}</span>"
        content += f"<details><summary>{title}</summary>{groups}</details>"
    return content


def _lost_group(view: _View, cell: Cell | None, lost: Sequence[Lost]) -> str:
    title = view.set_name(cell) if cell else _bdi(lost[0].query_set or lost[0].collection)
    language = cell.language if cell else None
    content = "".join(
        _lost_list(group, its, language)
        for group in (WORST, MEDIAN)
        if (its := [each for each in lost if each.group == group])
    )
    return (
        f"<details><summary><h4>{title} · {_by(lost[0].author)}</h4> "
        f"<span>{len(lost)}</span></summary>{content}</details>"
    )


def _lost_list(kind: str, lost: Sequence[Lost], language: str | None) -> str:
    items = "".join(_lost_query(each, language) for each in lost)
    return f'<p class="kind">The {kind}</p><ol class="lost">{items}</ol>'


def _lost_query(lost: Lost, language: str | None) -> str:
    why = f'<span class="cause">{_text(lost.cause)}</span>'
    missed = None if lost.missed is None else normalize(lost.missed)
    if lost.token:
        why += f" <b>{_bdi(lost.token)}</b>"
        readings = [
            f"<span{' class=right' if term == missed else ''}>{_native(term, language)}"
            f"&nbsp;<small>{_probability(probability)}</small></span>"
            for term, probability in lost.readings[:5]
        ]
        more = f" and {len(lost.readings) - 5} more" if len(lost.readings) > 5 else ""
        why += f" read as {', '.join(readings)}{more}" if readings else ""
    if lost.missed:
        why += (
            f"; it missed {_native(lost.missed, language)}"
            if lost.token
            else f" missed {_native(lost.missed, language)}"
        )
    return (
        f'<li><p class="typed"><bdi>{_marked(lost.latin_text, lost.token)}</bdi></p>'
        f'<p class="meant">{_native(lost.native_text, language, lost.missed)}</p>'
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


# ---- all figures


def _figures(view: _View) -> str:
    if not view.sets:
        return ""
    measures = [name for name in MEASURES if any(name in cell.figures for cell in view.report.cells)]
    content = (
        '<p class="lede">p: paired randomization test of no gap, corrected after Holm over all rows and '
        "measures.</p>"
    )
    for name in measures:
        opened = " open" if name == measures[0] else ""
        content += f"<details{opened}><summary><h3>{name}</h3></summary>{_figures_of(view, name)}</details>"
    rows = ((_first_cells(view, cell), cell.native, cell.latin) for cell in view.cells())
    words = ("Query set", "Latin by", "System")
    behaviour = _habits(view, "Behaviour of every query set", words, {**_HABITS, **_TIMES}, rows)
    return f"{content}<details><summary><h3>Behaviour and latency</h3></summary>{behaviour}</details>"


def _first_cells(view: _View, cell: Cell) -> str:
    return (
        f'<th scope="row">{view.set_name(cell)}</th><td class="word">{_bdi(cell.author)}</td>'
        f'<td class="word">{_system(view, cell.system)}</td>'
    )


def _figures_of(view: _View, measure: str) -> str:
    rows = ""
    for cell in view.cells():
        of = figures(cell, measure)
        rows += (
            f"<tr>{_first_cells(view, cell)}<td>{cell.queries:,}</td>"
            f"<td>{score(of.native)}</td><td>{score(of.latin)}</td><td><b>{_percent(of.ratio)}</b></td>"
            f"<td>{_interval(of) or NONE}</td><td>{_signed(of.gap)}</td>"
            f"<td>{_range(of.gap_low, of.gap_high)}</td><td>{_p_value(of.p_corrected)}</td></tr>"
        )
    words = "".join(
        f'<th scope="col" class="word">{head}</th>' for head in ("Query set", "Latin by", "System")
    )
    numbers = ("Queries", "Native", "Latin", "Kept", "95&nbsp;%", "Gap", "95&nbsp;%", "p")
    heads = words + "".join(f'<th scope="col">{head}</th>' for head in numbers)
    return _scrolling(
        f"{measure} of every query set, author and system",
        f"<table><caption>{measure}, native and Latin</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table>",
    )


def _comparisons(view: _View) -> str:
    if not view.report.comparisons:
        return ""
    cells = {(cell.collection, cell.query_set): cell for cell in view.report.cells}
    rows = ""
    for each in view.report.comparisons:
        cell = cells.get((each.collection, each.query_set))
        name = view.set_name(cell) if cell else _bdi(each.query_set or each.collection)
        rows += (
            f'<tr><th scope="row">{name}</th><td class="word">{_bdi(each.author)}</td>'
            f'<td class="word">{_system(view, each.system)}</td>'
            f'<td class="word">{_system(view, each.other)}</td>'
            f"<td><b>{_signed(each.difference)}</b></td><td>{_range(each.low, each.high)}</td>"
            f"<td>{_p_value(each.p_corrected)}</td></tr>"
        )
    words = ("Query set", "Latin by", "System", "Against")
    heads = "".join(f'<th scope="col" class="word">{head}</th>' for head in words)
    heads += "".join(f'<th scope="col">{head}</th>' for head in ("Difference", "95&nbsp;%", "p"))
    drawn = _scrolling(
        "Differences between systems",
        f"<table><caption>Latin {MAIN}, system minus the other, over the same queries</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>",
    )
    return f"<details><summary><h3>System against system</h3></summary>{drawn}</details>"


def _signed(value: float | None) -> str:
    return f"+{score(value)}" if value is not None and value >= 0.0005 else score(value)


def _range(low: float | None, high: float | None) -> str:
    return NONE if low is None or high is None else f"{_signed(low)} to {_signed(high)}"


def _scrolling(label: str, content: str) -> str:
    """A wide table scrolls by itself, by keyboard too."""
    return f'<div class="scroll" role="region" aria-label="{label}" tabindex="0">{content}</div>'


# ---- how

_DEFINITIONS = {
    "nDCG@10": "Normalized discounted cumulative gain of the first ten hits, by graded judgements.",
    "MRR@10": "One divided by the rank of the first relevant hit; 0 where none is among ten.",
    "R@100": "Share of the relevant documents that are among the first hundred hits.",
    "Native, Latin": "The same queries in their own script and in Latin letters. Where a query is worded in "
    "Latin letters several times, its score is their mean. All measures are computed by ir_measures.",
    "Gap, kept": "Gap: mean of native minus mean of Latin. Kept: Latin divided by native.",
    "95&nbsp;% interval": "Paired bootstrap: queries are drawn again with replacement, both sides together; "
    "2.5th and 97.5th percentile.",
    "p": "Paired randomization test, two-sided: how often a gap as large arises when the two sides of each "
    "query are swapped at random. Corrected for the number of comparisons after Holm.",
    "Zero results": "Share of queries that return nothing, errors included.",
    "Silently wrong": "Share of queries whose first hit is wrong and would pass a cut-off that nine in ten "
    "of the system’s right first hits pass: on native queries, or on Latin ones where there are no native.",
    "Foreign hits": "Of the first ten hits, the share in another language than the query’s relevant "
    "documents; only where a collection is known to hold several languages.",
    "Latency": "Time from asking a system to its answer, one query at a time. p50: half of the queries are "
    "faster. p99: all but one in a hundred are.",
}
"""Every figure in a line."""


def _method(view: _View, json_name: str | None) -> str:
    report = view.report
    defined = "".join(f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in _DEFINITIONS.items())
    facts: list[tuple[str, str]] = []
    facts += [(f"System {name}", what) for name, what in report.systems.items()]
    facts += [(f"Latin by {name}", how) for name, how in report.authors.items()]
    facts += [(f"Collection {name}", _flat(what)) for name, what in report.collections.items()]
    facts += [(name.capitalize(), _flat(what)) for name, what in report.circumstances.items()]
    listed = "".join(f"<div><dt>{_bdi(name)}</dt><dd>{_bdi(what)}</dd></div>" for name, what in facts)
    link = "" if json_name is None else f'<a href="{_text(quote(json_name))}">{_text(json_name)}</a>'
    return (
        f'<dl class="method">{defined}</dl><h3>This measurement</h3><dl class="method facts">{listed}</dl>'
    ) + (f"<p>The same figures as JSON, each query’s among them: {link}.</p>" if link else "")


def _flat(value: object) -> str:
    """A value of the circumstances in a line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_flat(each)}".strip() for name, each in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(map(_flat, value))
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)
