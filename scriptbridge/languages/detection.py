"""Which language is a document written in?"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import islice

from scriptbridge.text import normalize, script_of

from .language import Language
from .reading import codes, load

__all__ = ["detect"]


def detect(text_terms: Iterable[str]) -> str | None:
    """The shipped language a document is written in, from its terms; None if none writes any of its letters.

    A letter is worth more to a language the more of its sample words' letters it is, and a few points go
    for every frequent word, or beginning or ending of a word: a likelihood, as far as the files tell it.
    A thousand terms tell.
    """
    terms = list(islice(text_terms, _ENOUGH_TERMS))
    clues = _clues()
    points = [0.0] * len(clues.codes)
    for letter, count in Counter("".join(terms)).items():
        for writer, worth in clues.writers.get(letter) or clues.by_script.get(script_of(letter), ()):
            points[writer] += count * worth
    best = max(points, default=0.0)
    if not best:
        return None
    if points.count(0.0) < len(points) - 1:  # languages that share a script
        for sign in clues.signs_in(terms):
            for user in clues.users[sign]:
                points[user] += _SIGN_POINTS
        best = max(points)
    return clues.codes[points.index(best)]


_ENOUGH_TERMS = 1000
_SIGN_POINTS = 3.0
_OWN = 7.5  # points of a letter that all of the language's text would be
_TRUST = 0.5  # in shares counted in a hundred words: of the log of what they would be worth were they known
_UNSEEN = 0.5  # occurrences that each letter has before any are counted


@dataclass(frozen=True, slots=True)
class _Clues:
    """Which languages (positions in `codes`) write a letter, what it is worth, and which often use a word.

    What no language's letters hold may be of a script (`by_script`) whose words are read by their sounds. A
    key of `users` is a word, a beginning (``al-``) or an ending (``-ing``).
    """

    codes: tuple[str, ...]
    writers: dict[str, tuple[tuple[int, float], ...]]
    by_script: dict[str, tuple[tuple[int, float], ...]]
    users: dict[str, tuple[int, ...]]
    beginnings: tuple[int, ...]  # their lengths
    endings: tuple[int, ...]

    def signs_in(self, terms: Iterable[str]) -> list[str]:
        users = self.users
        found = [term for term in terms if term in users]
        for length in self.beginnings:
            found += [sign for term in terms if (sign := term[:length] + "-") in users]
        for length in self.endings:
            found += [sign for term in terms if (sign := "-" + term[-length:]) in users]
        return found


@cache
def _clues() -> _Clues:
    writers: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    by_script: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    users: defaultdict[str, list[int]] = defaultdict(list)
    for position, code in enumerate(codes()):
        language = load(code)
        for letter, share in _letter_shares(language).items():
            written = by_script if letter in language.scripts else writers
            written[letter].append((position, _OWN + _TRUST * math.log(share)))
        for sign in language.frequent:
            users[sign].append(position)
    return _Clues(
        codes=codes(),
        writers={letter: tuple(positions) for letter, positions in writers.items()},
        by_script={script: tuple(positions) for script, positions in by_script.items()},
        users={sign: tuple(positions) for sign, positions in users.items()},
        beginnings=tuple(sorted({len(sign) - 1 for sign in users if sign.endswith("-")})),
        endings=tuple(sorted({len(sign) - 1 for sign in users if sign.startswith("-")})),
    )


def _letter_shares(language: Language) -> dict[str, float]:
    """How much of the language's text each letter of its own is, as its sample and frequent words show.

    Where `letters` are those of sounds, every other letter of the scripts counts as its script.
    """
    own: list[str] = [*language.letters.removesuffix(language.borrowed)]
    words = [*map(normalize, language.examples), *(sign for sign in language.frequent if "-" not in sign)]
    seen = Counter("".join(words))
    if language.sounds:
        own += language.scripts
        for letter in set(seen) - set(own):
            seen[script_of(letter)] += seen[letter]
    total = sum(seen[letter] + _UNSEEN for letter in own)
    return {letter: (seen[letter] + _UNSEEN) / total for letter in own}
