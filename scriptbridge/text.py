"""Words: how a text is cut into tokens, and the one form in which each word is indexed and looked up.

A token is found in the text as it stands, so its offsets are exact, and then normalised by itself.
`normalize` makes one term of what people hold to be the same word:

==========  =============================================================================================
everywhere  NFKC, casefold, decimal digits of every script → ASCII, one apostrophe ('); joiners, directional
            marks, soft hyphens, variation selectors, control characters and ˈ ˌ dropped
Latin       base letters: é → e, ø → o, ł → l, đ → d, ß → ss, æ → ae, œ → oe, þ → th, ı → i, ə ǝ → e
Greek       accents, breathings and diaeresis dropped, ς → σ
Cyrillic    ё → е, ѝ → и, stress marks on vowels dropped; й ї ў ґ ѓ ќ stay
Arabic      tatweel, harakat and Quranic marks dropped; أ إ آ ٱ → ا, ؤ → و, ئ ى ی → ي, ک → ك,
            ګ → گ, ہ ە ۀ ۂ ة ۃ → ه, ۓ → ے, so that all keyboards write one word; ھ ے ں ڪ ٹ ڑ ڻ ې ۍ … stay,
            as letters that Urdu, Sindhi and Pashto tell apart (ڪ is Sindhi's k, ک its kh)
Armenian    the tone marks that stand inside a word (՞ ՛ ՜) dropped; և → եւ, as NFKC has it
Ethiopic    letters that Amharic says alike: ሐ ኀ → ሀ, ሠ → ሰ, ዐ → አ, ፀ → ጸ in all their orders, ሃ → ሀ, ኣ → አ,
            ቈ ኰ ጐ ቍ ኵ ጕ → ቆ ኮ ጎ ቁ ኩ ጉ; gemination marks dropped
Hebrew      points and cantillation dropped, װ ױ ײ → וו וי יי, gershayim → ", geresh → '; final letters stay
Devanagari  ँ → ं, अॅ → ॲ, ऱ् → र्
Gujarati    ઁ → ં
Gurmukhi    ਁ ੰ → ਂ; addak stays
Bengali     ত্ with a joiner → ৎ
Malayalam   consonant, virama and joiner → chillu letter; ൻ്റ ൻറ → ന്റ, ൌ → ൗ
Indic       a vowel letter and a sign that look like one letter → that letter (ਅ + ਾ → ਆ); nukta stays,
            a character of its own wherever NFC writes it so (क़ = क + ़)
Thai        ำ → ํา, as NFKC has it; เเ → แ; tone marks after the vowel above a consonant, before ํา
Khmer       ឣ → អ, ឲ → ឱ, ្ដ → ្ត, េា → ោ, េី → ើ; subscript រ after others, ៉ ៊ before vowels
Burmese     ဥ် → ဉ်; signs of a syllable in one order; ၀ before a sign → ဝ. Zawgyi is not read
==========  =============================================================================================

Text without spaces between words (Chinese, Japanese, Thai, …) and Korean particles are cut by
`scriptbridge.segmentation`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import regex

from scriptbridge import segmentation
from scriptbridge.types import Token

__all__ = ["MAX_LENGTH", "Words", "normalize", "script_of", "terms", "terms_and_spellings", "tokenize"]

MAX_LENGTH = 256
"""Code points of a normal form that are kept: far within the 65,530 bytes of the store's longest term."""

# ── what a token is ─────────────────────────────────────────────────────────────────────────────────────────

# Two Sindhi words, "and" and "in", are written with one sign each that Unicode does not count as letters.
_SINDHI_WORDS = "\u06fd\u06fe"
_APOSTROPHES = "'’‘ʼʻʾʿʹ′`׳"
_GERSHAYIM = '"”“״'
_ARMENIAN_TONES = "\u055b\u055c\u055e"  # within a word, after the vowel that is stressed: ինչպե՞ս
# Format and control characters that stand inside words unseen; white space and U+200B end a word.
_UNSEEN = (
    r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200c-\u200f\u202a-\u202e"
    r"\u2060-\u2064\u2066-\u206f\ufeff"
)
_BASE = rf"[\p{{L}}\p{{N}}{_SINDHI_WORDS}]"
_CHAR = rf"[\p{{L}}\p{{M}}\p{{N}}{_SINDHI_WORDS}]"
# Elsewhere an apostrophe ends a word: Greek σ'αγαπώ, "I love you", or an Indic suffix after a quoted title.
_ELIDING = r"[\p{Latin}\p{Cyrillic}\p{Hebrew}\p{Nd}]"
_WORD = rf"""
    {_BASE}{_CHAR}*+
    (?: (?: [{_UNSEEN}]++
          | (?<= {_ELIDING}) [{_APOSTROPHES}] (?= {_ELIDING})     # don't, м'ята, ג'ירפה, bf9'a7
          | (?<= \p{{Hebrew}}) [{_GERSHAYIM}] (?= \p{{Hebrew}}) # צה"ל
          | (?<= \p{{Armenian}}) [{_ARMENIAN_TONES}] (?= \p{{Armenian}})
          | (?<= \p{{Nd}}) [.,٫٬] (?= \p{{Nd}})                 # 3.14, 1,000
          | (?<= \p{{Latin}}) [-‐‑] (?= \p{{Nd}})               # RTX-4090; not the Hebrew ב-1948, "in 1948"
        ) {_CHAR}++
    )*+
    (?: \u200d                                                  # of a Malayalam chillu or a Bengali khanda ta
      | (?<= [גזצץ]) ['’׳] (?! {_BASE})                         # סנדוויץ'
    )?+"""
# Lengths are bounded so that a text without spaces is still read in linear time.
_LINK = r"""
    (?i: (?: (?:https?|ftp):// | www\. ) [!#-;=?-\[\]_a-z~]{1,2000} (?<= [a-z0-9/])
       | [a-z0-9] [a-z0-9._%+-]{0,63} @ (?: [a-z0-9-]{1,63} \. ){1,8} [a-z]{2,63} (?! [a-z0-9]) )"""

_WORDS = regex.compile(_WORD, regex.VERBOSE)
_WORDS_AND_LINKS = regex.compile(f"{_LINK} | {_WORD}", regex.VERBOSE)

# A stretch of a word without a change between Latin and another script; digits go with what they stand with.
_OTHER = rf"[[\p{{L}}--\p{{Latin}}--\p{{Common}}--\p{{Inherited}}]{_SINDHI_WORDS}]"
_STRETCH = regex.compile(
    rf"(?V1s)(?=.)(?:(?!{_OTHER})\P{{Latin}})*+(?:\p{{Latin}}(?:(?!{_OTHER}).)*+|{_OTHER}\P{{Latin}}*+)?+"
)

# Letters of scripts that are not written today are "Zzzz", uncoded.
_SCRIPTS = (
    "Latn Arab Deva Beng Gujr Guru Knda Mlym Sinh Taml Telu Grek Cyrl Hebr Armn Geor Ethi Hani Hira Kana "
    "Hang Thai Laoo Khmr Mymr Tibt Mong Thaa Syrc Nkoo Orya Olck Mtei Cher Cans Bopo Copt Tfng Adlm Java "
    "Sund Bali Bugi Lana Talu Tale Cham Cakm Lepc Limb Newa Tirh Vaii Yiii Lisu Rohg Goth Runr"
)
_SCRIPT = regex.compile("|".join(rf"(?P<{script}>\p{{{script}}})" for script in _SCRIPTS.split()))
_LETTER = regex.compile(rf"(?V1)[[\p{{L}}--\p{{Common}}--\p{{Inherited}}]{_SINDHI_WORDS}]")

# ── what a word's normal form is ────────────────────────────────────────────────────────────────────────────

_ARABIC_MARKS = r"\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u08ca-\u08ff"
_HEBREW_MARKS = r"\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
_ETHIOPIC_MARKS = r"\u135d-\u135f"
_VARIATION_SELECTORS = r"\u034f\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_SURROGATES = r"\ud800-\udfff"

# What a spelling loses; joiners are part of how Persian or Malayalam is written.
_LOST = f"{_UNSEEN}{_VARIATION_SELECTORS}{_SURROGATES}{_ARMENIAN_TONES}"
_INVISIBLE = regex.compile(rf"(?V1)[[{_LOST}]--[\u200c\u200d]]+")
_STRESS = r"\u02c8\u02cc"  # ˈ ˌ; for ICU, ˌ is also the tail of a romanized қ or ټ
_DROPPED = regex.compile(f"[{_LOST}{_STRESS}]+")
# In decomposed text: accents of Latin and Greek letters, stress on Cyrillic vowels, vowel points of abjads.
_ACCENTS = r"\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_MARKS = regex.compile(
    rf"[{_ACCENTS}]++(?<=[\p{{Latin}}\p{{Greek}}\p{{N}}][{_ACCENTS}]++)"
    r"|[\u0300\u0301](?<=(?i:[аеиоуыэюяієѣ])\u0308?.)"
    rf"|[{_ARABIC_MARKS}{_HEBREW_MARKS}{_ETHIOPIC_MARKS}]+"
)

# What Amharic says and spells alike, seven orders to a row. Tigrinya tells ሐ from ሀ and ዐ from አ, but few of
# its words differ in nothing else.
_ETHIOPIC = {
    chr(ord(row) + order): chr(ord(to) + order)
    for row, to in ("ሐሀ", "ኀሀ", "ሠሰ", "ዐአ", "ፀጸ")
    for order in range(7)
} | dict(zip("ሗሧሃሓኃኣዓቈኈኰጐቘዀቍኍኵጕቝዅ", "ኋሷሀሀሀአአቆሆኮጎቖኾቁሁኩጉቑኹ", strict=True))

_LETTERS = str.maketrans(
    {chr(code): str(unicodedata.digit(chr(code))) for code in range(0x80, 0x20000) if chr(code).isdecimal()}
    | dict.fromkeys(_APOSTROPHES, "'")
    | dict.fromkeys(_GERSHAYIM, '"')
    | {"‐": "-", "‑": "-", "٫": ".", "٬": ","}
    | {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŋ": "n"}
    | {"ŧ": "t", "ə": "e", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ɨ": "i", "ʉ": "u", "ɛ": "e", "ɔ": "o"}
    | {"ǝ": "e", "ɦ": "h"}  # the other schwa, U+01DD; breathed h
    | {"ё": "е", "ѐ": "е", "ѝ": "и"}
    | {"ٱ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ہ": "ه", "ە": "ه", "ة": "ه", "ۃ": "ه"}
    | {"ګ": "گ"}
    | _ETHIOPIC
    | {"װ": "וו", "ױ": "וי", "ײ": "יי"}
    | {"ँ": "ं", "ઁ": "ં", "ਁ": "ਂ", "ੰ": "ਂ", "ൌ": "ൗ"}
)

_BEFORE_JOINER = {"ണ്": "ൺ", "ന്": "ൻ", "ര്": "ർ", "ല്": "ൽ", "ള്": "ൾ", "ക്": "ൿ", "ত্": "ৎ"}
_WITH_JOINER = regex.compile(f"({'|'.join(_BEFORE_JOINER)})\u200d")
# What looks the same, or nearly so, "from=to". Those of a vowel letter and a sign are the Unicode Standard's
# "do not use" (chapter 12), but people type them.
_SAME_LOOK = (
    "ൻ്റ=ന്റ ൻറ=ന്റ अॅ=ॲ ऱ्=र् अा=आ अॉ=ऑ अो=ओ अौ=औ एे=ऐ অা=আ અા=આ અૅ=ઍ અે=એ અૈ=ઐ અૉ=ઑ અો=ઓ અૌ=ઔ ਅਾ=ਆ ਅੈ=ਐ ਅੌ=ਔ "
    "ੲਿ=ਇ ੲੀ=ਈ ੲੇ=ਏ ੳੁ=ਉ ੳੂ=ਊ ੳੋ=ਓ අා=ආ අැ=ඇ අෑ=ඈ ఒౌ=ఔ ಒೌ=ಔ ഇൗ=ഈ ഉൗ=ഊ എെ=ഐ ഒാ=ഓ ഒൗ=ഔ"
)
# Thai signs typed in an order that looks the same: a tone before the vowel that stands below it; the ring
# of am, which NFKC parts from its า, before the tone; two e for one ae.
_THAI = (
    {tone + sign: sign + tone for tone in "่้๊๋์" for sign in "ัิีึื"}
    | {f"ํ{tone}า": f"{tone}ํา" for tone in "่้๊๋"}
    | {"เเ": "แ"}
)
# Khmer: letters Unicode has given up; subscript d, which is printed as t; subscript r last; vowels typed as
# their parts or before what shifts their series.
_KHMER = (
    {"ឣ": "អ", "ឤ": "អា", "ឲ": "ឱ", "្ដ": "្ត", "េា": "ោ", "េី": "ើ", "ំា": "ាំ", "ំុ": "ុំ"}
    | {f"្រ្{letter}": f"្{letter}្រ" for letter in "កខគឃងចឆជឈញដឋឌឍណតថទធនបផពភមយលវសហឡអ"}
    | {vowel + shifter: shifter + vowel for vowel in "ាិីឹឺុូួើឿៀេែៃោៅ" for shifter in "៉៊"}
)
# Burmese: medials, vowels and tones in their order; ဉ and ဝ typed as the vowel and the digit that look alike.
_BURMESE = (
    {"ဥ်": "ဉ်", "ဥ္": "ဉ္", "ုိ": "ို", "ံု": "ုံ"}
    | {tone + vowel: vowel + tone for tone in "့း" for vowel in "ိီုူံဲ"}
    | {later + sooner: sooner + later for sooner, later in combinations("ျြွှ", 2)}
    | {f"0{sign}": f"ဝ{sign}" for sign in "ါာိီုူေဲံ့်"}
)
_SPELLINGS = dict(pair.split("=") for pair in _SAME_LOOK.split()) | _THAI | _KHMER | _BURMESE
_SPELLING = regex.compile("|".join(_SPELLINGS))


def normalize(word: str) -> str:
    """The normal form of one word, at most `MAX_LENGTH` code points; that of a normal form is itself.

    It may be empty (a lone tatweel) or hold what separates words (½ gives ``1⁄2``): `tokenize` sees to that.
    """
    if word.isascii() and word.isprintable():
        return word.lower().replace("`", "'")[:MAX_LENGTH]
    word = word[: 4 * MAX_LENGTH]  # ordering a million combining marks canonically would take hours
    while (folded := _fold(word)[:MAX_LENGTH]) != word:
        word = folded
    return word


def _fold(word: str) -> str:
    word = _WITH_JOINER.sub(lambda match: _BEFORE_JOINER[str(match[1])], word)
    word = unicodedata.normalize("NFKD", _DROPPED.sub("", word))
    word = _MARKS.sub("", word).casefold()
    word = unicodedata.normalize("NFKC", word).translate(_LETTERS)
    return str(_SPELLING.sub(lambda match: _SPELLINGS[str(match[0])], word))


def script_of(word: str) -> str:
    """The ISO 15924 code of the script of a word's first letter; ``Zyyy`` if it has no letter."""
    letter = _LETTER.search(word)
    return _script_of_letter(letter[0]) if letter else "Zyyy"


@lru_cache(maxsize=4096)
def _script_of_letter(letter: str) -> str:
    match = _SCRIPT.match(letter)
    if match is None:
        return "Arab" if letter in _SINDHI_WORDS else "Zzzz"
    return match.lastgroup or "Zzzz"


def tokenize(text: str, segmenter: str | None = None) -> list[Token]:
    """The text's words in order, normalised, with offsets into `text` in code points.

    Words that come of one character (½, ﷺ) all have the offsets of the word it stands in. `segmenter` cuts
    what has no spaces (see `scriptbridge.segmentation`); n-grams overlap.
    """
    return [
        Token(form, found.start() + start, found.start() + end, script_of(form))
        for found in _pattern(text).finditer(text)
        for start, end, forms in _stretches(found[0], segmenter)
        for form in forms
    ]


def terms(text: str, segmenter: str | None = None) -> list[str]:
    """``[token.text for token in tokenize(text, segmenter)]``, faster."""
    return [form for word in _pattern(text).findall(text) for form in _read(word, segmenter)[0]]


class Words(NamedTuple):
    """A text's terms, (term, spelling) of those spelled otherwise, and whether any came of a script without
    spaces.
    """

    terms: list[str]
    spellings: set[tuple[str, str]]
    unspaced: bool


def terms_and_spellings(text: str, segmenter: str | None = None) -> Words:
    """`terms`, and (term, spelling) of the native words that are spelled otherwise: what indexing needs.

    A spelling is NFC and lower case, with the final sigma that goes with it: ``("μουσακασ", "μουσακάς")``.
    """
    read = [_read(word, segmenter) for word in _pattern(text).findall(text)]
    forms = [form for own, _, _ in read for form in own]
    spellings = {pair for _, spelled, _ in read if spelled for pair in spelled}
    return Words(forms, spellings, any(unspaced for _, _, unspaced in read))


def _pattern(text: str) -> regex.Pattern[str]:
    may_hold_links = "@" in text or "://" in text or "www." in text.lower()
    return _WORDS_AND_LINKS if may_hold_links else _WORDS


class _Read(NamedTuple):
    forms: tuple[str, ...]
    spellings: tuple[tuple[str, str], ...]
    unspaced: bool


def _read(word: str, segmenter: str | None) -> _Read:
    return _cached_read(word, segmenter) if len(word) <= MAX_LENGTH else _uncached_read(word, segmenter)


def _uncached_read(word: str, segmenter: str | None) -> _Read:
    forms: list[str] = []
    spellings: list[tuple[str, str]] = []
    for start, end, own in _stretches(word, segmenter):
        forms += own
        if own[:1] != [word[start:end]]:
            spellings += _otherwise(own, word[start:end])
    return _Read(tuple(forms), tuple(spellings), segmentation.is_unspaced(word))


_cached_read = lru_cache(maxsize=1 << 16)(_uncached_read)
_AS_TYPED = ("Latn", "Zyyy")  # scripts whose words nobody asks to be written otherwise


def _otherwise(forms: Sequence[str], word: str) -> list[tuple[str, str]]:
    """The native word that has this normal form with its spelling, where that is another."""
    if len(forms) != 1 or len(word) > MAX_LENGTH or script_of(forms[0]) in _AS_TYPED:
        return []
    spelling = unicodedata.normalize("NFC", _INVISIBLE.sub("", word).lower())
    return [(forms[0], spelling)] if spelling != forms[0] else []


def _stretches(word: str, segmenter: str | None) -> Iterator[tuple[int, int, list[str]]]:
    """Start, end and normal forms of each stretch, or word of one, of what the pattern matched."""
    for stretch in _STRETCH.finditer(word):
        spans: Iterable[tuple[int, int]] = [(0, len(stretch[0]))]
        if segmentation.is_cut(stretch[0]):
            spans = segmentation.cut(stretch[0], segmenter)
        for start, end in spans:
            form = normalize(stretch[0][start:end])
            forms = [form] if form == word else _words_of(form)
            yield stretch.start() + start, stretch.start() + end, forms


def _words_of(form: str) -> list[str]:
    """The form itself, or the forms it consists of where normalising brought in what separates words."""
    parts = [str(stretch) for word in _pattern(form).findall(form) for stretch in _STRETCH.findall(word)]
    if parts == [form]:
        return parts
    return [word for part in parts for word in _words_of(normalize(part))]
