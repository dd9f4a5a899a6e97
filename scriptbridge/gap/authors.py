"""Authors: who writes native queries in Latin letters, named by a spec.

    AUTHOR[:STYLES][+MODIFIER=RATE]…        uroman    channel:3+switch=.3    keyboard    uroman+typos=.1

============  ==============================================================================================
channel       the language's own channel, sampled: as people type it, but never the only judge of itself
uroman        uroman (Hermjakob, May & Knight 2018), rules for every script
icu           ICU's transform Any-Latin; Latin-ASCII
anyascii      anyascii, a fixed ASCII string for each character
pypinyin      pypinyin, Chinese only
keyboard      the keys of a US keyboard, pressed as on the language's: someone forgot to switch
MODULE:FUNC   a Python function, text -> str or (text, language) -> str
============  ==============================================================================================

STYLES is the number of wordings of each query. Modifiers, each at a rate from 0 to 1, whatever their order:
`switch` leaves words in native script, but never all of a query's, `vowels` drops vowels, `typos` makes
slips (see `noise`).

What comes out is lowercase Latin words with one space between and no punctuation; words that are Latin or
digits already stay. The keyboard's words are as typed: shift and punctuation are what tells their letters.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from itertools import compress, groupby
from typing import Any, Literal, NamedTuple

from scriptbridge import __version__, extras, keyboards, languages, text
from scriptbridge.channel import romanize
from scriptbridge.errors import ChannelError, GapError, LanguageError, MissingExtraError
from scriptbridge.functions import described, foreign, imported, raised

from . import noise
from .records import LatinQueries

__all__ = ["MAX_STYLES", "describe", "independent", "write"]

MAX_STYLES = 10

_INDEPENDENT = ("uroman", "icu", "anyascii")
_ACCEPTED = (
    "accepted is AUTHOR[:STYLES][+MODIFIER=RATE]…: AUTHOR channel, uroman, icu, anyascii, pypinyin, keyboard "
    f"or MODULE:FUNCTION; STYLES 1 to {MAX_STYLES}; MODIFIER switch, vowels or typos, once each; RATE 0 to 1"
)

_Author = Callable[[str, str | None, int], str]
"""What writes native words, spaces between, of a language (a code, or None if unknown) with a seed."""


def write(
    spec: str, queries: Mapping[str, str], language: str | Mapping[str, str | None] | None, seed: int = 0
) -> LatinQueries:
    """Native queries (id → text) in that author's Latin; `language` is that of all, or query id → code.

    A query's wordings depend on its id and text, the spec and the seed, not on other queries; the same
    author's with noise are these, changed. Queries that the author can write nothing of are left out, and a
    note counts them. Raises GapError for a spec that is none, a language the author does not write or a
    function that fails, and MissingExtraError.
    """
    plan = _parse(spec)
    texts: dict[str, tuple[str, ...]] = {}
    refused = same = 0
    for id, native in queries.items():
        code = language.get(id) if isinstance(language, Mapping) else language
        words = _words(native)
        wordings = [
            _wording(plan, words, code, partial(_rng, seed, id, style)) for style in range(plan.styles)
        ]
        written = [wording for wording in wordings if any(word.form == "latin" for word in wording)]
        if written:
            texts[id] = tuple(" ".join(word.text for word in wording) for wording in written)
            refused += any(word.form == "refused" for wording in written for word in wording)
            same += all(text.terms(wording) == text.terms(native) for wording in texts[id])
    notes = []
    if left_out := len(queries) - len(texts):
        notes.append(f"{spec}: {left_out} of {len(queries)} queries left out: it can write nothing of them")
    if refused:
        notes.append(f"{spec}: {refused} of {len(queries)} queries keep native words that it cannot write")
    if same:
        notes.append(f"{spec}: {same} of {len(queries)} queries come out as they are in native script")
    return LatinQueries(spec, texts, tuple(notes))


def _rng(seed: int, id: str, style: int, purpose: str) -> random.Random:
    return random.Random(f"{seed} {purpose} {style} {id}")


def independent() -> tuple[str, ...]:
    """The installed romanizers of any script that know nothing of the channels: the meter's own choice."""
    return tuple(name for name in _INDEPENDENT if find_spec(name))


def describe(spec: str) -> str:
    """One line: who that is, which version, with which parameters."""
    plan = _parse(spec)
    wordings = [f"{plan.styles} wordings of each query"] if plan.styles > 1 else []
    changes = [_MODIFIERS[name].format(rate) for name, rate in plan.rates.items()]
    return ", ".join([_described(plan.author), *wordings, *changes])


# ── specs ───────────────────────────────────────────────────────────────────────────────────────────────────

_MODIFIERS = {
    "switch": "words left in native script at rate {:g}",
    "vowels": "vowels dropped at rate {:g}",
    "typos": f"a slip in words of {noise.MIN_LETTERS} letters or more at rate {{:g}}",
}


@dataclass(frozen=True, slots=True)
class _Plan:
    """A spec, parsed; `rates` has its modifiers in the order of `_MODIFIERS`, in which they happen."""

    author: str
    write: _Author
    styles: int
    rates: Mapping[str, float]


def _parse(spec: str) -> _Plan:
    name, *modifiers = spec.strip().split("+")
    author, _, styles = name.partition(":")
    if author not in _AUTHORS:
        if not author or not styles:
            raise GapError(f"author {spec!r}: no such author; {_ACCEPTED}")
        author, styles = name, ""
    return _Plan(
        author,
        _AUTHORS.get(author) or _function(author),
        _styles(spec, author, styles or "1", bool(modifiers)),
        _rates(spec, modifiers),
    )


def _styles(spec: str, author: str, styles: str, modified: bool) -> int:
    if not (styles.isdecimal() and 1 <= int(styles) <= MAX_STYLES):
        raise GapError(f"author {spec!r}: STYLES {styles!r}; {_ACCEPTED}")
    if int(styles) > 1 and author != "channel" and not modified:
        raise GapError(
            f"author {spec!r}: {author} writes a query in one way; several need channel or a modifier"
        )
    return int(styles)


def _rates(spec: str, modifiers: Sequence[str]) -> dict[str, float]:
    rates: dict[str, float] = {}
    for modifier in modifiers:
        name, _, value = modifier.partition("=")
        try:
            rate = float(value)
        except ValueError:
            rate = -1
        if name not in _MODIFIERS or name in rates or not 0 <= rate <= 1:
            raise GapError(f"author {spec!r}: modifier {modifier!r}; {_ACCEPTED}")
        rates[name] = rate
    return {name: rates[name] for name in _MODIFIERS if name in rates}


# ── one wording ─────────────────────────────────────────────────────────────────────────────────────────────


class _Word(NamedTuple):
    """A word as it stands in a wording; `form` says who has it so."""

    text: str
    form: Literal["latin", "native", "switched", "refused"]


def _words(query: str) -> list[_Word]:
    """A query's words: those of Latin letters or digits as they are compared, native ones as they came."""
    return [
        _Word(token.text, "latin")
        if _is_latin(token.text)
        else _Word(query[token.start : token.end].lower(), "native")
        for token in text.tokenize(query)
    ]


def _is_latin(word: str) -> bool:
    return word.isascii() or text.script_of(word) in ("Latn", "Zyyy")


def _wording(
    plan: _Plan, words: Sequence[_Word], language: str | None, rng: Callable[[str], random.Random]
) -> list[_Word]:
    """The words in Latin letters, but for the switched ones and those that the author refused.

    `rng` gives the generator for each purpose. Native words that stand together are written in one piece, as
    an author may look at what is beside a word.
    """
    words = list(words)
    native = [at for at, word in enumerate(words) if word.form == "native"]
    stays = noise.switched(native, plan.rates.get("switch", 0.0), rng("switch"))
    for at in compress(native, stays):
        words[at] = words[at]._replace(form="switched")
    draws, wording = rng(plan.author), list[_Word]()
    for form, run in groupby(words, key=lambda word: word.form):
        if form == "native":
            written = plan.write(" ".join(word.text for word in run), language, draws.getrandbits(32))
            wording += [_Word(word, "latin" if _is_latin(word) else "refused") for word in written.split()]
        else:
            wording += run
    for name, change in (("vowels", noise.drop_vowels), ("typos", noise.typos)):
        if rate := plan.rates.get(name):
            draws = rng(name)
            wording = [
                word._replace(text=change(word.text, rate, draws)) if word.form == "latin" else word
                for word in wording
            ]
    return wording


# ── authors ─────────────────────────────────────────────────────────────────────────────────────────────────

_NO_MARKS = str.maketrans("", "", '"ʺ')  # how romanizers write ъ; to the tokenizer, the end of a word


def _as_typed(author: _Author) -> _Author:
    """The author, with what comes out as plain words: lowercase, base letters, no punctuation."""

    def write(native: str, language: str | None, seed: int) -> str:
        return " ".join(text.terms(author(native, language, seed).translate(_NO_MARKS)))

    return write


def _channel(native: str, language: str | None, seed: int) -> str:
    if language is None:
        raise GapError(f"author channel: the language of {native!r} is not known; uroman needs none")
    try:
        return romanize(native, language, seed=seed)[0]
    except (LanguageError, ChannelError) as error:
        raise GapError(f"author channel: no channel for {native!r}: {error}") from error


# uroman's rules for single languages go by ISO 639-3; these are those that it has rules for.
_UROMAN_CODES = {
    **{
        "ar": "ara",
        "be": "bel",
        "bg": "bul",
        "el": "ell",
        "fa": "fas",
        "kk": "kaz",
        "ky": "kir",
        "mk": "mkd",
    },
    **{"os": "oss", "ps": "pus", "ru": "rus", "sr": "srp", "ug": "uig", "uk": "ukr", "yi": "yid"},
}


def _uroman(native: str, language: str | None, seed: int) -> str:
    romanized: str = _uroman_tables().romanize_string(
        native, lcode=_UROMAN_CODES.get(language or "", language)
    )
    return romanized


@cache
def _uroman_tables() -> Any:
    return _module("uroman").Uroman()  # takes two seconds


def _icu(native: str, language: str | None, seed: int) -> str:
    romanized: str = _icu_transform().transliterate(native)
    return romanized


@cache
def _icu_transform() -> Any:
    return _module("icu").Transliterator.createInstance("Any-Latin; Latin-ASCII; Lower")


def _anyascii(native: str, language: str | None, seed: int) -> str:
    romanized: str = _module("anyascii").anyascii(native)
    return romanized


def _pypinyin(native: str, language: str | None, seed: int) -> str:
    if language is None or language.split("-")[0] not in ("zh", "zho", "cmn"):
        raise GapError(f"author pypinyin: writes Chinese (zh); the language of {native!r} is {language}")
    return " ".join(_module("pypinyin").lazy_pinyin(native))


def _keyboard(native: str, language: str | None, seed: int) -> str:
    typist = keyboards.layout(language) if language else None
    if typist is None:
        known = ", ".join(code for code in languages.codes() if languages.load(code).keyboard)
        raise GapError(f"author keyboard: no layout for {language} ({native!r}); known: {known}")
    return " ".join(typist.keys(word) for word in native.split())


@cache
def _function(name: str) -> _Author:
    """A Python function by MODULE:NAME, found in the working directory too."""
    function = imported(name, GapError)
    try:
        parameters = inspect.signature(function).parameters.values()
    except Exception as error:
        raise GapError(f"author {name!r}: {described(function)} cannot be called with a text") from error
    required = [
        p
        for p in parameters
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]

    def write(native: str, language: str | None, seed: int) -> str:
        with foreign(lambda why: GapError(f"author {name!r} failed on {native!r}: {raised(why)}")):
            romanized = function(*(native, language)[: len(required) or 1])
        if not isinstance(romanized, str):
            raise GapError(f"author {name!r}: a str is wanted for {native!r}; got {described(romanized)}")
        return romanized

    return _as_typed(write)


def _module(name: str) -> Any:
    if name in ("uroman", "icu", "anyascii"):
        return extras.load(name, "gap")
    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise MissingExtraError(f"{name} is needed: pip install {name}") from None


_AUTHORS: dict[str, _Author] = {
    "channel": _as_typed(_channel),
    "uroman": _as_typed(_uroman),
    "icu": _as_typed(_icu),
    "anyascii": _as_typed(_anyascii),
    "pypinyin": _as_typed(_pypinyin),
    "keyboard": _keyboard,
}


def _described(author: str) -> str:
    match author:
        case "channel":
            return f"scriptbridge {__version__}'s own channel, sampled"
        case "keyboard":
            return "keys of a US keyboard, pressed as on the language's own"
        case "icu":
            return f"ICU {_module('icu').ICU_VERSION} Any-Latin; Latin-ASCII"
        case "uroman" | "anyascii" | "pypinyin":
            _module(author)
            return f"{author} {version(author)}"
    return f"the Python function {author}"
