"""Khmer: a word's consonants by sound, and its vowels with the series that they are said in.

A vowel sign has two sounds, by the consonant it stands with: ា is a after ក (first series) and ea after គ
(second). In a form the consonants of one sound are one (គ is ក, ឌ is ដ), and ៊ stands before a vowel of the
second series: កា stays, គា is ក៊ា. A vowel that is not written is អ; ័ is a short a, also that of ា + ់.
់ follows a consonant that closes its syllable, subscripts follow in the order they are said (ភ្នំ is ផន៊ំ), and
អ as a mere carrier, robat and what ៍ kills go out.

Whether a consonant closes a syllable or begins one is weighed; a word has up to four forms. The weights are
judgement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ._syllables import cheapest

__all__ = ["spoken"]

WORDS = True

FORMS = 4
SPREAD = 3.0  # of costs; a form that is so much less likely than the best is none

_FIRST = "កខចឆដឋណតថបផសហឡអ"
_SECOND = "គឃងជឈញឌឍទធនពភមយរលវ"
_C = _FIRST + _SECOND
_SONORANTS = set("ងញនណមយរលវឡ")  # take the series of the consonant before them
_VOWELS = "ាិីឹឺុូួើឿៀេែៃោៅ័"
_ONSET = str.maketrans("គឃជឈឌឋឍណទធភឡ", "កខចឆដថថនតថផល") | {ord("អ"): ""}
_CODA = str.maketrans("គខឃជឆឈឌដឋឍថទធណផភពឡ", "កកកចចចតតតតតតតនបបបល")
_CLOSING = set(_C) - set("ហអ")

OPEN = 1.0  # a written vowel that the next consonant could have closed
INHERENT = 0.6  # a vowel that is not written, before a consonant that closes it
INHERENT_OPEN = 1.3
INHERENT_LAST = 3.0  # at a word's end
LED = 0.6  # រ in សម្រាប់ has the series of ស
STACKED = 1.0  # subscripts that begin a syllable together with the letter that they stand under
SILENT = 0.3  # ជាតិ, ចិត្ត
STRAY = 9.0  # a sign that goes with nothing

_WRITTEN = set(_C + _VOWELS + "្ំះៈ់៉៊")
_INDEPENDENT = {
    "អ្នក": "នាក់", "ឱ្យ": "អោយ",
    "ឥ": "អិ", "ឦ": "អី", "ឧ": "អុ", "ឨ": "អុក", "ឩ": "អូ", "ឪ": "អៅ", "ឳ": "អៅ", "ឫ": "រឹ", "ឬ": "រឺ",
    "ឭ": "លឹ", "ឮ": "លឺ", "ឯ": "អែ", "ឰ": "អៃ", "ឱ": "អោ",
}  # fmt: skip
_LETTER = re.compile("|".join(_INDEPENDENT))
_UNHEARD = re.compile(f"[{_C}][ិុ]?៍|[{_C}]៌(?![{_VOWELS}])|[៌៎៏]")  # ពណ៌ is ព
_CLUSTER = re.compile(f"(?:(?<=.)្)?([{_C}])([៉៊]?)((?:្[{_C}]){{0,2}})([៉៊]?)")
_VOWEL = re.compile(f"[{_VOWELS}]")
_DEPENDENT = re.compile(f"[{_VOWELS}្ំះៈ]")
_SILENT_I = re.compile("[ិុ]$")
_SILENT_STACK = re.compile(f"(?:្[{_C}]){{1,2}}[ិុ]?$")


@lru_cache(maxsize=1 << 16)
def spoken(term: str) -> list[str]:
    """The term's sounded forms, likeliest first; none where it holds what is not Khmer."""
    if term == "ក៏":
        return ["កអ"]
    letters = _UNHEARD.sub("", _LETTER.sub(lambda match: _INDEPENDENT[match[0]], term))
    word = letters.rstrip("ៗ")
    if not word or not _WRITTEN.issuperset(word):
        return []
    forms = cheapest(word, _syllables, FORMS, SPREAD)
    return [form * 2 for form in forms[:2]] + forms[:2] if word != letters else forms


def _syllables(word: str, at: int) -> Iterator[tuple[int, str, float]]:
    yield at + 1, "", STRAY
    cluster = _CLUSTER.match(word, at)
    if cluster is None:
        return
    first, shifted, below, shifted_below = cluster.groups()
    consonants = first + below.replace("្", "")
    start, stacked = cluster.end(), STACKED if below and at and word[at] != "្" else 0.0
    for series, cost in _series(word, at, consonants, shifted or shifted_below):
        yield from _rhymes(word, start, consonants.translate(_ONSET), series, cost + stacked)


def _series(word: str, at: int, consonants: str, shifter: str) -> Iterator[tuple[str, float]]:
    """ "" for the first series, "៊" for the second, with costs: the last consonant's that is no sonorant."""
    if shifter:
        yield "" if shifter == "៉" else "៊", 0.0
        return
    telling = [letter for letter in consonants if letter not in _SONORANTS] or [consonants[0]]
    series = "" if telling[-1] in _FIRST else "៊"
    led = series and telling[-1] in _SONORANTS and at > 1 and word[at] == "្"
    if led or (series and at > 1 and telling[-1] in _SONORANTS and word[at - 1] == "ំ"):
        yield "", 0.0
        yield series, LED
    else:
        yield series, 0.0


def _rhymes(word: str, at: int, onset: str, series: str, cost: float) -> Iterator[tuple[int, str, float]]:
    vowel = _VOWEL.match(word, at)
    if vowel is None:
        if word[at : at + 1] in ("ំ", "ះ", "ៈ"):
            sign = {"ំ": "ំ", "ះ": "ះ", "ៈ": "ា"}[word[at]]
            yield at + 1, f"{onset}{series}{sign}", cost
            return
        sounded = f"{onset}{series}អ"
        yield from _closed(word, at, sounded, cost + INHERENT)
        yield at, sounded, cost + (INHERENT_OPEN if at < len(word) else INHERENT_LAST)
        return
    end = vowel.end()
    sign = vowel[0]
    if sign == "ា" and word.startswith("ំង", end) and not _DEPENDENT.match(word, end + 2):  # ទាំង
        yield end + 2, f"{onset}{series}័ង់", cost
        return
    if word[end : end + 1] in ("ំ", "ះ"):
        yield end + 1, f"{onset}{series}{sign}{word[end]}", cost
        return
    if sign == "ា" and word[end + 1 : end + 2] == "់":
        sign = "័"
    if sign == "័" and word[end : end + 1] == "យ":  # ភ័យ
        yield end + 1, f"{onset}{series}ៃ", cost
        return
    sounded = f"{onset}{series}{sign}"
    yield from _closed(word, end, sounded, cost)
    yield end, sounded, cost + (OPEN if word[end : end + 1] in _CLOSING else 0.0)


def _closed(word: str, at: int, syllable: str, cost: float) -> Iterator[tuple[int, str, float]]:
    """The syllable with the consonant that closes it, if one may."""
    if word[at : at + 1] not in _CLOSING:
        return
    end = at + 1
    final = f"{syllable}{word[at].translate(_CODA)}់"
    if word[end : end + 1] == "់":
        yield end + 1, final, cost - 0.5
        return
    yield end, final, cost
    for silent in (_SILENT_I.match(word, end), _SILENT_STACK.match(word, end)):
        if silent:
            yield silent.end(), final, cost + SILENT
