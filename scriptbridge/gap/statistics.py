"""How sure a difference between two systems, or two ways to type, is: no normality assumed.

Queries are the sample: each function takes one number a query. Both sides of a difference are measured on the
same queries, so all is paired. Equal arguments, `seed` among them, give equal results. These are functions
for programmers: a call without numbers, or with NaN or infinities, is a ValueError.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["bootstrap_mean", "bootstrap_ratio", "holm", "randomization_test"]

Floats = NDArray[np.float64]

CHUNK = 1 << 20  # numbers drawn at a time: memory grows with the queries, not with the resamples
OCTET = 8  # differences whose signs one random byte decides
ROUNDING = 1e-12  # relative: sums this close are the same sum, added up in another order


def bootstrap_mean(
    differences: ArrayLike, seed: int, resamples: int = 2000, level: float = 0.95
) -> tuple[float, float]:
    """The percentile bootstrap interval of the mean difference (Efron & Tibshirani 1993, ch. 13).

    `differences` (n,): one a query. Each resample draws n queries with replacement, as Sakai does to compare
    systems (SIGIR 2006; SIGIR Forum 2014); the interval lies between the (1 ± level) / 2 quantiles of the
    resamples' means. The percentile interval because it needs no normality, never leaves what the measure can
    reach, follows skewed scores, and is a point where all differences are equal: exactly (0.0, 0.0) for
    identical systems.
    """
    values = _numbers(differences)
    means = np.concatenate([values[drawn].mean(axis=1) for drawn in _resampled(len(values), seed, resamples)])
    return _percentiles(means, level)


def bootstrap_ratio(
    numerator: ArrayLike, denominator: ArrayLike, seed: int, resamples: int = 2000, level: float = 0.95
) -> tuple[float, float]:
    """The percentile bootstrap interval of mean(numerator) / mean(denominator).

    Both (n,), none negative, of the same queries in the same order: a resample draws queries, and takes both
    numbers of each. Resamples whose denominators are all 0 have no ratio and are left out. ValueError where
    all denominators are 0. Identical arguments give exactly (1.0, 1.0).
    """
    above, below = _numbers(numerator), _numbers(denominator)
    if above.shape != below.shape:
        raise ValueError(f"a numerator and a denominator a query, not {len(above)} and {len(below)}")
    if min(above.min(), below.min()) < 0 or not below.any():
        raise ValueError("a ratio needs numbers of at least 0, and a denominator above it")
    ratios = []
    for drawn in _resampled(len(above), seed, resamples):
        sums = below[drawn].sum(axis=1)
        kept = sums > 0
        ratios.append(above[drawn].sum(axis=1)[kept] / sums[kept])
    return _percentiles(np.concatenate(ratios), level)


def randomization_test(differences: ArrayLike, seed: int, permutations: int = 10_000) -> float:
    """The two-sided p-value of Fisher's paired randomization test (Smucker, Allan & Carterette, CIKM 2007).

    `differences` (n,): one a query. Were there no difference between the two sides, each could as well have
    the other sign; p is the share of sign patterns whose sum is at least as far from 0 as the one observed.
    Zeros have no sign and change no sum. With m others, all 2^m patterns are counted where these are no more
    than `permutations` (m ≤ 13 for 10,000), and p = count / 2^m; otherwise `permutations` random ones, and
    p = (1 + count) / (1 + permutations), since the observed pattern is one of them (Davison & Hinkley 1997,
    § 4.2). Exactly 1.0 where all differences are 0.
    """
    values = _numbers(differences)
    values = values[values != 0]
    if not len(values):
        return 1.0
    least = abs(values.sum()) - ROUNDING * np.abs(values).sum()
    if 2 ** len(values) <= permutations:
        return float(np.mean(np.abs(_signed_sums(values)) >= least))

    octets = -(-len(values) // OCTET)
    padded = np.pad(values, (0, octets * OCTET - len(values))).reshape(octets, OCTET)
    sums = _signed_sums(padded)  # (octets, 256): of eight differences, under every pattern of eight signs
    rng = np.random.default_rng(seed)
    count = 0
    for rows in _chunks(permutations, octets):
        signs = rng.integers(2**OCTET, size=(rows, octets), dtype=np.uint8)
        count += int(np.count_nonzero(np.abs(sums[np.arange(octets), signs].sum(axis=1)) >= least))
    return (1 + count) / (1 + permutations)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number, in the order they came (Holm 1979): the step-down Bonferroni.

    The i-th smallest of m, from 0, becomes p · (m - i), no less than those before it, and at most 1. Calling
    those below α significant keeps the chance of any false one at α or less, dependent tests or not.
    """
    values = np.asarray(p_values, np.float64)
    if not np.all((values >= 0) & (values <= 1)):
        raise ValueError("p-values lie between 0 and 1")
    order = np.argsort(values, kind="stable")
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)), 1)
    return [float(p) for p in corrected]


def _numbers(values: ArrayLike) -> Floats:
    """(n,), checked: there are some and all are finite."""
    numbers = np.asarray(values, np.float64)
    if numbers.ndim != 1 or not numbers.size or not np.isfinite(numbers).all():
        raise ValueError(f"finite numbers, one a query, are needed, not an array of shape {numbers.shape}")
    return numbers


def _chunks(rows: int, width: int) -> Iterator[int]:
    """`rows` in parts of at most CHUNK numbers, each row having `width`."""
    size = max(1, CHUNK // width)
    for start in range(0, rows, size):
        yield min(size, rows - start)


def _resampled(n: int, seed: int, resamples: int) -> Iterator[NDArray[np.int64]]:
    """(rows, n) at a time: the indices of n queries drawn with replacement, `resamples` rows in all."""
    rng = np.random.default_rng(seed)
    for rows in _chunks(resamples, n):
        yield rng.integers(n, size=(rows, n))


def _percentiles(statistics: Floats, level: float) -> tuple[float, float]:
    low, high = np.quantile(statistics, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _signed_sums(values: Floats) -> Floats:
    """(…, k) → (…, 2^k): ± values added up, under every pattern of signs."""
    sums = np.zeros((*values.shape[:-1], 1))
    for column in np.split(values, values.shape[-1], axis=-1):
        sums = np.concatenate([sums + column, sums - column], axis=-1)
    return sums
