"""Japanese: words as kana spell them, 東京 and トウキョウ → とうきょう.

Readings of kanji come from SudachiPy with its small dictionary (``pip install 'scriptbridge[ja]'``). It is
asked how it reads the term by itself, and which words of its dictionary are written so, or as a compound's
last character, which sounds otherwise there. Without it, only what is written in kana is spoken.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

import regex

from scriptbridge import extras

__all__ = ["spoken"]

DICTIONARIES = ("SudachiDict-small",)

# Katakana are hiragana, 96 code points on.
_HIRAGANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)} | {ord("ヵ"): "か", ord("ヶ"): "け"}
_HIRAGANA |= {ord(old): new for old, new in zip("ゐゑヰヱゎヮ", "いえいえわわ", strict=True)}
_KANA = regex.compile(r"[ぁ-ゔー]+")
_JAPANESE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー]+")
_REPEATED = regex.compile(r"(.)([ゝゞヽヾ])")
# What は and へ are said like where they are, or end, a word for itself: "wa" and "e".
_PARTICLES = regex.compile(
    r"(?P<wa>(?:|に|で|と|から|まで|こんにち|こんばん|また|ある|あるい|もしく|ひいて|それで|で)は)|(?P<e>へ)"
)
# Words of these kinds first: suffixes stand in all compounds, names are seldom what is meant.
_SUFFIX = "接尾辞"
_KINDS = (_SUFFIX, "接頭辞", "名詞", "代名詞", "形状詞", "副詞", "動詞", "形容詞")


def spoken(term: str) -> list[str]:
    """The readings of a normalised term in hiragana, likeliest first.

    MissingExtraError where it takes the dictionary to tell, and where that is asked for by "".
    """
    kana = _hiragana(term)
    if _KANA.fullmatch(kana):
        return [*_as_particle(kana), kana]
    if term and not _JAPANESE.fullmatch(term):
        return []
    forms = dict.fromkeys(_hiragana(reading) for reading in _readings(term))
    return [form for form in forms if _KANA.fullmatch(form)]


def _hiragana(word: str) -> str:
    word = _REPEATED.sub(lambda match: match[1] + _again(match[1], match[2]), word)
    return word.translate(_HIRAGANA)


def _again(kana: str, mark: str) -> str:
    """What an iteration mark stands for: すゞ is すず."""
    return chr(ord(kana) + 1) if mark in "ゞヾ" and kana in _VOICED else kana


_VOICED = "かきくけこさしすせそたちつてとはひふへほカキクケコサシスセソタチツテトハヒフヘホ"


def _as_particle(kana: str) -> list[str]:
    match = _PARTICLES.fullmatch(kana)
    return [] if match is None else [kana[:-1] + ("わ" if match["wa"] else "え")]


def _readings(term: str) -> Iterator[str]:
    """Readings in katakana: of the term by itself, of every word that is written so, and of a compound by the
    other readings of its last character: 富士 and 山, フジサン beside フジヤマ.
    """
    morphemes = [(each.surface(), each.reading_form()) for each in _tokenizer().tokenize(term)]
    yield "".join(reading for _, reading in morphemes)
    yield from (word.reading_form() for word in _words(term))
    if len(morphemes) > 1 and len(morphemes[-1][0]) == 1:
        stem, suffixes = "".join(reading for _, reading in morphemes[:-1]), _words(morphemes[-1][0])
        if suffixes and suffixes[0].part_of_speech()[0] == _SUFFIX:
            yield from (stem + suffix.reading_form() for suffix in suffixes)


def _words(written: str) -> list[Any]:
    """The dictionary's words that are written so."""
    return sorted(_dictionary().lookup(written), key=_rank)


def _rank(word: Any) -> tuple[bool, int]:
    kind, kind_of_noun, *_ = word.part_of_speech()
    return kind_of_noun == "固有名詞", _KINDS.index(kind) if kind in _KINDS else len(_KINDS)


@cache
def _dictionary() -> Any:
    extras.load("sudachidict_small", "ja")
    return extras.load("sudachipy", "ja").Dictionary(dict="small")


_OF_THREAD = threading.local()  # a tokenizer serves one thread at a time


def _tokenizer() -> Any:
    if not hasattr(_OF_THREAD, "tokenizer"):
        _OF_THREAD.tokenizer = _dictionary().tokenizer(mode="A", fields={"reading_form"})
    return _OF_THREAD.tokenizer
