"""Words: how a text is cut into tokens, and the one form in which each word is indexed and looked up.

A token is found in the text as it stands, so its offsets are exact, and then normalised by itself. `normalize` makes one
term of what people hold to be the same word:

==============  =========================================================================================================
everywhere      NFKC, casefold, decimal digits of every script → ASCII, one apostrophe ('), one hyphen (-); joiners,
                bidirectional marks, soft hyphens, variation selectors and control characters dropped
Latin           base letters: é → e, ø → o, ł → l, đ → d, ß → ss, æ → ae, œ → oe, þ → th, ı → i, ə → e
Greek           accents, breathings and diaeresis dropped, ς → σ
Cyrillic        ё → е, stress marks (grave, acute) on vowels dropped; й ї ў ґ є і stay
Arabic          tatweel, harakat and Quranic marks dropped; أ إ آ ٱ → ا, ؤ → و, ئ ى ی → ي, ک → ك, ہ ە ۀ ۂ ة ۃ → ه, ۓ → ے
                (so ھ, ے, ڪ, ٹ, ڑ, ڻ … stay: they are letters of their own in Urdu or Sindhi)
Hebrew          points and cantillation dropped, װ ױ ײ → וו וי יי, gershayim → ", geresh → '; final letters stay
Devanagari      ँ → ं, अॅ → ॲ, ऱ् → र्; nukta stays, always as a character of its own where NFC has it so
Gujarati        ઁ → ં
Gurmukhi        ਁ ੰ → ਂ; addak and nukta stay
Bengali         ত্ + joiner → ৎ
Malayalam       consonant + virama + joiner → chillu letter, ൻ്റ ൻറ → ന്റ, ൌ → ൗ
==============  =========================================================================================================

Text without spaces between words (Chinese, Japanese, Thai, …) comes as whole runs: cutting it is a language's own analyser's.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import regex

from scriptbridge.types import Token

__all__ = ["MAX_LENGTH", "normalize", "script_of", "terms", "tokenize"]

MAX_LENGTH = 256
"""Code points of a normalised word that are kept. The store's terms hold at most 65,530 bytes; no word needs more than this."""

# ── what a token is ──────────────────────────────────────────────────────────────────────────────────────────────────────

# Two Sindhi words, "and" and "in", are written with one sign each that Unicode does not count as letters.
_SINDHI_WORDS = "\u06fd\u06fe"
_APOSTROPHES = "'’‘ʼʻʾʿʹ′´`׳"
_GERSHAYIM = '"”“״'
# Format and control characters that stand inside words unseen; white space and U+200B end a word.
_UNSEEN = (
    r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200c-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
)
_BASE = rf"[\p{{L}}\p{{N}}{_SINDHI_WORDS}]"
_CHAR = rf"[\p{{L}}\p{{M}}\p{{N}}{_SINDHI_WORDS}]"
_WORD = rf"""
    {_BASE}{_CHAR}*+
    (?: (?: [{_UNSEEN}]++
          | (?<! \p{{Greek}}) [{_APOSTROPHES}] (?= {_BASE})     # don't, м'ята, bf9'a7; Greek elides whole words
          | (?<= \p{{Hebrew}}) [{_GERSHAYIM}] (?= \p{{Hebrew}}) # צה"ל
          | (?<= \p{{Nd}}) [.,٫٬] (?= \p{{Nd}})                 # 3.14, 1,000
          | (?<= \p{{Latin}}) [-‐‑] (?= \p{{Nd}})               # RTX-4090, but not the Hebrew ב-1948, "in 1948"
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

# Scripts in use today; letters of any other are "Zzzz", uncoded.
_SCRIPTS = """Latn Arab Deva Beng Gujr Guru Knda Mlym Sinh Taml Telu Grek Cyrl Hebr Armn Geor Ethi Hani Hira Kana Hang Thai
    Laoo Khmr Mymr Tibt Mong Thaa Syrc Nkoo Orya Olck Mtei Cher Cans Bopo Copt Tfng Adlm Java Sund Bali Bugi Lana Talu Tale
    Cham Cakm Lepc Limb Newa Tirh Vaii Yiii Lisu Rohg Goth Runr""".split()
_SCRIPT = regex.compile("|".join(rf"(?P<{script}>\p{{{script}}})" for script in _SCRIPTS))
_LETTER = regex.compile(rf"(?V1)[[\p{{L}}--\p{{Common}}--\p{{Inherited}}]{_SINDHI_WORDS}]")

# ── what a word's normal form is ─────────────────────────────────────────────────────────────────────────────────────────

_ARABIC_MARKS = r"\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u08ca-\u08ff"
_HEBREW_MARKS = r"\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
_VARIATION_SELECTORS = r"\u034f\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_SURROGATES = r"\ud800-\udfff"

_DROPPED = regex.compile(f"[{_UNSEEN}{_VARIATION_SELECTORS}{_SURROGATES}]+")
# In decomposed text: accents of Latin and Greek letters, stress marks on Cyrillic vowels, optional vowels of abjads.
_MARKS = regex.compile(
    rf"(?<=[\p{{Latin}}\p{{Greek}}])\p{{M}}+|(?i:(?<=[аеиоуыэюяієѣ]\u0308?))[\u0300\u0301]|[{_ARABIC_MARKS}{_HEBREW_MARKS}]+"
)

_PUNCTUATION = str.maketrans(
    dict.fromkeys(_APOSTROPHES, "'") | dict.fromkeys(_GERSHAYIM, '"') | dict.fromkeys("‐‑", "-") | {"٫": ".", "٬": ","}
)
_LETTERS = str.maketrans(
    {chr(code): str(unicodedata.digit(chr(code))) for code in range(0x80, 0x20000) if chr(code).isdecimal()}
    | {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŋ": "n", "ŧ": "t"}
    | {"ə": "e", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ɨ": "i", "ʉ": "u", "ɛ": "e", "ɔ": "o"}
    | {"ё": "е", "ѐ": "е", "ѝ": "и"}
    | {"ٱ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ہ": "ه", "ە": "ه", "ة": "ه", "ۃ": "ه"}
    | {"װ": "וו", "ױ": "וי", "ײ": "יי"}
    | {"ँ": "ं", "ઁ": "ં", "ਁ": "ਂ", "ੰ": "ਂ", "ൌ": "ൗ"}
)

_BEFORE_JOINER = {"ണ്": "ൺ", "ന്": "ൻ", "ര്": "ർ", "ല്": "ൽ", "ള്": "ൾ", "ക്": "ൿ", "ত্": "ৎ"}
_WITH_JOINER = regex.compile(f"({'|'.join(_BEFORE_JOINER)})\u200d")
_SPELLINGS = {"ൻ്റ": "ന്റ", "ൻറ": "ന്റ", "अॅ": "ॲ", "ऱ्": "र्"}
_SPELLING = regex.compile("|".join(_SPELLINGS))


def normalize(word: str) -> str:
    """The canonical form of one word, at most `MAX_LENGTH` code points; of its own result, the same again.

    It may be empty (a lone tatweel) or hold what no token holds (½ becomes ``1⁄2``): `tokenize` cuts such a form again.
    """
    if word.isascii() and word.isprintable():
        return word.lower().replace("`", "'")[:MAX_LENGTH]
    # Nothing is read beyond what could still matter: a canonical ordering of a million marks takes hours.
    folded = _fold(word[: 4 * MAX_LENGTH])[:MAX_LENGTH]
    while (again := _fold(folded)[:MAX_LENGTH]) != folded:
        folded = again
    return folded


def _fold(word: str) -> str:
    word = _WITH_JOINER.sub(lambda match: _BEFORE_JOINER[match[1]], word)
    word = _DROPPED.sub("", word).translate(_PUNCTUATION)
    word = _MARKS.sub("", unicodedata.normalize("NFKD", word)).casefold()
    word = unicodedata.normalize("NFKC", word).translate(_LETTERS)
    return _SPELLING.sub(lambda match: _SPELLINGS[match[0]], word)


def script_of(word: str) -> str:
    """The ISO 15924 code of the script of the word's first letter; ``Zyyy`` if it has none, ``Zzzz`` if it's a dead script's."""
    letter = _LETTER.search(word)
    return _script_of_letter(letter[0]) if letter else "Zyyy"


@lru_cache(maxsize=4096)
def _script_of_letter(letter: str) -> str:
    match = _SCRIPT.match(letter)
    if match is None:
        return "Arab" if letter in _SINDHI_WORDS else "Zzzz"
    return match.lastgroup or "Zzzz"


def tokenize(text: str) -> list[Token]:
    """The text's words in order, normalised, with offsets into `text` in code points.

    Words that come of one character (½, ﷺ) share its word's offsets.
    """
    return [
        Token(token.text, found.start() + token.start, found.start() + token.end, token.script)
        for found in _pattern(text).finditer(text)
        for token in _tokens(found[0])
    ]


def terms(text: str) -> list[str]:
    """``[token.text for token in tokenize(text)]``, faster: what indexing needs."""
    return [term for word in _pattern(text).findall(text) for term in _terms(word)]


def _pattern(text: str) -> regex.Pattern[str]:
    lowered = text if "www." in text else text.lower()
    return _WORDS_AND_LINKS if "@" in text or "://" in text or "www." in lowered else _WORDS


def _tokens(word: str) -> tuple[Token, ...]:
    """The tokens of one match of the pattern, with offsets into it."""
    return tuple(
        Token(part, stretch.start(), stretch.end(), script_of(part))
        for stretch in _STRETCH.finditer(word)
        for part in _parts(normalize(stretch[0]))
    )


def _parts(form: str) -> list[str]:
    """A normal form itself, or, where normalising brought in what separates words, the forms it then consists of."""
    parts = [stretch for word in _pattern(form).findall(form) for stretch in _STRETCH.findall(word)]
    if parts == [form]:
        return parts
    return [term for part in parts for term in _parts(normalize(part))]


@lru_cache(maxsize=1 << 16)
def _cached_terms(word: str) -> tuple[str, ...]:
    return tuple(token.text for token in _tokens(word))


def _terms(word: str) -> tuple[str, ...]:
    if len(word) > MAX_LENGTH:  # kept out of the cache
        return tuple(token.text for token in _tokens(word))
    return _cached_terms(word)
