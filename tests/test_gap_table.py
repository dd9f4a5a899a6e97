"""The report in a terminal: every cell a line, no line too wide, nothing that moves the cursor."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest
from gap_reports import AUTHORS, SETS, SYSTEMS, cell, report
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptbridge.gap.formats import clean, milliseconds, p_value, percent, score
from scriptbridge.gap.records import Behaviour, Figures
from scriptbridge.gap.table import NARROWEST, table

BEHAVED = Behaviour(0.0, 0.0, None, None, None)


def wide(line: str) -> int:
    """Terminal columns, counted another way than the table does."""
    return sum(
        (unicodedata.category(letter) not in ("Mn", "Me", "Cf"))
        * (1 + (unicodedata.east_asian_width(letter) in ("W", "F")))
        for letter in line
    )


def test_every_cell_and_every_mean_has_a_line() -> None:
    lines = table(report(), 140).splitlines()
    cells = len(SETS) * len(AUTHORS) * len(SYSTEMS)
    assert len(lines) == 1 + 1 + cells + 1 + len(SYSTEMS)
    assert sum("mean of 8" in line for line in lines) == len(SYSTEMS)
    assert lines[1] == lines[2 + cells] == "─" * wide(lines[1])


def test_a_line_says_what_was_measured() -> None:
    its = replace(
        cell(queries=1500),
        figures={"nDCG@10": Figures(0.246, 0.6, 0.354, 0.33, 0.37, 0.41, 0.38, 0.44, 0.0001, 0.0003)},
        latin=Behaviour(0.12, 0.31, None, 3.42, 41.4),
    )
    head, _, line = table(report([its]), 140).splitlines()
    columns = (
        "queries of, Latin by, system, queries, native, Latin, kept, 95 %, gap p, zero, wrong, p50/p99 ms"
    )
    assert re.split("  +", head) == columns.split(", ")
    values = "shop, given, my-engine, 1;500, .600, .246, 41 %, 38–44, <.001, 12 %, 31 %, 3.4/41"
    assert re.split("  +", line.replace("\u00a0", " ").replace(",", ";")) == values.split(", ")


def test_columns_that_say_nothing_are_left_out() -> None:
    head = table(report([cell(native=False, timed=False)]), 140).splitlines()[0]
    assert "native" not in head and "ms" not in head and "gap" not in head


@pytest.mark.parametrize("width", [1, 40, 60, 80, 100, 120, 200])
def test_no_line_is_too_wide(width: int) -> None:
    assert all(wide(line) <= max(width, NARROWEST) for line in table(report(), width).splitlines())


def test_the_least_important_columns_go_first() -> None:
    heads = [table(report(), width).splitlines()[0] for width in (130, 110, 80, 60)]
    assert "p50" in heads[0] and "p50" not in heads[1]
    assert "queries  " in heads[1] and "gap p" in heads[1] and "gap p" not in heads[3]
    assert all("system" in head and "kept" in head for head in heads)


def test_wide_letters_keep_columns_aligned() -> None:
    lines = table(report([cell("検索エンジン", 0.5), cell("plain", 0.5)]), 120).splitlines()
    assert len({wide(line) for line in lines[:4]}) == 1


@given(st.text(min_size=1, max_size=80), st.integers(40, 150))
@settings(max_examples=60)
def test_any_name_fits_and_prints(name: str, width: int) -> None:
    its = [cell(name, collection=name, author=name), cell("plain", collection=name, author=name)]
    drawn = table(report(its), width)
    drawn.encode("utf-8")
    assert len(drawn.splitlines()) == 4
    assert all(wide(line) <= width for line in drawn.split("\n"))
    assert not any(unicodedata.category(letter) == "Cc" for letter in drawn.replace("\n", ""))


def test_nothing_measured() -> None:
    assert table(report([])) == "Nothing was measured."


def test_errors_are_told_when_there_are_any() -> None:
    failing = replace(cell(), latin=replace(cell().latin, errors=1203), native=replace(BEHAVED, errors=2))
    lines = table(report([failing, cell("other", 0.9)]), 140).splitlines()
    assert "  errors" in lines[0] and "  2/1,203" in lines[2] and "1,203" not in lines[3]
    assert "errors" not in table(report([cell("other", 0.9)]), 140)
    assert "errors" in table(report([failing]), 60).splitlines()[0]
    latin_only = replace(cell(native=False), latin=replace(BEHAVED, errors=7))
    assert "  7" in table(report([latin_only]), 140).splitlines()[2]


def test_means_have_intervals_and_say_what_they_leave_out() -> None:
    cells = [cell(), cell(query_set="b"), cell(query_set="c", native=False)]
    *_, mean, first, last = table(report(cells), 80).splitlines()
    assert re.search(r"mean of 2 .* \d+ %  \d+–\d+", mean)
    assert f"{first} {last}" == (
        "Means are over 2 of 3 query sets and authors: those where all systems were asked native queries too."
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (percent(0.994), "99 %"),
        (percent(0.9999), ">99 %"),
        (percent(0.0), "0 %"),
        (percent(1.2), "120 %"),
        (score(-0.0001), ".000"),
        (p_value(None), "–"),
        (milliseconds(12345.6), "12,346"),
    ],
)
def test_figures_in_words(written: str, expected: str) -> None:
    assert written.replace("\u00a0", " ") == expected


def test_spelling_survives_cleaning() -> None:
    assert clean("می‌خواهم क्‍ष") == "می‌خواهم क्‍ष"  # joiners
    assert clean("a\u202eb\x07\ud812") == "a\ufffdb\ufffd\ufffd"
