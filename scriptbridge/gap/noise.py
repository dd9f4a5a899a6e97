"""What people's typing adds to a text, as pure functions of words, a rate (0-1) and a random generator.

A word takes as many draws whatever the rate, so that the higher of two rates changes what the lower one does.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

__all__ = ["MIN_LETTERS", "NEIGHBOURS", "drop_vowels", "slip", "switched", "typos"]

MIN_LETTERS = 4
"""Words with fewer letters a-z get no typos: one slip would leave nothing to know them by."""

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_PLACES = {letter: (row + 0.5 * y, y) for y, keys in enumerate(_ROWS) for row, letter in enumerate(keys)}
NEIGHBOURS = {
    letter: "".join(
        other for other, (u, v) in _PLACES.items() if other != letter and abs(u - x) <= 1 and abs(v - y) <= 1
    )
    for letter, (x, y) in _PLACES.items()
}
"""The letters beside each letter of a QWERTY keyboard, in its own row and those above and below."""

_VOWELS = frozenset("aeiou")


def typos(word: str, rate: float, rng: random.Random) -> str:
    """The word, with one slip at that rate if it has `MIN_LETTERS` letters a-z or more."""
    draw, of_slip = rng.random(), rng.getrandbits(64)
    long_enough = sum(letter in NEIGHBOURS for letter in word) >= MIN_LETTERS
    return slip(word, random.Random(of_slip)) if draw < rate and long_enough else word


def slip(word: str, rng: random.Random) -> str:
    """The word with one letter inserted, left out, taken for a neighbouring key's, or before its time.

    The four are equally frequent, as are the word's letters a-z, of which it must have one. The result always
    differs from the word: letters change places with a different one only.
    """
    letters = [i for i, letter in enumerate(word) if letter in NEIGHBOURS]
    pairs = [i for i in letters if i + 1 in letters and word[i] != word[i + 1]]
    kind = rng.choice(("insert", "delete", "substitute", *(("transpose",) if pairs else ())))
    at = rng.choice(pairs if kind == "transpose" else letters)
    neighbour = rng.choice(NEIGHBOURS[word[at]])
    replacement, end = {
        "insert": (word[at] + neighbour, at + 1),
        "delete": ("", at + 1),
        "substitute": (neighbour, at + 1),
        "transpose": (word[at : at + 2][::-1], at + 2),
    }[kind]
    return word[:at] + replacement + word[end:]


def drop_vowels(word: str, rate: float, rng: random.Random) -> str:
    """The word without some of its a, e, i, o and u, each left out at that rate; its first letter stays."""
    return word[:1] + "".join(
        letter for letter in word[1:] if not (letter in _VOWELS and rng.random() < rate)
    )


def switched(words: Sequence[object], rate: float, rng: random.Random) -> list[bool]:
    """Which words someone who switches between scripts leaves in the native one, each at that rate.

    Never all of them: nothing would be left that is typed in Latin letters.
    """
    draws = [rng.random() for _ in words]
    most = max(draws, default=0)
    return [draw < min(rate, most) for draw in draws]
