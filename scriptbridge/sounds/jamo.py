"""Korean: the letters that a syllable is composed of, 한국 → 한국 (ᄒ ᅡ ᆫ ᄀ ᅮ ᆨ).

Consonants that begin a syllable are other letters than those that end one (Unicode's conjoining jamo), since
they are heard, and so written in Latin, differently.
"""

from __future__ import annotations

import unicodedata

import regex

__all__ = ["spoken"]

_JAMO = regex.compile(r"[\u1100-\u1112\u1161-\u1175\u11a8-\u11c2]+")


def spoken(term: str) -> list[str]:
    """The term in conjoining jamo; nothing where it holds anything but Hangul."""
    form = unicodedata.normalize("NFD", term)
    return [form] if _JAMO.fullmatch(form) else []
