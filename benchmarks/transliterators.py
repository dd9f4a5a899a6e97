"""Transliterators from PyPI that go from Latin letters to native ones, as `benchmarks.words` asks them.

Each is a function of a Latin word and a language that gives what it would write, best first, and nothing for
a language that it does not know. They need ``pip install '.[benchmarks]'``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

__all__ = ["TRANSLITERATORS", "avro", "icu", "indic", "open_tamil", "pinyin2hanzi"]

_ICU = {
    **{"ar": "Arabic", "sd": "Arabic", "ur": "Arabic", "bn": "Bengali", "el": "Greek", "gu": "Gujarati"},
    **{"hi": "Devanagari", "kn": "Kannada", "ml": "Malayalam", "mr": "Devanagari", "pa": "Gurmukhi"},
    **{"ta": "Tamil", "te": "Telugu", "th": "Thai"},
}
_INDIC = {
    **{"bn": "bengali", "gu": "gujarati", "hi": "devanagari", "kn": "kannada", "ml": "malayalam"},
    **{"mr": "devanagari", "pa": "gurmukhi", "si": "sinhala", "ta": "tamil", "te": "telugu"},
}
_SILENT = {"bn": "\u09cd", "gu": "\u0acd", "hi": "\u094d", "mr": "\u094d", "pa": "\u0a4d"}
"""Viramas, of the languages that write none at a word's end, where the romanizations above mean one."""
_MOST = 8  # of what Pinyin2Hanzi writes
_LONGEST = 6  # letters of a syllable of pinyin


def icu(latin: str, language: str) -> list[str]:
    """The inverse of ICU's romanization."""
    if language not in _ICU:
        return []
    return [_ended(_transform(f"Latin-{_ICU[language]}").transliterate(latin), language)]


def indic(latin: str, language: str) -> list[str]:
    """indic-transliteration, from ITRANS."""
    if language not in _INDIC:
        return []
    from indic_transliteration import sanscript

    return [_ended(str(sanscript.transliterate(latin, "itrans", _INDIC[language])), language)]


def avro(latin: str, language: str) -> list[str]:
    """avro.py: Avro Phonetic, by which Bangla is typed."""
    if language != "bn":
        return []
    from avro import parse

    return [str(parse(latin))]


def open_tamil(latin: str, language: str) -> list[str]:
    """Open-Tamil, from Azhagi's scheme."""
    if language != "ta":
        return []
    from transliterate import algorithm, azhagi

    return [str(algorithm.Iterative.transliterate(azhagi.Transliteration.table, latin))]


def pinyin2hanzi(latin: str, language: str) -> list[str]:
    """Pinyin2Hanzi's words and phrases, for every way to cut the letters into syllables."""
    if language != "zh":
        return []
    from Pinyin2Hanzi import dag

    found = [
        (each.score, "".join(each.path)) for cut in _syllables(latin) for each in dag(_words(), cut, _MOST)
    ]
    return [word for _, word in sorted(found, reverse=True)]


TRANSLITERATORS: Mapping[str, Callable[[str, str], Sequence[str]]] = {
    "ICU": icu,
    "indic-transliteration": indic,
    "avro.py": avro,
    "Open-Tamil": open_tamil,
    "Pinyin2Hanzi": pinyin2hanzi,
}


def _ended(native: str, language: str) -> str:
    return native.removesuffix(_SILENT.get(language, "\0"))


def _syllables(letters: str) -> Iterator[tuple[str, ...]]:
    from Pinyin2Hanzi import is_pinyin

    if not letters:
        yield ()
    for end in range(1, min(len(letters), _LONGEST) + 1):
        if is_pinyin(letters[:end]):
            yield from ((letters[:end], *rest) for rest in _syllables(letters[end:]))


@cache
def _transform(name: str) -> Any:
    from icu import Transliterator

    return Transliterator.createInstance(name)


@cache
def _words() -> Any:
    from Pinyin2Hanzi import DefaultDagParams

    return DefaultDagParams()
