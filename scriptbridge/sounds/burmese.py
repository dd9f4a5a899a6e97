"""Burmese: a word's letters, with its rhymes spelled so that three letters hold each.

Letters stand in the order they are said already. In a form a stacked consonant is one beside the sign that
kills its vowel (မန္တ is မန်တ), ော is ဩ and ို is ဴ, so that ောင် has three letters; letters of Pali are those
they sound like. A vowel that isn't written is အ; tones, and အ as a mere carrier, are gone.
"""

from __future__ import annotations

import re

__all__ = ["spoken"]

WORDS = True

_C = "ကခဂဃငစဆဇဈဉညဋဌဍဎဏတထဒဓနပဖဗဘမယရလဝသဿဟဠအ"
_WRITTEN = frozenset(_C + "ါာိီုူေဲံ့း်္ျြွှဣဤဥဦဧဩဪ၌၍၎၏")
_SPELLED = {
    "၌": "နှိုက်", "၍": "ရွေ့", "၎င်း": "လကောင်း", "၎": "လကောင်း", "၏": "အိ", "ဿ": "သ္သ",
    "ဣ": "အိ", "ဤ": "အီ", "ဥ": "အု", "ဦ": "အူ", "ဧ": "အေ", "ဩ": "အော", "ဪ": "အော",
    "ယောက်ျား": "ယောက်ကျား", "ါ": "ာ",
    "ဋ": "တ", "ဌ": "ထ", "ဍ": "ဒ", "ဎ": "ဓ", "ဏ": "န", "ဠ": "လ", "ဃ": "ဂ", "ဈ": "ဇ",
}  # fmt: skip
_FOLDED = {"်္": "်", "္": "်", "ော်": "ဩ", "ော": "ဩ", "ို": "ဴ", "့": "", "း": ""}
_VOWELS = "ာိီုူေဲံဩဴ"
_BARE = re.compile(f"([{_C[:-1]}][ျြွှ]*)(?![ျြွှ်{_VOWELS}]|[{_C}]်)")
_CARRIER = re.compile(f"အ(?=[ွှ]*[{_VOWELS}]|[ွှ]|[{_C}]်)")


def spoken(term: str) -> list[str]:
    """The term's sounded form, if it is Burmese throughout."""
    if not term or not _WRITTEN.issuperset(term):
        return []
    return [_CARRIER.sub("", _BARE.sub(r"\1အ", _replaced(_replaced(term, _SPELLED), _FOLDED)))]


def _replaced(word: str, replacements: dict[str, str]) -> str:
    for old, new in replacements.items():
        word = word.replace(old, new)
    return word
