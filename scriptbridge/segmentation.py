"""Where words end in scripts that put no spaces between them: Han, kana, Thai, Lao, Khmer, Myanmar; and in
Hangul, where particles follow a word without one.

ICU's word break cuts them all, by dictionaries that come with it: one for Chinese and Japanese together, so
that the same text is cut alike in whatever language's document or query it stands. Without ICU a run is cut
into overlapping *n-grams* of code points, pairs of Han and kana, else triples: that finds nearly as much, but
marks and completes pieces of words. Single characters side by side in a run without kana, such as
names are cut into, are a word together, too. What an index was made with cuts its queries, too. Korean is
cut by `particles`, which needs neither.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import accumulate, pairwise
from typing import Any

import regex

from scriptbridge import extras, particles
from scriptbridge.errors import MissingExtraError

__all__ = [
    "ICU",
    "NGRAMS",
    "WHOLE",
    "changed",
    "cut",
    "default",
    "is_cut",
    "is_unspaced",
    "missing",
    "require",
    "require_words",
    "versions",
]

ICU, NGRAMS = "icu", "ngrams"
WHOLE = "whole"  # runs as they stand: other engines' words
_EXTRAS = {"ja": "ja", "zh": "zh", "km": "th", "my": "th", "th": "th"}  # with ICU, for these languages

_FIRST = "\u0e00"  # of Thai: what a script without spaces needs comes after it
_UNSPACED = r"[[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30fc\uff70]--\p{Nd}]"
_LETTER = regex.compile(rf"(?V1){_UNSPACED}")
_SYLLABLE = r"(?:[가-힣\u1100-\u1112][\u1161-\u1175]?[\u11a8-\u11c2]?)"  # composed or not
_SYLLABLES = regex.compile(_SYLLABLE)
_CUT = regex.compile(rf"(?V1){_UNSPACED}|{_SYLLABLE}")
_PARTS = regex.compile(
    rf"(?V1){_UNSPACED}[{_UNSPACED}\p{{M}}]*+|(?P<hangul>{_SYLLABLE}++)|(?:(?!{_UNSPACED}|{_SYLLABLE})[\s\S])++"
)
_HAN = regex.compile(r"\p{Han}")
_KANA = regex.compile(r"[\p{Hiragana}\p{Katakana}]")
_PAIRED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\u30fc\uff70]")
_TRIPLED = regex.compile(rf"(?V1)[{_UNSPACED}--{_PAIRED.pattern}]")


def is_unspaced(word: str) -> bool:
    """Whether a word has letters of a script without spaces."""
    return bool(word) and max(word) >= _FIRST and _LETTER.search(word) is not None


def is_cut(word: str) -> bool:
    """Whether `cut` may find several words in one."""
    return bool(word) and max(word) >= _FIRST and _CUT.search(word) is not None


@cache
def default() -> str:
    """What cuts where nothing else is told: ICU where it is installed."""
    try:
        extras.load("icu", "th")
    except MissingExtraError:
        return NGRAMS
    return ICU


def missing(segmenter: str | None, languages: Iterable[str]) -> str:
    """The extras that bring what cut an index's words, where it is not there, else ""; `languages` are the
    index's.
    """
    if segmenter != ICU or default() == ICU:
        return ""
    return ",".join(sorted({_EXTRAS[code] for code in languages if code in _EXTRAS})) or "th"


def require(segmenter: str | None, languages: Iterable[str], what: object) -> None:
    """MissingExtraError if what cut an index's words is not there."""
    if extra := missing(segmenter, languages):
        raise MissingExtraError(
            f"{what}: ICU cut its words and has to cut its queries: pip install 'scriptbridge[{extra}]'",
            extra,
        )


def require_words(letters: str) -> None:
    """MissingExtraError if words in these letters of a channel are n-grams here that it can say nothing of:
    of Thai, Lao, Khmer and Burmese.
    """
    if _TRIPLED.search(letters):
        extras.load("icu", "th")


def versions() -> dict[str, str]:
    """What cuts words here: the rules of Korean, and ICU, where it is installed, by its yearly version."""
    found = {"particles": str(particles.VERSION)}
    if default() == ICU:
        found[ICU] = str(extras.load("icu", "th").ICU_VERSION).partition(".")[0]
    return found


def changed(made_by: Mapping[str, str], segmenter: str | None, languages: Iterable[str]) -> list[str]:
    """What cut an index's words, as `versions` told, and would cut its queries otherwise now."""
    counts = [*(["particles"] if "ko" in languages else []), *([ICU] if segmenter == ICU else [])]
    now = versions() if counts else {}
    return [
        f"{name} {made_by[name]}, now {now[name]}"
        for name in counts
        if name in made_by and name in now and made_by[name] != now[name]
    ]


def cut(word: str, segmenter: str | None = None) -> Iterator[tuple[int, int]]:
    """Start and end of each word in what spaces and punctuation leave together, in order.

    Letters of other scripts and digits stay together; n-grams overlap.
    """
    if segmenter == WHOLE:
        yield from [(0, len(word))] if word else []
        return
    pieces = _SEGMENTERS[segmenter or default()]
    for part in _PARTS.finditer(word):
        if part["hangul"]:
            yield from ((part.start() + start, part.start() + end) for start, end in _hangul(part[0]))
        elif _LETTER.match(part[0]):
            yield from ((part.start() + start, part.start() + end) for start, end in pieces(part[0]))
        else:
            yield part.span()


def _hangul(word: str) -> Iterator[tuple[int, int]]:
    """Stem and particles of a Korean word, whose syllables may be spelled out letter by letter."""
    syllables = _SYLLABLES.findall(word)
    ends = list(accumulate(map(len, syllables), initial=0))
    composed = [unicodedata.normalize("NFC", syllable)[0] for syllable in syllables]
    pieces = particles.cut("".join(composed))
    return ((ends[start], ends[end]) for start, end in pairwise(accumulate(map(len, pieces), initial=0)))


def _by_icu(run: str) -> list[tuple[int, int]]:
    breaks = _breaks()
    breaks.setText(run)
    ends = [0, *breaks]
    if max(run) > "\uffff":  # ICU counts in UTF-16
        code_point, at = {0: 0}, 0
        for number, letter in enumerate(run, 1):
            at += 2 if letter > "\uffff" else 1
            code_point[at] = number
        ends = [code_point[end] for end in ends]
    words = list(pairwise(ends))
    return words if _KANA.search(run) else _with_pairs(run, words)


def _with_pairs(run: str, words: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The words, and every two single characters side by side: names, which no dictionary has."""
    single = [end - start == 1 and _HAN.match(run[start]) is not None for start, end in words]
    found = []
    for place, (start, end) in enumerate(words):
        found.append((start, end))
        if single[place] and place + 1 < len(words) and single[place + 1]:
            found.append((start, words[place + 1][1]))
    return found


_own = threading.local()  # one at a time may use what holds a text


def _breaks() -> Any:
    if not hasattr(_own, "breaks"):
        icu = extras.load("icu", "th")
        _own.breaks = icu.BreakIterator.createWordInstance(icu.Locale.getRoot())
    return _own.breaks


def _by_ngrams(run: str) -> list[tuple[int, int]]:
    n = 2 if _PAIRED.match(run) else 3
    return [(start, start + n) for start in range(len(run) - n + 1)] or [(0, len(run))]


_SEGMENTERS: dict[str, Callable[[str], list[tuple[int, int]]]] = {
    ICU: _by_icu,
    NGRAMS: _by_ngrams,
}
