"""Thai: the letters of a word in the order in which they are spoken.

A vowel that stands before or around its consonants moves behind them (เก → กเ), vowels that are not written
come in (คน → คโนฺ, ตลาด → ตะลาดฺ), tone marks, what ์ silences and อ as a mere carrier go out. A dot (ฺ, as
dictionaries mark a consonant without a vowel) follows each consonant that closes a syllable: it is the sound
that depends on it, ส is s or t, ร is r or n. Letters of one sound are one (ณ is น, ข is ค, ศ is ส), and so
are vowels: ะ ั รร are ะ, ไ ใ ัย are ไ; those of several signs are เา, เี (เ-ีย), เื (เ-ือ), เิ (เ-อ) and ั (ัว).

What no rule can know without a dictionary, whether a consonant closes a syllable, begins one or both
(ราชการ is ราด-ชะ-กาน), is weighed, and a word has up to four forms. The weights are judgement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ._syllables import cheapest

__all__ = ["spoken"]

WORDS = True

FORMS = 4
SPREAD = 3.5  # of costs; a form that is so much less likely than the best is none

_C = "กขฃคฅฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ"
_CLOSING = set(_C) - set("ฉฌผฝหอฮ")
_CLUSTERS = frozenset(a + b for a, b in zip("กกกขขขคคคตปปพพผบบฟฟด", "รลวรลวรลวรรลรลลรลรลร", strict=True))
_ONSET = str.maketrans("ขฃฅฆฉฌซศษญฎฏฐฑฒถธณผภฝฬฮอ", "คคคคชชสสสยดตทททททนพพฟลหอ") | {ord("อ"): ""}
_CODA = str.maketrans("ขฃฅฆศษญฎฏฐฑฒถธณภฬ", "คคคคสสนดตทททททนพล")  # ซ, of loanwords, stays s
_AFTER_H = set("งญณนมยรลวฬ")  # หมา is มา, but for its tone
_WITH_R = {"ทร": 0.7, "สร": 1.0, "ศร": 0.3, "ซร": 0.3, "จร": 1.5}  # ร is seldom heard; what it costs
_ABOVE = "ะัาิีึืุูํ"  # signs that need a consonant before them

# A vowel's signs, "-" for the consonants they go with; how it sounds; whether a consonant closes it: never
# (.), always (!) or perhaps (?).
_VOWELS = """
-ะ ะ .    -ั ะ !    -ัว ั .   -ัวะ ั .  -ว ั !    -า า ?    -ิ ิ ?    -ี ี ?    -ึ ึ ?    -ื ื !    -ือ ื .
-ุ ุ ?    -ู ู ?    -ํา ะมฺ .  -อ อ ?    -รร ะ !   -รร ะนฺ .  -ัย ไ .
เ- เ ?    เ-ะ เ .   เ-า เา .  เ-าะ อ .  เ-อ เิ ?   เ-อะ เิ .  เ-ิ เิ !   เ-ย เิยฺ .  เ-ีย เี ?  เ-ียะ เี .
เ-ือ เื ?  เ-ือะ เื .  แ- แ ?    แ-ะ แ .   โ- โ ?    โ-ะ โ .   ไ- ไ .    ไ-ย ไ .    ใ- ไ .
"""
_RHYMES: dict[str, list[tuple[str, str, str]]] = {}
_cells = _VOWELS.split()
for _signs, _sound, _closed in zip(_cells[::3], _cells[1::3], _cells[2::3], strict=True):
    _before, _after = _signs.split("-")
    _RHYMES.setdefault(_before, []).append((_after, _sound, _closed))

OPEN = 1.3  # a written vowel that the next consonant could have closed
INHERENT_O = 0.6  # คน is คโน
INHERENT_A = 1.2  # ตลาด is ตะลาด
LAST_A = 3.0  # at a word's end
LED = 0.8  # แสดง is สะแดง
LINKED = 1.6  # ราชการ: a consonant that closes one syllable and begins the next
SILENT = 0.4  # บัตร, ชาติ, สามารถ
STRAY = 9.0  # a sign that goes with nothing

_TONES = re.compile("[่้๊๋็๎๏๚๛]")
_SILENCED = re.compile(f"[{_C}][ิุ]?์")
_SILENT_I = re.compile("[ตดทธฒฎฏมพ][ิุ](?=$|[เแโไใ])")  # ชาติ, เหตุ, ภูมิ
_SILENT_R = re.compile(f"ร(?![{_ABOVE}รอว์])")  # จักร, เพชร
_DOUBLE = {"ท": "ธ", "ต": "ตถ", "ก": "ขก", "จ": "ฉ", "ฏ": "ฐ", "ช": "ฌ", "ด": "ฒ", "ธ": "ธ", "ร": "ม"}


@lru_cache(maxsize=1 << 16)
def spoken(term: str) -> list[str]:
    """The term's sounded forms, likeliest first; none where it holds what is not Thai."""
    if term == "ก็":
        return ["กอ"]
    letters = _SILENCED.sub("์", _TONES.sub("", term.replace("ๅ", "า").replace("ฯ", "")))
    word = letters.rstrip("ๆ")
    if not word or not _WRITTEN.issuperset(word):
        return []
    forms = cheapest(word, _syllables, FORMS, SPREAD)
    return [form * 2 for form in forms[:2]] + forms[:2] if word != letters else forms


_WRITTEN = set(_C + _ABOVE + "เแโไใฤ์")


def _syllables(word: str, at: int) -> Iterator[tuple[int, str, float]]:
    yield at + 1, "", 0.0 if word[at] == "์" else STRAY
    before = word[at] if word[at] in "เแโไใ" else ""
    for start, onset, cost in _onsets(word, at + len(before), bool(before)):
        for signs, vowel, closed in _RHYMES[before]:
            if word.startswith(signs, start):
                yield from _closings(word, start + len(signs), onset + vowel, cost, closed)
        if not before and word[start : start + 1] not in {*_ABOVE, "์"}:
            yield from _unwritten(word, start, onset, cost)
    yield from _with_ru(word, at)


def _onsets(word: str, at: int, led: bool) -> Iterator[tuple[int, str, float]]:
    """The consonants that may begin a syllable: where they end, how they sound, what that costs.

    `led` where a vowel stands before them, so that one of a syllable of its own may do so, too.
    """
    if at >= len(word) or word[at] not in _C:
        return
    first, second = word[at], word[at + 1 : at + 2]
    yield at + 1, _sounded(first), 0.0
    if not second or second not in _C or word.startswith("รร", at + 1):
        return
    if first + second in _CLUSTERS:
        yield at + 2, _sounded(first + second), 0.0
    elif first == "ห" and second in _AFTER_H:
        yield at + 2, _sounded(second), 0.0
    elif first + second == "อย" and word[at + 2 : at + 3] in tuple("าู"):
        yield at + 2, "ย", 0.2
    elif led and second != "อ":
        yield at + 2, f"{_sounded(first)}ะ{_sounded(second)}", LED
    if first + second in _WITH_R:
        yield at + 2, _sounded(first + second), _WITH_R[first + second]
    if first + second == "ทร":  # ทราย is ซาย
        yield at + 2, "ส", 0.7


def _sounded(onset: str) -> str:
    return onset.translate(_ONSET)


def _unwritten(word: str, at: int, onset: str, cost: float) -> Iterator[tuple[int, str, float]]:
    """A syllable whose vowel is not written: o where a consonant closes it (before ร like อ), else a."""
    if word.startswith("รร", at):  # ธรรม
        return
    if word[at : at + 1] == "ร":
        yield from _closings(word, at, f"{onset}อ", cost + INHERENT_O, "!")
        yield at, f"{onset}อ", cost + INHERENT_A + (0.0 if onset in "บธมกจ" else 1.0)  # บริษัท, มรดก
    else:
        yield from _closings(word, at, f"{onset}โ", cost + INHERENT_O, "!")
    yield at, f"{onset}ะ", cost + (INHERENT_A if at < len(word) else LAST_A)


def _closings(
    word: str, at: int, syllable: str, cost: float, closed: str
) -> Iterator[tuple[int, str, float]]:
    """The ways a syllable may end, `at` being after its vowel."""
    silenced = word.startswith("์", at)
    last = word[at + silenced : at + silenced + 1]
    if closed != "!":
        yield at, syllable, cost + (OPEN if closed == "?" and last and _closes(last, syllable) else 0.0)
    if closed == "." or not _closes(last, syllable):
        if closed == "." and word[at - 1 : at] == "ย" and syllable[-1] == "ไ" and last in _CLOSING:  # ชัยพร
            yield at, f"{syllable}ยะ", cost + LINKED
        return
    end = at + silenced + 1
    after = word[end : end + 1]
    if last == after == "ร":
        return
    final = f"{syllable}{last.translate(_CODA)}ฺ"
    yield end, final, cost
    if word.startswith("์", end + 1) and after in _CLOSING - set(
        "งนมยรลว"
    ):  # จันทร์, ลักษณ์: the consonant before is silent, too
        yield end + 1, final, cost - 0.5
    if (after and after in _DOUBLE.get(last, "")) or (_SILENT_R.match(word, end) and last in "กคตทดชฑ"):
        yield end + 1, final, cost + SILENT
        if silent := _SILENT_I.match(word, end):
            yield silent.end(), final, cost + SILENT
    if last in "รห" and after in _CLOSING:  # สามารถ, พรหม
        yield end + 1, f"{syllable}{after.translate(_CODA)}ฺ", cost + SILENT
        if silent := _SILENT_I.match(word, end):
            yield silent.end(), f"{syllable}{after.translate(_CODA)}ฺ", cost + SILENT
    silent = _SILENT_I.match(word, end - 1)
    if silent and (closed != "!" or syllable[-1] == "ะ"):
        yield silent.end(), final, cost + SILENT
    if after and after not in f"{_ABOVE}์" and end + 1 < len(word):
        again = _sounded(last)
        yield end, f"{syllable if last == 'ร' else final}{again}ะ", cost + LINKED
        if after == "ร" and _SILENT_R.match(word, end):
            yield end + 1, f"{final}{again}ระ", cost + LINKED


def _closes(last: str, syllable: str) -> bool:
    """Whether a consonant can close a syllable with that vowel: ย and ว only where they are glides."""
    if last == "ย":
        return syllable[-1] in "าอโุัื"
    if last == "ว":
        return syllable[-1] in "าิเแ" or syllable.endswith("เี")
    return last in _CLOSING


def _with_ru(word: str, at: int) -> Iterator[tuple[int, str, float]]:
    """ฤ, with or without a consonant before it: รึ or ริ."""
    first = word[at] if word[at] in _C else ""
    start = at + len(first)
    if word.startswith("ฤ", start):
        for vowel, cost in (
            (("ิ", 0.0), ("ึ", 1.0))
            if first in ("ก", "ต", "ท", "ป", "ศ", "ส")
            else (
                ("ึ", 0.0),
                ("ิ", 0.7),
            )
        ):
            onset = "หะ" if first == "ห" else _sounded(first)
            yield from _closings(word, start + 1, f"{onset}ร{vowel}", cost, "?")
