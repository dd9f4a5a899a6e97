"""Different words among readings: of those that look like spellings or inflections of one word, one.

Only letters tell, so what is uncertain stays two words: a meaning lost is worse than a spelling shown twice.
Short words are alike by chance (काम work, नाम name); where vowels go unwritten, or a character is a morpheme,
words that differ within are others (كلب dog, قلب heart).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile

from .text import script_of
from .types import Reading

__all__ = ["distinct", "same_word"]

# Of the longer term's letters: what two spellings or inflections of one word share at both ends.
ALIKE = 2 / 3
SHORT = 5  # letters; shorter words that differ are different
TERSE = frozenset({"Arab", "Hani", "Hebr"})  # scripts whose words differ by an affix where they are one


def same_word(one: str, other: str) -> bool:
    """Whether two terms look like one word: they begin and end alike, in most of the longer one's letters."""
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < SHORT or (script_of(shorter) in TERSE and shorter not in longer):
        return False
    begin = _alike(one, other)
    end = _alike(one[begin:][::-1], other[begin:][::-1])
    return begin + end >= ALIKE * len(longer)


def _alike(one: str, other: str) -> int:
    """How many letters two strings begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def distinct(readings: Sequence[Reading], written: Callable[[str], str] = str) -> list[Reading]:
    """The likeliest reading of each word, with the probability of all its spellings, likeliest first.

    `written` gives what is the same for all ways of writing a term: Simplified characters.
    """
    kept: list[Reading] = []
    for reading in readings:
        for place, known in enumerate(kept):
            if same_word(written(known.term), written(reading.term)):
                kept[place] = replace(known, probability=known.probability + reading.probability)
                break
        else:
            kept.append(reading)
    return sorted(kept, key=lambda reading: -reading.probability)
