"""Keyboard layouts: which keys a native word takes, and what keys type on another layout than was meant.

Someone who forgets to switch types ``ghbdtn`` for привет, or руддщ for hello. A language's layout is in its
TOML file. Layouts have letters on punctuation keys (``k.,jdm`` is любовь), at which `text.tokenize` cuts, so
the text as it was typed is read, not its tokens.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate, chain
from typing import NamedTuple
from unicodedata import normalize as unicode_normalize

from scriptbridge import hangul, languages, text
from scriptbridge.lexicon import Lexicon
from scriptbridge.types import Token

__all__ = ["Keyboards", "Layout", "Pressed", "Typed", "layout"]

_SHIFTED = dict(
    zip('~{}|:"<>', "`[]\\;',.", strict=True)
)  # on a US keyboard: its letters' capitals elsewhere
_DEAD_KEY = re.compile(r"([\u0300-\u036f])(.)", re.DOTALL)
SHORTEST = 3  # letters of a native word that may be a Latin one; a shorter one is soon a term by chance
MAX_TYPED = 64  # characters without a space between that are read as keys ...
MAX_UNSPACED = 512  # ... of a language that is written without spaces


class Pressed(NamedTuple):
    """The words that ``query[start:end]``, in which the tokens from `first` to `last` stand, is elsewhere.

    Several where they are written without spaces.
    """

    first: int
    last: int  # the token after it
    start: int
    end: int
    words: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Layout:
    """A language's keyboard: what each key types, keys named by what they type on a US one."""

    language: str
    keyboard: Mapping[str, str]
    spaced: bool = True

    # ---- native → keys

    def keys(self, word: str) -> str:
        """The keys of a native word; a letter without any is left out."""
        word = hangul.decomposed(word) if self._types_jamo else unicode_normalize("NFD", word)
        keys = self._key_of
        longest = max(map(len, keys))
        pressed: list[str] = []
        at = 0
        while at < len(word):
            length = next((n for n in range(longest, 0, -1) if word[at : at + n] in keys), 1)
            native = word[at : at + length]
            key = keys.get(native) or keys.get(text.normalize(native)) or (native if native.isascii() else "")
            if "\u0300" <= native <= "\u036f" and pressed:
                pressed[-1] = key + pressed[-1]  # a dead key comes before its letter
            else:
                pressed.append(key)
            at += length
        return "".join(pressed)

    @cached_property
    def _key_of(self) -> dict[str, str]:
        """What the keyboard types, decomposed → the key for it, the first one where several do.

        What is several letters (Arabic لا) has a key of its own only where one of the letters has none. A
        letter without a key is typed as one that is the same in normalised form: ه on a keyboard that has
        only ہ; but Armenian եւ as its two letters, not on the key of և.
        """
        single = {native for native in self.keyboard.values() if len(native) == 1}
        typed = {
            key: native
            for key, native in self.keyboard.items()
            if sum(map(str.isalpha, native)) < 2 or not single.issuperset(native)
        }
        keys: dict[str, str] = {}
        for form in (lambda native: unicode_normalize("NFD", native), text.normalize):
            for key, native in typed.items():
                written = form(native)
                if sum(map(str.isalpha, written)) < 2 or not keys.keys() >= set(written):
                    keys.setdefault(written, key)
        keys.pop("", None)  # the normalised form of vowel points
        return keys

    # ---- keys that were pressed on the wrong layout

    def native(self, keys: str) -> str:
        """What keys of a US keyboard type here: ``ghbdtn`` → привет. Dead keys' accents follow letters."""
        if self._types_jamo:
            return hangul.composed(self._here.typed(keys))
        return unicode_normalize("NFC", _DEAD_KEY.sub(r"\2\1", self._here.typed(keys)))

    def latin(self, typed: str) -> str:
        """What was typed here, on the same keys of a US keyboard: руддщ → ``hello``."""
        return self._there.typed(hangul.decomposed(typed) if self._types_jamo else typed)

    def read(self, typed: str, tokens: Sequence[Token], segmenter: str | None = None) -> Iterator[Pressed]:
        """What text typed in Latin letters gives here, each word with and without what is at its ends."""
        longest = MAX_TYPED if self.spaced else MAX_UNSPACED
        return self._here.read(typed, tokens, self.native, segmenter, longest)

    def read_back(self, typed: str, tokens: Sequence[Token]) -> Iterator[Pressed]:
        """What text typed here gives in Latin letters."""
        return self._there.read(typed, tokens, self.latin, None, MAX_TYPED)

    @cached_property
    def _types_jamo(self) -> bool:
        return any(map(hangul.is_jamo, self.keyboard.values()))

    @cached_property
    def _here(self) -> _Keys:
        keys = {key: to for key, to in self.keyboard.items() if len(key) == 1 or not self._types_jamo}
        unshifted = _SHIFTED | dict(zip(string.ascii_uppercase, string.ascii_lowercase, strict=True))
        for capital, key in unshifted.items():
            native = keys.get(key)
            if native and (capital.isalpha() or native.upper() != native):
                keys.setdefault(capital, native)
        return _Keys(keys)

    @cached_property
    def _there(self) -> _Keys:
        keys: dict[str, str] = {}
        for key, native in self.keyboard.items():
            if len(key) == 1 and key in string.ascii_lowercase + string.digits:
                keys.setdefault(native, key)
                if len(native.upper()) == 1:
                    keys.setdefault(native.upper(), key)
        return _Keys(keys)


class _Keys:
    """What is typed with one layout → what it would be with another."""

    def __init__(self, typed: Mapping[str, str]) -> None:
        self._table = str.maketrans({key: to for key, to in typed.items() if len(key) == 1})
        longer = sorted((key for key in typed if len(key) > 1), key=len, reverse=True)
        self._longer = re.compile("|".join(map(re.escape, longer))) if longer else None
        self._typed = typed
        keys = {re.escape(character) for key in typed for character in key}
        self._run = re.compile(f"[{''.join(sorted(keys))}]+") if keys else None

    def typed(self, keys: str) -> str:
        if self._longer:
            keys = self._longer.sub(lambda match: self._typed[match[0]], keys)
        return keys.translate(self._table)

    def read(
        self,
        typed: str,
        tokens: Sequence[Token],
        to: Callable[[str], str],
        segmenter: str | None,
        longest: int,
    ) -> Iterator[Pressed]:
        """Every word that whole tokens give together with the characters between and beside them, of at most
        `longest` characters without a space between.
        """
        first = 0
        for run in self._run.finditer(typed) if self._run else ():
            while first < len(tokens) and tokens[first].end <= run.start():
                first += 1
            last = first
            while last < len(tokens) and tokens[last].start < run.end():
                last += 1
            if (
                first == last
                or tokens[first].start < run.start()
                or tokens[last - 1].end > run.end()
                or run.end() - run.start() > longest
            ):
                continue
            inner = (tokens[first].start, tokens[last - 1].end)
            starts, ends = {run.start(): None, inner[0]: None}, {run.end(): None, inner[1]: None}
            for start in starts:
                for end in ends:
                    meant = to(typed[start:end])
                    found = text.tokenize(meant, segmenter)
                    # A vowel sign that follows no letter, say, is in no word: nobody types that.
                    if found and (found[0].start, found[-1].end) == (0, len(meant)):
                        yield Pressed(first, last, start, end, tuple(token.text for token in found))


@cache
def layout(code: str, name: str = "") -> Layout | None:
    """The keyboard of a shipped language, or another one by `name`; None where its file has none."""
    language = languages.load(code) if code in languages.codes() else None
    keyboard = language and (language.keyboards.get(name) if name else language.keyboard)
    return Layout(code, keyboard, language.spaced) if language and keyboard else None


class Typed(NamedTuple):
    """The same as terms of a lexicon, each with its place in the query, and the layout's number."""

    first: int
    last: int
    start: int
    end: int
    terms: tuple[tuple[int, int, int], ...]  # start, end, term
    layout: int

    def recuts(self, tokens: Sequence[Token]) -> bool:
        """Whether it is something else than one token as it stands."""
        token = tokens[self.first]
        return (self.start, self.end) != (token.start, token.end) or len(self.terms) > 1


class Keyboards:
    """The layouts of several languages over one lexicon, numbered from `first`."""

    def __init__(
        self, lexicon: Lexicon, layouts: Iterable[Layout], segmenter: str | None = None, first: int = 0
    ) -> None:
        self._lexicon = lexicon
        self._layouts = list(enumerate(layouts, first))
        self._segmenter = segmenter

    def read(self, query: str, tokens: Sequence[Token], latin: bool) -> list[Typed]:
        """What Latin tokens give on other layouts, if wanted, and native ones on a Latin layout.

        Native ones only where the lexicon holds none of them: nobody switches layouts within a query. Of what
        the same tokens give with and without the signs beside them, the longest word.
        """
        native = {at for at, token in enumerate(tokens) if token.script not in ("Latn", "Zyyy")}
        wanted = {at for at, token in enumerate(tokens) if latin and token.script == "Latn"}
        known = any(tokens[at].text in self._lexicon for at in native)
        lost = set() if known else {at for at in native if len(tokens[at].text) >= SHORTEST}
        found: dict[tuple[int, int, int], Typed] = {}
        for number, layout in self._layouts if wanted or lost else ():
            here = layout.read(query, tokens, self._segmenter) if wanted else ()
            there = layout.read_back(query, tokens) if lost else ()
            for each in chain(
                (word for word in here if not wanted.isdisjoint(range(word.first, word.last))),
                (word for word in there if lost.issuperset(range(word.first, word.last))),
            ):
                key = (each.first, each.last, number)
                if key not in found and (terms := self._placed(each, layout)):
                    found[key] = Typed(*each[:4], terms, number)
        return list(found.values())

    def begun(self, typed: str) -> Iterator[tuple[int, str]]:
        """What the keys after the last space are on other layouts: its number, a word's beginning."""
        keys = typed.split()[-1]
        for number, layout in self._layouts if len(keys) <= MAX_TYPED else ():
            meant = layout.native(keys)
            tokens = text.tokenize(meant, self._segmenter)
            if len(tokens) == 1 and (tokens[0].start, tokens[0].end) == (0, len(meant)):
                yield number, tokens[0].text

    def _placed(self, pressed: Pressed, layout: Layout) -> tuple[tuple[int, int, int], ...]:
        """The terms with the places of their keys; none where a word is no term or its keys are not known."""
        terms = [self._lexicon.find(word) for word in pressed.words]
        if len(terms) == 1:
            return tuple((pressed.start, pressed.end, term) for term in terms if term is not None)
        ends = [*accumulate(len(layout.keys(word)) for word in pressed.words)]
        if None in terms or ends[-1] != pressed.end - pressed.start:
            return ()
        starts = [0, *ends]
        at = pressed.start
        return tuple(
            (at + start, at + end, term)
            for start, end, term in zip(starts, ends, terms, strict=False)
            if term is not None
        )
