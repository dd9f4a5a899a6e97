"""Chinese in Bopomofo without tones, by pypinyin's dictionaries: 北京 is ㄅㄟㄐㄧㄥ.

What pypinyin lists as a phrase sounds as that, all else letter by letter, each by its likeliest sound; a lone
character has a form for each of its three likeliest. Where standard pinyin has an apostrophe, the form has
`BREAK`: 西安, xi'an, is ㄒㄧ·ㄢ, and 先, xian, ㄒㄧㄢ. A word is also found by its syllables' first letters,
and in Traditional or Simplified characters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from scriptbridge import extras

__all__ = ["BREAK", "short", "spoken", "typed", "written"]

DICTIONARIES = ("pypinyin",)
LETTERS = frozenset("ㄅㄆㄇㄈㄉㄊㄋㄌㄍㄎㄏㄐㄑㄒㄓㄔㄕㄖㄗㄘㄙㄚㄛㄜㄝㄞㄟㄠㄡㄢㄣㄤㄥㄦㄧㄨㄩ")
VOWELS = frozenset("ㄚㄛㄜㄝㄞㄟㄠㄡㄢㄣㄤㄥㄦ")  # of pinyin's syllables that begin with a, o, e
BREAK = "·"  # before these within a word; and before what a first letter alone stands for: y, w, z, c or s
LONGEST = 8  # characters of a phrase that is looked for within a word
_INITIALS = (
    {letter: letter for letter in "ㄅㄆㄇㄈㄉㄊㄋㄌㄍㄎㄏㄐㄑㄒㄖㄗㄘㄙ"}
    | {letter: BREAK + letter for letter in "ㄓㄔㄕㄧㄨ"}
    | {"ㄩ": BREAK + "ㄧ"}
    | dict.fromkeys("ㄚㄞㄠㄢㄤ", "ㄚ")
    | dict.fromkeys("ㄛㄡ", "ㄛ")
    | dict.fromkeys("ㄜㄝㄟㄣㄥㄦ", "ㄜ")
)
_PINYIN = re.compile(r"(?:(?:[zcs]h|[b-df-hj-np-tw-z])?+[aeiouv]{1,4}+(?:ng?+|r)?+[1-5]?+'?+)++")
# Tones' digits, and apostrophes where pinyin has none: nü'er has one, bei'jing not.
_UNHEARD = re.compile(r"[1-5]|'(?![aeo])")


def spoken(term: str) -> list[str]:
    """The forms of a word of Chinese characters; one in Bopomofo is its own."""
    phrases = _phrases()
    if not term or LETTERS.issuperset(term):
        return [term] if term else []
    if len(term) == 1:
        return [*_characters(term)[:3]]
    first, *others = _syllables(term, phrases)
    return [first + "".join(map(_broken, others))] if first and all(others) else []


def short(term: str) -> str:
    """The first letters of a word's syllables in pinyin: 北京 is ㄅㄐ, 中国银行, zgyh, ·ㄓㄍ·ㄧㄏ."""
    if not 2 <= len(term) <= LONGEST or LETTERS.issuperset(term):
        return ""
    syllables = _syllables(term, _phrases())
    return "".join(_INITIALS[syllable[0]] for syllable in syllables) if all(syllables) else ""


def typed(token: str) -> str:
    """What of a Latin token is sound: bei3jing1 is beijing, but mp3 is itself."""
    return _UNHEARD.sub("", token) if _PINYIN.fullmatch(token) else token


def written(term: str) -> str:
    """A word in Simplified characters."""
    return str(_to_simplified().transliterate(term))


def _syllables(term: str, phrases: Mapping[str, list[list[str]]]) -> list[str]:
    """The likeliest form of each character, by the longest phrases; "" for what has none."""
    syllables: list[str] = []
    while (start := len(syllables)) < len(term):
        lengths = range(min(LONGEST, len(term) - start), 1, -1)
        phrase = next((each for n in lengths if (each := term[start : start + n]) in phrases), "")
        if phrase:
            syllables += [_bopomofo(each[0]) for each in phrases[phrase]]
        else:
            syllables += _characters(term[start])[:1] or ("",)
    return syllables


def _phrases() -> Mapping[str, list[list[str]]]:
    """The pinyin of phrases' syllables, likeliest first."""
    phrases: Mapping[str, list[list[str]]] = extras.load("pypinyin", "zh").constants.PHRASES_DICT
    return phrases


def _broken(syllable: str) -> str:
    return BREAK + syllable if syllable[0] in VOWELS else syllable


@lru_cache(maxsize=1 << 15)
def _characters(character: str) -> tuple[str, ...]:
    """The forms of one character, likeliest first."""
    sounds = extras.load("pypinyin", "zh").constants.PINYIN_DICT.get(ord(character), "")
    forms = [_bopomofo(syllable) for syllable in sounds.split(",") if syllable]
    return tuple(form for form in dict.fromkeys(forms) if form)


@lru_cache(maxsize=1 << 12)
def _bopomofo(syllable: str) -> str:
    pinyin = extras.load("pypinyin", "zh")
    form = pinyin.style.convert(syllable, pinyin.Style.BOPOMOFO, strict=True)
    letters = "".join(letter for letter in str(form) if letter not in "ˊˇˋ˙ˉ")
    return letters if LETTERS.issuperset(letters) else ""


@cache
def _to_simplified() -> Any:
    return extras.load("icu", "zh").Transliterator.createInstance("Traditional-Simplified")
