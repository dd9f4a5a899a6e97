"""Different words among readings: of those that look like spellings or inflections of one word, one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from .types import Reading

__all__ = ["distinct", "same_word"]

ALIKE = (
    2 / 3
)  # of the longer term's letters: what two spellings or inflections of one word share at both ends


def same_word(one: str, other: str) -> bool:
    """Whether two terms look like one word: they begin and end alike, in most of the longer one's letters."""
    begin = _alike(one, other)
    end = _alike(one[begin:][::-1], other[begin:][::-1])
    return begin + end >= ALIKE * max(len(one), len(other))


def _alike(one: str, other: str) -> int:
    """How many letters two strings begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def distinct(readings: Sequence[Reading]) -> list[Reading]:
    """The likeliest reading of each word, with the probability of all its spellings, likeliest first."""
    kept: list[Reading] = []
    for reading in readings:
        for place, known in enumerate(kept):
            if same_word(known.term, reading.term):
                kept[place] = replace(known, probability=known.probability + reading.probability)
                break
        else:
            kept.append(reading)
    return sorted(kept, key=lambda reading: -reading.probability)
