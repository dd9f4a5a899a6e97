"""Noise happens at the rate that was asked for, and what must not change does not."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptbridge.gap import noise

WORDS = st.text(st.sampled_from("aeioubcdkmst98'ж"), min_size=1, max_size=12)
RATES = st.floats(0, 1)
SEEDS = st.integers(0, 2**32)


def letters(word: str) -> int:
    return sum(letter in noise.NEIGHBOURS for letter in word)


def within(count: int, trials: int, rate: float) -> bool:
    """Whether a count is within four standard deviations of what the rate gives."""
    return abs(count - trials * rate) <= 4 * math.sqrt(trials * rate * (1 - rate))


def test_neighbours_are_those_of_the_keyboard() -> None:
    assert {letter: set(noise.NEIGHBOURS[letter]) for letter in "qghm"} == {
        "q": set("wa"),
        "g": set("tyfhvb"),
        "h": set("yugjbn"),
        "m": set("njk"),
    }
    assert len(noise.NEIGHBOURS) == 26
    for letter, others in noise.NEIGHBOURS.items():
        assert all(letter in noise.NEIGHBOURS[other] for other in others)


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.3, 1.0])
def test_typos_come_at_the_rate(rate: float) -> None:
    rng = random.Random(1)
    changed = sum(noise.typos("kalimera", rate, rng) != "kalimera" for _ in range(4000))
    assert within(changed, 4000, rate)


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 1.0])
def test_vowels_drop_at_the_rate(rate: float) -> None:
    rng = random.Random(1)
    kept = sum(len(noise.drop_vowels("akalimera", rate, rng)) for _ in range(2000))
    assert within(9 * 2000 - kept, 4 * 2000, rate)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.4])
def test_words_are_switched_at_the_rate(rate: float) -> None:
    assert within(sum(noise.switched(["μια"] * 5000, rate, random.Random(1))), 5000, rate)


def test_one_word_is_never_switched() -> None:
    assert sum(noise.switched(["μια"] * 3, 1.0, random.Random(1))) == 2
    assert noise.switched(["μια"], 1.0, random.Random(1)) == [False]
    assert noise.switched([], 1.0, random.Random(1)) == []


def test_the_four_slips_are_equally_frequent() -> None:
    rng = random.Random(1)
    kinds = Counter[str]()
    for _ in range(4000):
        slipped = noise.slip("mixtures", rng)
        moved = sorted(slipped) == sorted("mixtures")
        kinds["transposed" if moved else f"{len(slipped) - len('mixtures'):+}"] += 1
    assert kinds.keys() == {"transposed", "+1", "-1", "+0"}
    assert all(within(count, 4000, 1 / 4) for count in kinds.values())


@given(WORDS, RATES, SEEDS)
def test_a_typo_is_one_slip(word: str, rate: float, seed: int) -> None:
    slipped = noise.typos(word, rate, random.Random(seed))
    assert slipped == noise.typos(word, rate, random.Random(seed))
    assert abs(len(slipped) - len(word)) <= 1
    assert [c for c in slipped if c not in noise.NEIGHBOURS] == [c for c in word if c not in noise.NEIGHBOURS]
    if letters(word) < noise.MIN_LETTERS or rate == 0:
        assert slipped == word
    elif rate == 1:
        assert slipped != word


@given(st.lists(WORDS), RATES, RATES, SEEDS)
def test_a_higher_rate_changes_what_a_lower_one_does(
    words: list[str], one: float, other: float, seed: int
) -> None:
    def changed(change: Callable[[str, float, random.Random], str], rate: float) -> list[bool]:
        rng = random.Random(seed)
        return [change(word, rate, rng) != word for word in words]

    low, high = sorted([one, other])
    for few, many in (
        (changed(noise.typos, low), changed(noise.typos, high)),
        (changed(noise.drop_vowels, low), changed(noise.drop_vowels, high)),
        (noise.switched(words, low, random.Random(seed)), noise.switched(words, high, random.Random(seed))),
    ):
        assert all(later or not earlier for earlier, later in zip(few, many, strict=True))


@given(WORDS, RATES, SEEDS)
def test_only_vowels_drop_and_never_the_first_letter(word: str, rate: float, seed: int) -> None:
    dropped = noise.drop_vowels(word, rate, random.Random(seed))
    assert dropped[0] == word[0]
    assert [c for c in dropped[1:] if c not in "aeiou"] == [c for c in word[1:] if c not in "aeiou"]
    if rate == 0:
        assert dropped == word
    if rate == 1:
        assert not set(dropped[1:]) & set("aeiou")
