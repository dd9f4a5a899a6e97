"""The report as a page: what it says, that nobody's text can harm it, and what a browser makes of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from html import escape, unescape
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import gap_reports
import pytest
from gap_reports import cell, report, scored
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptbridge.gap import charts
from scriptbridge.gap.page import html
from scriptbridge.gap.records import WORST, Behaviour, Figures, Lost, Report
from scriptbridge.gap.sections.view import View


class Outline(HTMLParser):
    """Tags in order, whether all are closed, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.opened: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag != "meta":
            self.opened.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.opened and self.opened[-1] == tag, f"</{tag}> inside {self.opened[-3:]}"
        self.opened.pop()

    def handle_data(self, data: str) -> None:
        if self.opened and self.opened[-1] != "style":
            self.text += data


@cache
def page() -> str:
    return html(report(notes=["Only the channel wrote Latin queries."]))


@cache
def outline() -> Outline:
    return Outline(page())


# ---- what it says


def test_the_headline_says_the_answer() -> None:
    half = scored(cell("my-engine"), [0.3, 0.3], [0.5, 0.7])
    all_of_it = scored(cell("scriptbridge"), [0.494, 0.694], [0.5, 0.7])
    text = Outline(html(report([half, all_of_it]))).text.replace("\u00a0", " ")
    assert "my-engine keeps 50 % of what native queries find; scriptbridge keeps 99 %." in text


def test_several_sets_count_the_same() -> None:
    large = scored(cell(), [0.0] * 900, [0.8] * 900)
    small = scored(cell(query_set="b"), [0.8] * 9, [0.8] * 9)
    assert "keeps 50 %" in Outline(html(report([large, small]))).text.replace("\u00a0", " ")


def test_it_tells_all_that_the_report_holds() -> None:
    text = outline().text
    for said in ("uroman 1.3.1", "Only the channel wrote", "12,000", "spec of my-engine"):
        assert said in text
    for cause in gap_reports.CAUSES:
        assert f'<span class="cause">{cause}</span>' in page()


def test_means_have_intervals() -> None:
    cards = page().partition('<ul class="cards">')[2].partition("<nav")[0]
    assert len(re.findall(r'<p class="sure">\d+–\d+\u00a0%', cards)) == 3
    assert len(re.findall(r"<small>\d+–\d+\u00a0%</small>", cards)) == 3 * len(gap_reports.AUTHORS)


def test_what_means_leave_out_is_told() -> None:
    text = Outline(html(report([cell(), cell(query_set="b", native=False)]))).text
    assert "Means are over 1 of 2 query sets and authors" in text


def test_p_stands_where_it_is_tested() -> None:
    tables = page().partition('<section id="figures"')[2].partition("Behaviour and latency")[0]
    by_measure = re.split(r"<h3>(?:nDCG@10|MRR@10|R@100)</h3>", tables)[1:]
    assert ['<th scope="col">p</th>' in each for each in by_measure] == [True, False, False]


def test_errors_are_told() -> None:
    behaviour = page().partition('<section id="behaviour"')[2].partition("</section>")[0]
    assert ">Errors</th>" in behaviour


def test_a_set_named_by_its_language_has_its_name() -> None:
    """Whether it is alone on a page or not, and whether the collection has that name or the set."""

    def named(*sets: tuple[str, str]) -> list[str]:
        cells = [cell(collection=each, query_set=name, language="el") for each, name in sets]
        view = View(report(cells))
        return [unescape(re.sub("<[^>]*>", "", view.set_name(each))) for each in cells]

    assert named(("el", "")) == named(("shop", "el")) == ["Greek"]
    assert named(("el", ""), ("shop", "")) == ["Greek", "shop · Greek"]
    assert named(("greek", ""), ("shop", "el")) == ["greek", "shop · Greek"]


def test_what_is_shown_of_lost_queries_is_said() -> None:
    few = [replace(each, group=WORST) for each in gap_reports.lost(cell(), 5)]
    text = Outline(html(replace(report([cell()]), lost=tuple(few)))).text
    assert "The ten worst of each query set’s lost queries." in text and "The median" not in text
    assert "The ten worst of each query set’s lost queries, and the ten in the middle." in outline().text


def test_without_native_queries_the_latin_figure_stands_alone() -> None:
    cells = [cell("bm25", native=False, timed=False), cell("other", native=False, timed=False)]
    text = Outline(html(report(cells, with_lost=False, with_causes=False))).text
    assert "bm25 reaches nDCG@10" in text and "no native side" in text
    assert "keeps" not in text and "Query by query" not in text and "p50 –" not in text


def test_native_queries_that_find_nothing() -> None:
    none = scored(cell(), [0.0, 0.0], [0.0, 0.0])
    assert "finds nothing, in native script either" in Outline(html(report([none]))).text


@pytest.mark.parametrize(
    "made",
    [
        report([]),
        report([cell(queries=1)]),
        report([cell(timed=False)], with_lost=False, with_causes=False),
        report([cell(), cell("other", native=False)]),
        report([replace(cell(), figures={"nDCG@10": Figures(0.5)}), cell("other")]),
        report([cell(), cell("other", query_set="b")]),
        report([replace(cell(), latin=Behaviour(1.0, 0.0, None, 0.0, 0.0), language=None)]),
        report([cell(f"system {n}") for n in range(9)]),
        replace(
            report([replace(cell(), causes={"never heard of": 3})], with_causes=False),
            circumstances={},
            systems={},
        ),
    ],
)
def test_any_report_makes_a_sound_page(made: Report) -> None:
    drawn = Outline(html(made))
    assert drawn.opened == []
    assert drawn.tags.count("h1") == 1


# ---- its structure


def test_headings_are_in_order() -> None:
    levels = [int(tag[1]) for tag in outline().tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_links_lead_somewhere_on_the_page() -> None:
    ids = [attributes["id"] for _, attributes in outline().attributes if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for tag, attributes in outline().attributes if tag == "a"]
    assert [link for link in links if link and link.removeprefix("#") not in ids] == []


def test_it_links_to_the_json_beside_it() -> None:
    assert '<a href="my%20gap.json">my gap.json</a>' in html(report([cell()]), "my gap.json")


def test_headers_have_scopes_and_drawings_names() -> None:
    for tag, attributes in outline().attributes:
        assert tag != "th" or attributes.get("scope") in ("col", "row", "colgroup")
        assert tag != "svg" or attributes.get("aria-label") or attributes.get("aria-hidden")


def test_native_text_tells_its_language_and_direction() -> None:
    native = [attributes for _, attributes in outline().attributes if attributes.get("class") == "native"]
    assert {attributes["lang"] for attributes in native} == {"el", "ar", "hi", "ur"}
    assert {attributes["dir"] for attributes in native} == {"auto"}


def test_nothing_comes_from_elsewhere() -> None:
    assert "default-src 'none'" in page() and "unsafe" not in page()
    assert not {"script", "link", "img", "iframe", "object"} & set(outline().tags)
    assert not any({"style", "src", "onclick"} & set(attributes) for _, attributes in outline().attributes)
    assert "url(" not in page() and "@import" not in page() and "://" not in page()


def test_the_word_that_lost_a_query_is_marked() -> None:
    assert "al <mark>7arb</mark></bdi>" in page()
    assert "متى بدأت <mark>الحرب</mark></bdi>" in page()


def test_whole_words_are_marked_first() -> None:
    lost = replace(gap_reports.lost(cell())[0], latin_text="kalimera kali", token="kali")
    assert "kalimera <mark>kali</mark>" in html(replace(report([cell()]), lost=(lost,)))


# ---- anybody's text

HOSTILE = "\"'><script>alert(1)</script>&\u202e\ud800\0\x1b[31m" + "w" * 300


def hostile(text: str) -> Report:
    """A report in which all that a user can name is `text`."""
    its = replace(cell(), collection=text, query_set=text, language=text, author=text, system=text)
    its = replace(its, causes={text: 2})
    lost = Lost(
        text, text, text, text, WORST, text, f"a {text}", text, 0.0, 1.0, text, text, text, ((text, 0.5),)
    )
    return replace(
        report([its], notes=[text], with_causes=False),
        lost=(lost,),
        circumstances={text: text, "versions": {text: [text]}},
        collections={text: {text: text}},
        authors={text: text},
        systems={text: text},
    )


def test_hostile_text_stays_text() -> None:
    drawn = html(hostile(HOSTILE))
    drawn.encode("utf-8")
    assert "<script" not in drawn and "\u202e" not in drawn and "\x1b" not in drawn
    assert "<script>alert(1)</script>&" in Outline(drawn).text
    assert Outline(drawn).tags == Outline(html(hostile("x"))).tags


@given(st.text(st.characters(exclude_characters="\t"), min_size=1))
@settings(max_examples=40)
def test_no_text_changes_the_structure(text: str) -> None:
    drawn = Outline(html(hostile(text)))
    assert drawn.opened == []
    assert [tag for tag in drawn.tags if tag != "mark"] == [
        tag for tag in Outline(html(hostile("x"))).tags if tag != "mark"
    ]


def test_a_large_report_stays_small() -> None:
    cells = [
        cell(system, 0.5, collection=f"set {n}", queries=1500) for n in range(8) for system in ("a", "b", "c")
    ]
    assert len(html(report(cells)).encode()) < 1_500_000


# ---- charts


def test_circles_hold_all_queries() -> None:
    pairs = [(1.0, 0.0)] * 7 + [(0.51, 0.49)]
    counts = charts.bins(pairs)
    assert counts == {(20, 0): 7, (10, 10): 1}
    drawn = charts.scatter(counts, 7, "s0", "label")
    assert drawn.count("<circle") == 2 and "7 queries: native 1.00, Latin 0.00" in drawn


def test_a_bar_stays_inside_its_axis() -> None:
    drawn = charts.bar(3.0, 2.0, 4.0, top=1.5, series="s0", label="label", full=True)
    assert all(0 <= float(share) <= 100 for share in re.findall(r'"([\d.]+)%"', drawn))


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=5))
def test_latencies_lie_between_their_decades(values: Sequence[float]) -> None:
    low, high = charts.decades(values)
    assert low < high and all(10.0**low <= max(value, 1e-3) * 1.001 <= 10.0**high * 1.01 for value in values)


# ---- colours


def colours(rule: str) -> dict[str, tuple[float, ...]]:
    """The colour variables of the first block after `rule` in the style sheet, as linear red, green, blue."""
    style = files("scriptbridge.gap").joinpath("page.css").read_text(encoding="utf-8")
    block = style[style.index(rule) :].partition("}")[0]
    found = {}
    for name, digits in re.findall(r"--([\w-]+): #([0-9a-f]{3,6})", block):
        digits = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
        parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        found[name] = tuple(
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
    return found


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """WCAG 2.2's contrast ratio."""
    high, low = sorted(
        (0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in (one, other)), reverse=True
    )
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("rule", [":root", "@media (prefers-color-scheme: dark)", "@media print"])
def test_colours_have_contrast(rule: str) -> None:
    its = colours(rule)
    for text, ground in (("ink", "paper"), ("soft", "paper"), ("mark-ink", "mark"), ("ink", "warn-paper")):
        assert contrast(its[text], its[ground]) >= 4.5, (text, ground)
    for at in range(6):
        assert contrast(its[f"s{at}"], its["paper"]) >= 4.5, f"s{at}"
    for at in range(7):
        assert contrast(its[f"c{at}-ink"], its[f"c{at}"]) >= 4.5, f"c{at}"


# ---- in a browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium to render the page with")
PROBE = """<script>addEventListener("load", () => {
  const marks = {};
  for (const mark of document.querySelectorAll("svg .mark")) {
    const {width, height} = mark.getBoundingClientRect();
    const kind = mark.closest("svg").classList[0] + " " + mark.tagName;
    if (width + height > 0) marks[kind] = (marks[kind] || 0) + 1;
  }
  const told = {marks, inner: innerWidth, wide: document.documentElement.scrollWidth,
                paper: getComputedStyle(document.documentElement).backgroundColor,
                card: getComputedStyle(document.querySelector(".card .big")).color};
  document.body.dataset.told = JSON.stringify(told);
})</script>"""

Browse = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    """Open a page in a browser of its own; standard error has what its console says."""

    def run(content: str, *options: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "page.html"
        file.write_text(content, encoding="utf-8")
        command = [
            CHROMIUM or "",
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--disable-dev-shm-usage", "--enable-logging=stderr", "--window-size=1400,900"),
            f"--user-data-dir={tmp_path / 'profile'}",
            *options,
            file.as_uri(),
        ]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    return run


def probed(browse: Browse, content: str, *options: str, width: int) -> dict[str, Any]:
    """What the page measures of itself in a frame of that width (a window may be no narrower than 500).

    The policy that forbids scripts is lifted for it.
    """
    lifted = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", content)
    framed = escape(lifted.replace("</body>", f"{PROBE}</body>"))
    tell = "onload='document.body.dataset.told = this.contentDocument.body.dataset.told'"
    host = (
        f'<!DOCTYPE html><meta charset="utf-8"><iframe width="{width}" height="900" frameborder="0" {tell} '
    )
    seen = browse(f'{host} srcdoc="{framed}"></iframe>', "--dump-dom", "--hide-scrollbars", *options).stdout
    told = re.search(r'data-told="([^"]*)"', seen)
    assert told, seen[:500]
    return dict(json.loads(unescape(told[1])))


@needs_browser
def test_the_console_stays_silent_and_a_picture_is_made(browse: Browse, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    assert "CONSOLE" not in browse(page(), f"--screenshot={picture}").stderr
    assert picture.stat().st_size > 30_000


@needs_browser
def test_the_policy_forbids_scripts(browse: Browse) -> None:
    tampered = page().replace("</body>", "<script>document.title = 'ran'</script></body>")
    seen = browse(tampered, "--dump-dom")
    assert "CONSOLE" in seen.stderr and "<title>ran" not in seen.stdout


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_charts_have_marks_and_the_page_does_not_scroll_sideways(browse: Browse, width: int) -> None:
    told = probed(browse, page(), width=width)
    assert told["inner"] == width and told["wide"] <= width
    marks = told["marks"]
    cells = len(report().cells)
    assert marks["ratio rect"] == cells and marks["ratio line"] == cells
    assert marks["latency line"] == marks["latency circle"] == 6  # three systems, native and Latin
    assert marks["stack rect"] == 3 * len(gap_reports.CAUSES)
    assert marks["scatter circle"] > 30


@needs_browser
def test_long_names_and_hostile_ones_fit_a_phone(browse: Browse) -> None:
    names = ("w" * 60, HOSTILE[:-240].replace("\ud800", ""), "検索エンジン" * 10, "a name of many words " * 3)
    cells = [
        cell(name, 0.5, collection="c" * 60, query_set=f"{n} {'s' * 50}") for n in range(30) for name in names
    ]
    assert probed(browse, html(report(cells)), width=390)["wide"] == 390


@needs_browser
def test_dark_where_the_reader_wants_it(browse: Browse) -> None:
    dark = probed(browse, page(), "--blink-settings=preferredColorScheme=0", width=1280)
    light = probed(browse, page(), "--blink-settings=preferredColorScheme=1", width=1280)
    assert sum(map(int, re.findall(r"\d+", dark["paper"]))) < 100
    assert sum(map(int, re.findall(r"\d+", light["paper"]))) > 700
    assert dark["card"] != light["card"]
