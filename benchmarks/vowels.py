"""An author of Latin queries that no training has seen: uroman with vowels that people add and leave out.

uroman writes the letters that are there; people write what they hear. So vowels are dropped, changed and put
between consonants, each by chance, the same for a text whenever it is asked.
"""

from __future__ import annotations

import random

from scriptbridge.gap import authors

__all__ = ["vowelled"]

VOWELS = "aeiou"
DROPPED, CHANGED, ADDED = 0.2, 0.15, 0.25  # of vowels, of vowels, of places between two consonants


def vowelled(text: str, language: str | None) -> str:
    """A native text in noisy Latin letters."""
    written = authors.write("uroman", {"": text}, language).texts.get("")
    if written is None:
        return ""
    rng = random.Random(text)
    return " ".join(_noisy(word, rng) for word in written[0].split())


def _noisy(word: str, rng: random.Random) -> str:
    """
    >>> _noisy("rsmi", random.Random(3))
    'rsemi'
    """
    letters: list[str] = []
    for at, letter in enumerate(word):
        if letter in VOWELS:
            draw = rng.random()
            if at and draw < DROPPED:
                continue
            letter = rng.choice(VOWELS) if draw > 1 - CHANGED else letter
        elif at and word[at - 1] not in VOWELS and letter.isalpha() and rng.random() < ADDED:
            letters.append(rng.choice(VOWELS))
        letters.append(letter)
    return "".join(letters)
