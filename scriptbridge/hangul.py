"""Hangul as keys of a two-set keyboard give it: single jamo to be composed into syllables, and back."""

from __future__ import annotations

import re

__all__ = ["composed", "decomposed", "is_jamo"]

_LEADS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_TAILS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_PAIRS = "ㅗㅏㅘ ㅗㅐㅙ ㅗㅣㅚ ㅜㅓㅝ ㅜㅔㅞ ㅜㅣㅟ ㅡㅣㅢ "
_PAIRS += "ㄱㅅㄳ ㄴㅈㄵ ㄴㅎㄶ ㄹㄱㄺ ㄹㅁㄻ ㄹㅂㄼ ㄹㅅㄽ ㄹㅌㄾ ㄹㅍㄿ ㄹㅎㅀ ㅂㅅㅄ"
_WHOLE = {each[:2]: each[2] for each in _PAIRS.split()}
_VOWEL_PAIRS = {pair: whole for pair, whole in _WHOLE.items() if whole in _VOWELS}
_TAIL_PAIRS = {pair: whole for pair, whole in _WHOLE.items() if whole in _TAILS}
_PARTS = {whole: pair for pair, whole in _WHOLE.items()}
_FIRST = 0xAC00
# A consonant before a vowel begins the next syllable.
_SYLLABLE = re.compile(
    f"([{_LEADS}])({'|'.join(_VOWEL_PAIRS)}|[{_VOWELS}])"
    f"((?:{'|'.join(_TAIL_PAIRS)})(?![{_VOWELS}])|[{''.join(_TAILS)}](?![{_VOWELS}])|)"
)


def is_jamo(character: str) -> bool:
    """Whether it is a letter by itself, as keys type it."""
    return "\u3131" <= character <= "\u3163"


def composed(jamo: str) -> str:
    """The syllables that single jamo make: ㅎㅏㄴㄱㅡㄹ → 한글."""
    return _SYLLABLE.sub(_syllable, jamo)


def _syllable(match: re.Match[str]) -> str:
    lead, vowel, tail = match.groups()
    at = _LEADS.index(lead) * 21 + _VOWELS.index(_VOWEL_PAIRS.get(vowel, vowel))
    return chr(_FIRST + at * 28 + _TAILS.index(_TAIL_PAIRS.get(tail, tail)))


def decomposed(word: str) -> str:
    """The single jamo of a word's syllables: 한글 → ㅎㅏㄴㄱㅡㄹ; what is none stays."""
    return "".join(map(_jamo, word))


def _jamo(character: str) -> str:
    at = ord(character) - _FIRST
    if not 0 <= at < 19 * 21 * 28:
        return _PARTS.get(character, character)
    parts = (_LEADS[at // 588], _VOWELS[at // 28 % 21], _TAILS[at % 28])
    return "".join(_PARTS.get(part, part) for part in parts)
