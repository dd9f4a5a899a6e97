"""Means over several cells: which cells, and intervals that hold what they promise."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest
from gap_reports import cell, report, scored

from scriptbridge.gap.records import Behaviour, Cell, Scores
from scriptbridge.gap.summary import Mean, summarize

SETS = {"a": 15, "b": 40, "c": 100}


def only(*cells: Cell) -> Mean:
    (mean,) = summarize(report(cells)).means
    return mean


def drawn(rng: np.random.Generator, query_set: str, author: str = "given", system: str = "my-engine") -> Cell:
    """A cell whose Latin queries keep .6 of what native ones find, in the long run."""
    native = np.where(rng.random(SETS[query_set]) < 0.3, 0, rng.beta(2, 1, SETS[query_set]))
    latin = native * rng.choice([1, 0.5, 0], len(native), p=[0.5, 0.2, 0.3])
    return scored(cell(system, query_set=query_set, author=author), latin.tolist(), native.tolist())


# ---- over which cells


def test_a_mean_is_over_cells_with_native_queries() -> None:
    compared = scored(cell(), [0.2, 0.4], [0.5, 0.7])
    alone = scored(cell(query_set="b"), [0.9, 0.9])
    over = only(compared, alone)
    assert (over.latin, over.native, over.ratio) == pytest.approx((0.3, 0.6, 0.5))
    assert (over.cells, over.queries) == (1, 2)
    without = only(alone)
    assert (without.latin, without.ratio, without.ratio_low) == (0.9, None, None)


def test_systems_are_compared_over_the_same_cells() -> None:
    """One was asked no native queries in set b: neither's mean holds b."""
    full = [scored(cell(query_set=name), [0.1 * n, 0.5], [0.5, 0.5]) for n, name in enumerate("abc")]
    part = [
        scored(cell("runs", query_set="a"), [0.4, 0.5], [0.5, 0.5]),
        cell("runs", query_set="b", native=False),
    ]
    summary = summarize(report([*full, *part]))
    assert [mean.cells for mean in summary.means] == [1, 1]
    assert summary.means[0].ratio == pytest.approx(0.5)
    assert "over 1 of 3" in summary.notes[0]


def test_a_system_never_asked_native_queries_takes_none_from_the_others() -> None:
    full = [cell(query_set=name) for name in "ab"]
    runs = [cell("runs", query_set=name, native=False) for name in "ab"]
    summary = summarize(report([*full, *runs]))
    assert [(mean.cells, mean.ratio is None) for mean in summary.means] == [(2, False), (2, True)]
    assert summary.notes == ()


def test_systems_without_common_cells_are_not_passed_off_as_compared() -> None:
    summary = summarize(report([cell(), cell("other", query_set="b")]))
    assert [mean.cells for mean in summary.means] == [1, 1]
    assert "can't be compared" in summary.notes[0]
    assert summarize(report([])).means == ()


def test_authors_of_one_set_share_its_queries() -> None:
    assert only(cell(queries=10), cell(queries=10, author="uroman")).queries == 10


def test_each_author_has_a_mean() -> None:
    cells = [cell(query_set=name, author=author) for name in "ab" for author in ("given", "uroman")]
    summary = summarize(report(cells))
    means = [summary.by_author["my-engine", author] for author in ("given", "uroman")]
    assert [mean.cells for mean in means] == [2, 2]
    assert fmean(mean.latin for mean in means) == pytest.approx(summary.means[0].latin)


def test_behaviours_are_means_a_median_and_the_slowest() -> None:
    habits = [Behaviour(0.125, 0.25, None, 1.0, 9.0, 1), Behaviour(0.375, 0.5, 0.5, 3.0, 5.0, 2)]
    over = only(*(replace(cell(query_set=f"{at}"), latin=each) for at, each in enumerate(habits)))
    assert over.latin_behaviour == Behaviour(0.25, 0.375, 0.5, 2.0, 9.0, 3)
    assert only(cell(native=False)).native_behaviour is None
    twice = [replace(cell(author=author), native=habits[0]) for author in ("given", "uroman")]
    assert only(*twice).native_behaviour == habits[0]


# ---- their intervals


def test_the_interval_of_means_covers_the_truth_at_its_nominal_rate() -> None:
    """Three sets of 15 to 100 queries, by two authors who are right about the same ones."""
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(300):
        cells = [drawn(rng, name) for name in SETS]
        cells += [replace(each, author="uroman") for each in cells]
        mean = only(*cells)
        assert mean.ratio_low is not None and mean.ratio_high is not None
        covered += mean.ratio_low <= 0.6 <= mean.ratio_high
    assert 0.92 <= covered / 300 <= 0.98


def ratios_one_by_one(cells: Sequence[Cell], resamples: int) -> list[float]:
    draw = random.Random(1)
    found = []
    for _ in range(resamples):
        latin, native = [], []
        for its in cells:
            scores = list(zip(its.scores.latin, its.scores.native or (), strict=True))
            again = draw.choices(scores, k=len(scores))
            latin.append(fmean(low for low, _ in again))
            native.append(fmean(high for _, high in again))
        found.append(fmean(latin) / fmean(native))
    return found


def test_the_interval_is_that_of_one_query_drawn_at_a_time() -> None:
    rng = np.random.default_rng(6)
    cells = [drawn(rng, name) for name in SETS]
    slow = ratios_one_by_one(cells, 1500)
    mean = only(*cells)
    spread = float(np.std(slow))
    assert mean.ratio_low == pytest.approx(np.quantile(slow, 0.025), abs=0.35 * spread)
    assert mean.ratio_high == pytest.approx(np.quantile(slow, 0.975), abs=0.35 * spread)


def test_a_second_author_of_the_same_queries_is_no_second_sample() -> None:
    rng = np.random.default_rng(6)
    cells = [drawn(rng, name) for name in SETS]
    one = only(*cells)
    two = only(*cells, *(replace(each, author="uroman") for each in cells))
    assert (two.ratio_low, two.ratio_high) == pytest.approx((one.ratio_low, one.ratio_high))


def test_an_author_may_leave_queries_out() -> None:
    rng = np.random.default_rng(6)
    whole = drawn(rng, "c")
    scores = whole.scores
    assert scores.native is not None
    part = replace(
        whole,
        author="uroman",
        queries=60,
        scores=Scores(scores.ids[40:], scores.latin[40:], scores.native[40:]),
    )
    mean = only(whole, part)
    assert mean.ratio_low is not None and mean.ratio_high is not None and mean.ratio is not None
    assert mean.ratio_low < mean.ratio < mean.ratio_high


def test_identical_sides_keep_all_exactly() -> None:
    cells = [scored(cell(query_set=name), [0.3, 0.5, 1.0], [0.3, 0.5, 1.0]) for name in "ab"]
    mean = only(*cells)
    assert (mean.ratio, mean.ratio_low, mean.ratio_high) == (1.0, 1.0, 1.0)


def test_a_cell_of_one_query_leaves_no_interval() -> None:
    mean = only(cell(), scored(cell(query_set="b"), [0.2], [0.4]))
    assert mean.ratio is not None and mean.ratio_low is None and mean.ratio_high is None


def test_a_single_cell_s_mean_has_the_cell_s_interval() -> None:
    its = cell()
    assert only(its).ratio_low == its.figures["nDCG@10"].ratio_low


def test_equal_reports_give_equal_summaries() -> None:
    assert summarize(report()) == summarize(report())
