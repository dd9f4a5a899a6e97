"""What the words of a language sound like, where its script doesn't spell that out letter by letter.

The words of a language whose file says ``sounds = "bopomofo"`` are turned into *forms* by the module of that
name in this folder: strings in the file's `letters`, which its channel reads. The module has one function,

    spoken(term: str) -> list[str]

the forms of a normalised term, likeliest first, at most `MAX_FORMS`; none for what it cannot say. A term that
is written in those letters already is its own form. What needs a package raises MissingExtraError
(`scriptbridge.extras.load`) and names the distributions whose dictionaries tell in `DICTIONARIES`.
It may have three more functions:

    short(term: str) -> str     a form that people seldom type instead, such as first letters; "" for none
    typed(token: str) -> str    what of a Latin token is sound: without tones' digits
    written(term: str) -> str   what words have in common that are one word in two ways of writing

One that can say nothing but whole words, not the n-grams that text without spaces is cut into where ICU is
missing (`scriptbridge.segmentation`), says ``WORDS = True``.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import cache, lru_cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from scriptbridge.errors import MissingExtraError

__all__ = [
    "MAX_FORMS",
    "WRITTEN",
    "forms",
    "has_short",
    "missing",
    "modules",
    "of_words",
    "spoken",
    "stamp",
    "typed",
    "written",
]

MAX_FORMS = 4  # of a term
DECAY = 0.3  # a form is so likely next to the one before
SHORT = 0.002  # and a short one next to all
WRITTEN = "\x1f"  # in a lexicon, before a term that is no form of its own; stands in no word


@cache
def modules() -> tuple[str, ...]:
    """The names that `sounds` may have in a language's file."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))


@lru_cache(maxsize=1 << 16)
def spoken(name: str, term: str) -> tuple[tuple[str, float], ...]:
    """The forms of a normalised term by the module of that name, with P(form | term), likeliest first."""
    each = list(dict.fromkeys(_module(name).spoken(term)))[:MAX_FORMS]
    total = sum(DECAY**place for place in range(len(each)))
    return tuple((form, DECAY**place / total) for place, form in enumerate(each))


def typed(name: str, token: str) -> str:
    """What of a normalised Latin token the module's forms can say."""
    read = getattr(_module(name), "typed", None) if name else None
    return str(read(token)) if read else token


@cache
def has_short(name: str) -> bool:
    """Whether the words that the module speaks of have short forms."""
    return bool(name) and hasattr(_module(name), "short")


def written(names: Iterable[str], term: str) -> list[str]:
    """What a term has in common with others that are the same word, written in another way."""
    folds = []
    for name in _given(names):
        if fold := getattr(_module(name), "written", None):
            with suppress(MissingExtraError):  # `scriptbridge.unread` says so
                folds.append(str(fold(term)))
    return folds


def forms(terms: Iterable[str], names: Iterable[str]) -> dict[str, dict[str, float]]:
    """P(form | term) for the terms that have forms, by any of these modules; "" is none.

    What a module lacks a package for has none (see `scriptbridge.unread`).
    """
    found: dict[str, dict[str, float]] = {}
    for name in _given(names):
        for term in terms:
            with suppress(MissingExtraError):
                for form, share in _all_forms(name, term):
                    known = found.setdefault(term, {})
                    known[form] = max(share, known.get(form, 0.0))
    return found


def _all_forms(name: str, term: str) -> list[tuple[str, float]]:
    """Those spoken, the short one, and, behind `WRITTEN`, what is common to all ways of writing the term."""
    each = list(spoken(name, term))
    if each and (short := getattr(_module(name), "short", None)) and (form := short(term)):
        each.append((form, SHORT))
    if each:
        each += [(WRITTEN + fold, 1.0) for fold in written([name], term) if fold != term]
    return each


def stamp(names: Iterable[str]) -> str:
    """What `forms` depends on beside the terms: the modules, which of them lack a package, and the versions
    of their dictionaries.
    """
    return " ".join(f"{name}?" if missing(name) else name + _dictionaries(name) for name in _given(names))


@cache
def _dictionaries(name: str) -> str:
    with suppress(metadata.PackageNotFoundError):  # installed without saying what it is
        return "".join(f"={metadata.version(each)}" for each in getattr(_module(name), "DICTIONARIES", ()))
    return ""


def _given(names: Iterable[str]) -> list[str]:
    return sorted({*names} - {""})


@cache
def missing(name: str) -> str:
    """The extra that a module lacks; "" if none."""
    try:
        _module(name).spoken("")
    except MissingExtraError as error:
        return error.extra
    return ""


def of_words(name: str) -> bool:
    """Whether the module can say nothing but whole words."""
    return bool(getattr(_module(name), "WORDS", False))


@cache
def _module(name: str) -> Any:
    return import_module(f"{__name__}.{name}")
