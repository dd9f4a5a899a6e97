"""The statistics against numbers worked by hand, slow twins, and what they promise in simulation."""

from __future__ import annotations

import itertools
import math
import random
import tracemalloc
from collections.abc import Sequence
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scriptbridge.gap.statistics import bootstrap_mean, bootstrap_ratio, holm, randomization_test

Floats = NDArray[np.float64]

scores = st.integers(0, 100).map(lambda n: n / 100)
differences = st.integers(-100, 100).map(lambda n: n / 100)
few = st.lists(differences, min_size=1, max_size=11)
many = st.lists(differences, min_size=1, max_size=60)


# ---- slow twins


def resampled_means(values: Sequence[float], resamples: int) -> list[float]:
    draw = random.Random(1)
    return sorted(math.fsum(draw.choices(values, k=len(values))) / len(values) for _ in range(resamples))


def counted_p(values: Sequence[float]) -> float:
    """Every pattern of signs, one by one, in whole hundredths."""
    whole = [round(100 * value) for value in values]
    patterns = list(itertools.product((1, -1), repeat=len(whole)))
    extreme = [
        abs(sum(sign * value for sign, value in zip(signs, whole, strict=True))) >= abs(sum(whole))
        for signs in patterns
    ]
    return sum(extreme) / len(patterns)


def holm_by_rule(p_values: Sequence[float]) -> list[float]:
    def corrected(p: float) -> float:
        return max(
            min(1.0, (len(p_values) - sum(other < smaller for other in p_values)) * smaller)
            for smaller in p_values
            if smaller <= p
        )

    return [corrected(p) for p in p_values]


# ---- bootstrap


def ndcg_like(rng: np.random.Generator, n: int) -> Floats:
    """Differences as between two ways to type: most 0, some of any size, some the other way round."""
    native = np.where(rng.random(n) < 0.25, 0, rng.beta(2, 1, n))
    lost = rng.choice([0, 1, 0.4, -0.2], n, p=[0.6, 0.2, 0.15, 0.05])
    return np.asarray(native * lost)


def test_the_interval_covers_a_known_difference_at_its_nominal_rate() -> None:
    rng = np.random.default_rng(7)
    truth = (0.75 * 2 / 3) * (0.2 + 0.4 * 0.15 - 0.2 * 0.05)
    covered = 0
    for seed in range(400):
        low, high = bootstrap_mean(ndcg_like(rng, 200), seed, resamples=1000)
        covered += low <= truth <= high
    assert 0.92 <= covered / 400 <= 0.975


def test_the_ratio_s_interval_covers_a_known_ratio_at_its_nominal_rate() -> None:
    rng = np.random.default_rng(8)
    covered = 0
    for seed in range(400):
        native = np.where(rng.random(200) < 0.3, 0, rng.beta(2, 1, 200))
        latin = native * rng.choice([1, 0.5, 0], 200, p=[0.5, 0.2, 0.3])
        low, high = bootstrap_ratio(latin, native, seed, resamples=1000)
        covered += low <= 0.6 <= high
    assert 0.92 <= covered / 400 <= 0.975


def test_the_interval_is_that_of_one_query_drawn_at_a_time() -> None:
    values = ndcg_like(np.random.default_rng(3), 80).tolist()
    means = resampled_means(values, 4000)
    spread = float(np.std(means))
    low, high = bootstrap_mean(values, 0, resamples=4000)
    assert low == pytest.approx(np.quantile(means, 0.025), abs=0.15 * spread)
    assert high == pytest.approx(np.quantile(means, 0.975), abs=0.15 * spread)
    inner_low, inner_high = bootstrap_mean(values, 0, resamples=4000, level=0.5)
    assert low < inner_low < inner_high < high
    assert inner_low == pytest.approx(np.quantile(means, 0.25), abs=0.15 * spread)


def test_two_queries_have_three_means() -> None:
    """0 and 1, drawn twice: means 0, ½, ½, 1 with equal chances."""
    assert bootstrap_mean([0.0, 1.0], 0) == (0.0, 1.0)
    assert bootstrap_mean([0.0, 1.0], 0, level=0.4) == (0.5, 0.5)


def test_a_ratio_is_of_sums_over_the_same_queries() -> None:
    """Latin is half of native in every query, however unlike the queries: every resample says one half."""
    native = np.array([1.0, 0.25, 0.5, 0.0, 0.125])
    assert bootstrap_ratio(native / 2, native, 0) == (0.5, 0.5)


def test_resamples_without_a_ratio_are_left_out() -> None:
    """Of two queries one has a native score: a quarter of the resamples are all zeros."""
    assert bootstrap_ratio([0.5, 0.0], [1.0, 0.0], 0) == (0.5, 0.5)


def test_one_query_is_a_point() -> None:
    assert bootstrap_mean([0.25], 0) == (0.25, 0.25)
    assert bootstrap_ratio([0.25], [0.5], 0) == (0.5, 0.5)


@given(st.lists(scores, min_size=1, max_size=60), st.integers(0, 2**32))
def test_identical_systems_have_no_gap(values: list[float], seed: int) -> None:
    none = np.array(values) - np.array(values)
    assert bootstrap_mean(none, seed, resamples=50) == (0.0, 0.0)
    assert randomization_test(none, seed) == 1.0
    if any(values):
        assert bootstrap_ratio(values, values, seed, resamples=50) == (1.0, 1.0)


@given(many, st.integers(0, 9), st.sampled_from([-8, -2, -1, 0.5, 1, 4]))
def test_the_interval_scales_and_turns_with_the_differences(
    values: list[float], seed: int, factor: float
) -> None:
    low, high = bootstrap_mean(values, seed, resamples=100)
    assert min(values) - 1e-12 <= low <= high <= max(values) + 1e-12
    turned = sorted((factor * low, factor * high))
    assert bootstrap_mean(factor * np.array(values), seed, resamples=100) == pytest.approx(turned, abs=1e-9)


@given(many, differences, st.integers(0, 9))
def test_the_interval_moves_with_the_differences(values: list[float], by: float, seed: int) -> None:
    low, high = bootstrap_mean(values, seed, resamples=100)
    moved = bootstrap_mean(np.array(values) + by, seed, resamples=100)
    assert moved == pytest.approx((low + by, high + by), abs=1e-9)


def test_the_order_of_queries_matters_within_noise_only() -> None:
    values = ndcg_like(np.random.default_rng(5), 150)
    first = bootstrap_mean(values, 0, resamples=8000)
    assert bootstrap_mean(np.sort(values), 0, resamples=8000) == pytest.approx(first, abs=0.01)


# ---- randomization test


@pytest.mark.parametrize(
    ("values", "p"),
    [
        ([0.3], 1.0),  # ±.3 are as far from 0
        ([0.1, 0.2], 0.5),  # .3, .1, -.1, -.3
        ([0.1, -0.2], 1.0),
        ([0.1, 0.1, 0.1], 0.25),
        ([0.1] * 5, 2 / 32),
        ([0.1, 0.0, 0.0, 0.2, 0.0], 0.5),  # zeros say nothing
        ([0.1, 0.2, 0.3], 0.25),
        ([0.1, 0.2, -0.3], 1.0),  # the sum is 0, but for rounding
        ([0.0] * 40, 1.0),
    ],
)
def test_p_by_hand(values: list[float], p: float) -> None:
    assert randomization_test(values, 0) == p


@given(few)
def test_few_differences_are_counted_exactly(values: list[float]) -> None:
    assert randomization_test(values, 0) == counted_p(values)


@settings(max_examples=25)
@given(st.lists(differences.filter(bool), min_size=8, max_size=11))
def test_random_patterns_agree_with_all_patterns(values: list[float]) -> None:
    """256 patterns or more are not all counted where 255 are allowed."""
    exact = randomization_test(values, 0)
    drawn = np.mean([randomization_test(values, seed, permutations=255) for seed in range(20)])
    expected = (1 + 255 * exact) / 256
    assert drawn == pytest.approx(expected, abs=5 * math.sqrt(exact * (1 - exact) / (20 * 255)) + 1e-12)


def test_p_is_never_0() -> None:
    assert randomization_test([0.5] * 200, 0) == 1 / 10_001
    assert randomization_test([0.5] * 200, 0, permutations=99) == 0.01


@pytest.mark.parametrize("up", [15, 17, 19, 22])
def test_all_octets_count(up: int) -> None:
    """Thirty differences of one size, four octets of which the last is not full: p is the sign test's."""
    n = 30
    p = sum(math.comb(n, k) for k in range(n + 1) if abs(2 * k - n) >= 2 * up - n) / 2**n
    noise = math.sqrt(p * (1 - p) / 10_000)
    assert randomization_test([0.1] * up + [-0.1] * (n - up), 1) == pytest.approx(p, abs=4 * noise + 1e-4)


def test_p_is_uniform_where_there_is_no_difference() -> None:
    rng = np.random.default_rng(11)
    p = []
    for seed in range(1000):
        swapped = rng.choice([-1, 1], 60)
        p.append(randomization_test(swapped * ndcg_like(rng, 60), seed, permutations=999))
    for share in (0.05, 0.2, 0.5, 0.8):
        noise = math.sqrt(share * (1 - share) / len(p))
        assert np.mean(np.array(p) <= share) == pytest.approx(share, abs=3.5 * noise)


@given(many, st.integers(0, 9), st.sampled_from([-1.0, -0.125, 0.5, 64.0, 1e-300]))
def test_p_knows_neither_direction_nor_unit(values: list[float], seed: int, factor: float) -> None:
    p = randomization_test(values, seed, permutations=200)
    assert 1 / 201 <= p <= 1
    assert randomization_test(factor * np.array(values), seed, permutations=200) == p


@given(few, st.randoms(use_true_random=False))
def test_p_knows_no_order(values: list[float], shuffler: random.Random) -> None:
    other = shuffler.sample(values, len(values))
    assert randomization_test(other, 0) == randomization_test(values, 0)


# ---- Holm


def test_holm_by_hand() -> None:
    """.01 · 4, .02 · 3, .03 · 2 (no less than .06), .04 · 1 (no less than .06)."""
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_follows_its_rule(p_values: list[float]) -> None:
    corrected = holm(p_values)
    assert corrected == pytest.approx(holm_by_rule(p_values))
    assert all(p <= each <= 1 for p, each in zip(p_values, corrected, strict=True))
    by_p = sorted(zip(p_values, corrected, strict=True))
    assert [each for _, each in by_p] == sorted(corrected)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan])
def test_holm_takes_probabilities(wrong: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, wrong])


# ---- all of them


@pytest.mark.parametrize("wrong", [[], [math.nan], [0.1, math.inf], [[0.1], [0.2]]])
def test_numbers_are_needed(wrong: list[float]) -> None:
    for function in (bootstrap_mean, randomization_test):
        with pytest.raises(ValueError, match="finite numbers"):
            function(wrong, 0)
    with pytest.raises(ValueError, match="finite numbers"):
        bootstrap_ratio([0.1], wrong, 0)


def test_a_ratio_needs_a_denominator() -> None:
    with pytest.raises(ValueError, match="above"):
        bootstrap_ratio([0.1, 0.2], [0.0, 0.0], 0)
    with pytest.raises(ValueError, match="at least 0"):
        bootstrap_ratio([0.1, 0.2], [0.5, -0.1], 0)
    with pytest.raises(ValueError, match="not 2 and 1"):
        bootstrap_ratio([0.1, 0.2], [0.5], 0)


def test_the_seed_decides() -> None:
    values = ndcg_like(np.random.default_rng(2), 100)
    native = np.abs(values) + 0.5
    assert bootstrap_mean(values, 1) == bootstrap_mean(values, 1) != bootstrap_mean(values, 2)
    assert bootstrap_ratio(native, native**2, 1) == bootstrap_ratio(native, native**2, 1)
    assert bootstrap_ratio(native, native**2, 1) != bootstrap_ratio(native, native**2, 2)
    near = native - native.mean() + 0.01
    assert randomization_test(near, 1) == randomization_test(near, 1) != randomization_test(near, 2)


def test_quick_and_small() -> None:
    values = ndcg_like(np.random.default_rng(4), 1500) + 0.001
    started = process_time()
    bootstrap_mean(values, 0)
    randomization_test(values, 0)
    assert process_time() - started < 0.5
    tracemalloc.start()
    bootstrap_mean(values, 0)
    bootstrap_ratio(np.abs(values), np.abs(values), 0)
    randomization_test(values, 0)
    assert tracemalloc.get_traced_memory()[1] < 40e6
    tracemalloc.stop()
