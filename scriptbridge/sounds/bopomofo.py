"""Chinese in Bopomofo without tones, by pypinyin's dictionaries: 北京 is ㄅㄟㄐㄧㄥ.

What pypinyin lists as a phrase sounds as that, all else letter by letter, each by its likeliest sound; the
second of a lone character's is its second form. A word is also found by its syllables' first letters, and in
Traditional or Simplified characters.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import pairwise, product
from typing import Any

from scriptbridge import extras

__all__ = ["short", "spoken", "typed", "written"]

DICTIONARIES = ("pypinyin",)
LETTERS = frozenset("ㄅㄆㄇㄈㄉㄊㄋㄌㄍㄎㄏㄐㄑㄒㄓㄔㄕㄖㄗㄘㄙㄚㄛㄜㄝㄞㄟㄠㄡㄢㄣㄤㄥㄦㄧㄨㄩ")
INITIALS = frozenset("ㄅㄆㄇㄈㄉㄊㄋㄌㄍㄎㄏㄐㄑㄒㄓㄔㄕㄖㄗㄘㄙ")
LONGEST = 8  # characters of a phrase that is looked for within a word
_TONES = re.compile(r"(?<=[a-z])[1-5](?![0-9])")


def spoken(term: str) -> list[str]:
    """The forms of a word of Chinese characters; one in Bopomofo is its own."""
    pinyin = extras.load("pypinyin", "zh")
    if not term or LETTERS.issuperset(term):
        return [term] if term else []
    if len(term) == 1:
        return _characters(pinyin, term)[:3]
    ways = [_phrase(pinyin, term[start:end]) for start, end in _parts(pinyin, term)]
    return ["".join(way) for way in product(*ways)][:1] if all(ways) else []


def short(term: str) -> str:
    """The first letters of a word's syllables, where all have one that is a consonant: 北京 is ㄅㄐ."""
    pinyin = extras.load("pypinyin", "zh")
    if not 2 <= len(term) <= LONGEST:
        return ""
    syllables = [each[0] for character in term if (each := _characters(pinyin, character))]
    first = "".join(syllable[0] for syllable in syllables)
    return first if len(first) == len(term) and INITIALS.issuperset(first) else ""


def typed(token: str) -> str:
    """A Latin token without its tones' digits: bei3jing1 is beijing."""
    return _TONES.sub("", token)


def written(term: str) -> str:
    """A word in Simplified characters."""
    return str(_to_simplified().transliterate(term))


def _parts(pinyin: Any, term: str) -> list[tuple[int, int]]:
    """Where a word's phrases, the longest first come, and its single characters begin and end."""
    phrases, ends = pinyin.constants.PHRASES_DICT, [0]
    while ends[-1] < len(term):
        start = ends[-1]
        lengths = range(min(LONGEST, len(term) - start), 1, -1)
        ends.append(start + next((n for n in lengths if term[start : start + n] in phrases), 1))
    return list(pairwise(ends))


def _phrase(pinyin: Any, part: str) -> list[str]:
    """A phrase's form, or a character's likeliest."""
    if len(part) == 1:
        return _characters(pinyin, part)[:1]
    return ["".join(_bopomofo(pinyin, syllable[0]) for syllable in pinyin.constants.PHRASES_DICT[part])]


@lru_cache(maxsize=1 << 15)
def _characters(pinyin: Any, character: str) -> list[str]:
    """The forms of one character, likeliest first."""
    sounds = pinyin.constants.PINYIN_DICT.get(ord(character), "")
    forms = [_bopomofo(pinyin, syllable) for syllable in sounds.split(",") if syllable]
    return [form for form in dict.fromkeys(forms) if form]


@lru_cache(maxsize=1 << 12)
def _bopomofo(pinyin: Any, syllable: str) -> str:
    form = pinyin.style.convert(syllable, pinyin.Style.BOPOMOFO, strict=True)
    letters = "".join(letter for letter in str(form) if letter not in "ˊˇˋ˙ˉ")
    return letters if LETTERS.issuperset(letters) else ""


@cache
def _to_simplified() -> Any:
    return extras.load("icu", "zh").Transliterator.createInstance("Traditional-Simplified")
