"""What is known of a language: its letters, how they are spelled in Latin ones, how it is typed."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["MAX_SEGMENT", "MAX_SPELLING", "Language", "Typing"]

MAX_SEGMENT = 3  # code points of a native segment
MAX_SPELLING = 4  # characters of a Latin spelling, doubled and followed by a vowel as it may be

_CONSONANTS = re.compile(r"[b-df-hj-np-tv-z0-9]{1,2}")


@dataclass(frozen=True)
class Typing:
    """What a language's file says beside how letters are spelled; see `Language`."""

    spaced: bool = True
    attached: Mapping[str, list[str]] = field(default_factory=dict)
    keyboard: Mapping[str, str] = field(default_factory=dict)
    keyboards: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def all_keyboards(self) -> list[Mapping[str, str]]:
        """The keyboard and the other ones, each with keys."""
        return [keys for keys in (self.keyboard, *self.keyboards.values()) if keys]


@dataclass(frozen=True, eq=False)
class Language:
    """How one language is written in its own script and in Latin letters. Weights are as the file has them.

    `letters` are all it may hold; the `borrowed` among them, of names and loanwords, are no sign of it.
    `segments` maps a native segment (1-3 normalised code points) to its Latin spellings and their weights;
    `spellings` is what a channel starts from. `examples` maps native words, spelled as in print, to usual
    romanizations.

    `sounds` names the module of `scriptbridge.sounds` that turns words into `letters`, where these are not
    what documents are written in; where a language is not `spaced`, spaces in Latin input say little about
    where words end.

    `keyboard` maps keys, named by what they type on a US QWERTY keyboard ("B" is shift and b), to what they
    type in the language's standard layout: raw letters and signs, lowercase, one to three code points. An
    accent of U+0300-036F is a dead key, typed before its letter; two keys are pressed one after the other.
    `keyboards` are other layouts that many use, by name.

    `attached` maps articles, prepositions and conjunctions that print attaches to the next word to how they
    are typed where they stand apart: el beit.

    `related` is the code of the language, if any, whose shipped channel speaks, beside the segments, of the
    letters that both have.
    """

    code: str
    name: str
    native_name: str
    scripts: tuple[str, ...]
    letters: str
    frequent: tuple[str, ...]
    segments: dict[str, dict[str, float]]
    borrowed: str = ""
    carriers: str = ""
    unwritten: dict[str, float] = field(default_factory=dict)
    doubling: float = 0.0
    keyboard: Mapping[str, str] = field(default_factory=dict)
    keyboards: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    related: str = ""
    sounds: str = ""
    spaced: bool = True
    attached: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def typing(self) -> Typing:
        return Typing(self.spaced, self.attached, self.keyboard, self.keyboards)

    def spellings(self) -> dict[str, dict[str, float]]:
        """P(Latin spelling | native segment), each segment's summing to 1.

        Consonants are doubled as often as `doubling` says; segments that end in a carrier are followed by
        what `unwritten` says is heard there. What gets longer than MAX_SPELLING is left out.
        """
        result = {}
        for segment, weights in self.segments.items():
            heard = self.unwritten if segment[-1] in self.carriers else {"": 1.0}
            result[segment] = _shares(_followed(_doubled(weights, self.doubling), heard))
        return result


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    total = math.fsum(weights.values())
    return {spelling: weight / total for spelling, weight in weights.items()}


def _doubled(weights: Mapping[str, float], chance: float) -> dict[str, float]:
    """Move `chance` of each consonant's weight to its doubled forms: k to kk, sh to ssh and shsh."""
    result: defaultdict[str, float] = defaultdict(float)
    for spelling, weight in weights.items():
        doubles = _doubles(spelling) if chance else []
        result[spelling] += weight * (1 - chance) if doubles else weight
        for double in doubles:
            result[double] += weight * chance / len(doubles)
    return result


def _doubles(spelling: str) -> list[str]:
    if not _CONSONANTS.fullmatch(spelling):
        return []
    if len(spelling) == 1:
        return [spelling * 2]
    return [spelling[0] + spelling, spelling * 2] if spelling[0] != spelling[1] else []


def _followed(weights: Mapping[str, float], heard: Mapping[str, float]) -> dict[str, float]:
    """Each spelling followed by each vowel heard after it, where the two are not too long."""
    result: defaultdict[str, float] = defaultdict(float)
    for spelling, weight in weights.items():
        for vowel, chance in heard.items():
            if len(spelling + vowel) <= MAX_SPELLING:
                result[spelling + vowel] += weight * chance
    return result
