"""Authors of Latin queries that know nothing of scriptbridge: packages from PyPI, for benchmarks only.

Each is a function of a native text and its language, as `gap` takes them: ``benchmarks.romanizers:pinyin``.
They need ``pip install '.[benchmarks]'``.
"""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["hangul", "hepburn", "pinyin", "pinyin_run_on", "pinyin_syllables"]


def pinyin(text: str, language: str | None) -> str:
    """Chinese in pinyin without tones, the syllables of a word together, as jieba tells words."""
    import jieba
    from pypinyin import lazy_pinyin

    return " ".join("".join(lazy_pinyin(word)) for word in jieba.cut(text) if word.strip())


def pinyin_syllables(text: str, language: str | None) -> str:
    """Chinese in pinyin without tones, each syllable by itself."""
    from pypinyin import lazy_pinyin

    return " ".join(lazy_pinyin(text))


def pinyin_run_on(text: str, language: str | None) -> str:
    """Chinese in pinyin without tones or spaces."""
    from pypinyin import lazy_pinyin

    return "".join(lazy_pinyin(text))


def hepburn(text: str, language: str | None) -> str:
    """Japanese in Hepburn, cut and read by cutlet (MeCab, UniDic)."""
    return str(_cutlet().romaji(text)).lower()


def hangul(text: str, language: str | None) -> str:
    """Korean in the Revised Romanization, word by word, by hangul-romanize."""
    from hangul_romanize import Transliter
    from hangul_romanize.rule import academic

    return str(Transliter(academic).translit(text))


@cache
def _cutlet() -> Any:
    import cutlet

    return cutlet.Cutlet("hepburn", use_foreign_spelling=False)
