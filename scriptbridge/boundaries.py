"""Where words begin and end: words that were run together are cut, words that were split are joined.

Latin tokens side by side are one string of letters with marks where the user put spaces. A *part* is a
stretch of it that one term explains, a *path* parts end to end. The path that explains the letters best gives
the words:

    score(path) = Σ (weight of the part's best term - weight of all terms) - Σ cost of a mark left out

in natural logs. The weight of all terms is what a cut costs: in a lexicon of a million terms some that
explain four letters each are always found. A typed token may also be a word that no term explains, at
`UNKNOWN` a letter.

An ordinary query has no path but the typed one: only tokens that nothing explains well are cut, and only
tokens side by side that explain little together are joined. Where a language is written without spaces, a
mark says little, and every stretch is read so, but for what is inside a token that a term explains as well as
any two could; it says little, too, after an article or preposition that the language's own script attaches to
the next word (el beit), and a hyphen where those part syllables (seo-ul).
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations, pairwise
from typing import Protocol

from . import sounds
from .channel import encode_latin
from .decoding import LEAST_SHARE, PART_BUDGET, Decoder
from .lexicon import Lexicon
from .text import script_of
from .types import Token
from .weights import itself, own

__all__ = ["HYPHENS", "ChannelReader", "Reader", "attached", "best_path", "recut"]

# Of development queries with spaces dropped and put in. JOIN and UNKNOWN are of a small grid (`python -m
# benchmarks.boundaries --fit`), whose best is within noise of them, and err on the side of what was typed;
# all others were tried by hand (docs/experiments.md).
JOIN = 6.0  # -ln P(a space is typed inside a word)
UNSPACED_JOIN = 2.0  # the same where words have no spaces between them in print
ATTACHED_JOIN = 3.0  # the same after what is attached in print to a word ...
HYPHENS = frozenset("-\u2010\u2011")  # and those that look the same
SYLLABLES = 6  # with hyphens between them that are tried as one word; the hyphens cost nothing
SHORT = 3  # ... of at least so many letters
APART = 0.05  # of the words that begin so: an article that documents print apart more often is a word there
UNKNOWN = -1.1  # weight of a letter that no term explains
LONG = 10  # letters; words that no term explains are seldom longer ...
TOO_LONG = -2.0  # ... and each further letter weighs so much besides
INITIALS = 4  # letters without a vowel are hardly a word where words are typed by their initials ...
NO_VOWEL = -4.0  # ... and weigh so much less each: they are those of several words, if anything (bjdx)
VOWELS = frozenset("aeiouv")  # of pinyin
POOR = -0.8  # weight of a letter that a term explains badly: such a token may be cut
TOGETHER = -3.0  # more than poorly, in all: two tokens that are explained better are not joined

LETTERS = 200  # of a query that are looked at
MOST = 3  # tokens that one word was split into, unless one of them is explained badly


class Reader(Protocol):
    """What a language's channel and a lexicon say of letters. Weights are natural logs."""

    @property
    def spaced(self) -> bool:
        """Whether the language is written with spaces between words."""

    @property
    def initials(self) -> bool:
        """Whether words are typed by their syllables' first letters, too."""

    @property
    def total(self) -> float:
        """The weight of all terms, before anything is typed."""

    @property
    def most(self) -> float:
        """The weight of the most frequent term, before anything is typed."""

    def readable(self, token: Token) -> bool:
        """Whether the token is one that may be cut or joined."""

    def letters(self, token: Token) -> str:
        """What of the token is letters of words: without tones' digits, or marks between syllables."""

    def hyphenated(self, first: Token, second: Token) -> bool:
        """Whether all that parts these tokens is a hyphen, and that may stand between a word's syllables."""

    def attached(self, token: Token) -> bool:
        """Whether the token may be what print attaches to the next word."""

    def instead(self, token: Token) -> str:
        """What is attached more often than what the token may be, but for what comes before: el for bel."""

    def word(self, letters: str, least: float = -math.inf) -> float:
        """The weight of the best term that letters may mean; maybe -inf where that is not above `least`."""

    def parts(
        self, letters: str, words: Iterable[tuple[int, int]], within: Iterable[int]
    ) -> dict[tuple[int, int], float]:
        """The weight of the best term that letters[start:end] may mean, where there is one.

        Parts begin where others end, or one of `words`, which are parts whatever they mean; none begins or
        ends at the places `within`.
        """


@dataclass(frozen=True)
class ChannelReader:
    """What a channel says of letters, and a lexicon of Latin terms.

    `known` are the weights of the best terms that typed tokens may mean, in any language, or be; `attaches`
    is of `attached`, `total` of `weights.total`, `most` of `weights.most`; `query` is what was typed, ""
    where only its tokens are known.
    """

    decoder: Decoder
    attaches: Mapping[str, str]
    total: float
    most: float
    known: Mapping[str, float]
    query: str

    @property
    def spaced(self) -> bool:
        return self.decoder.channel.typing.spaced

    @property
    def initials(self) -> bool:
        return sounds.has_short(self.decoder.channel.sounds)

    def readable(self, token: Token) -> bool:
        return token.script == "Latn" and encode_latin(token.text) is not None

    def letters(self, token: Token) -> str:
        heard = sounds.typed(self.decoder.channel.sounds, token.text)
        return heard if self.spaced else heard.replace("'", "")  # a mark between syllables, as spaces are

    def hyphenated(self, first: Token, second: Token) -> bool:
        return self.query[first.end : second.start] in HYPHENS and bool(self.decoder.channel.sounds)

    def attached(self, token: Token) -> bool:
        return token.text in self.attaches

    def instead(self, token: Token) -> str:
        return self.attaches.get(token.text, "")

    def word(self, letters: str, least: float = -math.inf) -> float:
        best = self.known.get(letters)
        if best is None:
            enough = LEAST_SHARE * math.exp(least)  # near `least` itself a better term may be missed
            best = self.decoder.terms(letters, 1, PART_BUDGET, enough).best
            best = max(best, itself(self.decoder.lexicon, letters))
        return math.log(best) if best > 0 else -math.inf

    def parts(
        self, letters: str, words: Iterable[tuple[int, int]], within: Iterable[int]
    ) -> dict[tuple[int, int], float]:
        lexicon, within = self.decoder.lexicon, frozenset(within)
        as_typed = {
            (start, end): own(lexicon, letters[start:end], term)
            for start, end, term in lexicon.within(letters)
            if (end - start > 1 or letters[start].isdigit()) and within.isdisjoint((start, end))
        }
        found = self.decoder.parts(letters, as_typed.keys() | set(words), within)
        for place, weight in as_typed.items():
            found[place] = max(math.log(weight), found.get(place, -math.inf))
        return found


@dataclass(frozen=True, slots=True)
class _Word:
    """A typed token: its letters, how much its best term weighs, or that it has none, and how much more that
    is than poor.
    """

    token: Token
    letters: str
    weight: float
    spare: float
    badly: bool  # explained


def recut(tokens: Sequence[Token], reader: Reader) -> list[Token]:
    """The tokens, cut and joined where that explains them better; all offsets are those of the source."""
    words: list[Token] = []
    left = LETTERS
    for run in _runs(tokens, reader):
        path: Sequence[Token] = [word.token for word in run]
        if len(run) > 1 or run[0].badly:
            letters = "".join(word.letters for word in run)
            if len(letters) <= left and (parts := _parts(run, letters, reader)):
                left -= len(letters)
                path = _path(run, letters, parts, reader)
        words += path
    return _attached_otherwise(words, reader)


def _attached_otherwise(words: list[Token], reader: Reader) -> list[Token]:
    """Where no document attaches a preposition and article to a word, but some the article, that: bel beit is
    البيت where there is no بالبيت.
    """
    at = 0
    while at + 1 < len(words):
        first, second = words[at : at + 2]
        beside = second.start - first.end <= 1 and len(second.text) >= SHORT
        if beside and (article := reader.instead(first)) and reader.readable(second):
            apart = _word(first, reader).weight + _word(second, reader).weight - reader.total
            form = article + second.text
            if reader.word(form) > apart + JOIN:
                words[at : at + 2] = [Token(form, first.start, second.end, second.script)]
        at += 1
    return words


def attached(spellings: Mapping[str, Sequence[str]], lexicon: Lexicon) -> dict[str, str]:
    """The spellings of what words of the lexicon begin with, but is seldom a word of its own.

    With each, the first spelling of what ends alike, is no longer and is attached more often: al for bal, bel
    and lil; "" where there is none.
    """
    often: dict[str, int] = {}
    for form in spellings:
        begin, end = bisect_left(lexicon, form), bisect_left(lexicon, form + chr(sys.maxunicode))
        alone = lexicon.find(form)
        apart = 0 if alone is None else int(lexicon.df[alone])
        within = int(lexicon.df[begin:end].sum(dtype=int))
        if apart <= APART * within:
            often[form] = within
    found: dict[str, str] = {}
    for form in often:
        alike = [other for other in often if other[-1] == form[-1] and len(other) <= len(form)]
        best = max(alike, key=lambda other: often[other])
        found.update(dict.fromkeys(spellings[form], "" if often[best] == often[form] else spellings[best][0]))
    return found


def _runs(tokens: Sequence[Token], reader: Reader) -> Iterator[list[_Word]]:
    """Tokens that stand side by side and may be one word or several, the others one by one."""
    run: list[_Word] = []
    for word in (_word(token, reader) for token in tokens):
        if run and not _together(run[-1], word, reader):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _word(token: Token, reader: Reader) -> _Word:
    if not reader.readable(token):
        return _Word(token, token.text, 0.0, math.inf, badly=False)
    letters = reader.letters(token)
    size = len(letters)
    known = reader.word(token.text)
    weight = max(known, _unknown(letters, reader))
    return _Word(token, letters, weight, weight - POOR * size, not reader.spaced or known < POOR * size)


def _unknown(letters: str, reader: Reader) -> float:
    """The weight of letters that no term explains."""
    size = len(letters)
    initials = reader.initials and size >= INITIALS and VOWELS.isdisjoint(letters)
    return UNKNOWN * size + TOO_LONG * max(0, size - LONG) + (NO_VOWEL * size if initials else 0.0)


def _together(first: _Word, second: _Word, reader: Reader) -> bool:
    if second.token.start - first.token.end > 1 or math.inf in (first.spare, second.spare):
        return False
    if not reader.spaced or _attached(first, second, reader) or reader.hyphenated(first.token, second.token):
        return True
    return first.spare + second.spare - reader.total < TOGETHER


def _attached(first: _Word, second: _Word, reader: Reader) -> bool:
    """Whether the first may be what print attaches to the second."""
    whole = len(second.token.text) >= SHORT or reader.attached(second.token)
    return whole and reader.attached(first.token)


def _syllables(run: Sequence[_Word], reader: Reader) -> bool:
    """Whether hyphens part all of these tokens."""
    return all(reader.hyphenated(first.token, second.token) for first, second in pairwise(run))


def _join(first: _Word, second: _Word, reader: Reader) -> float:
    """The cost of leaving out the mark between two tokens."""
    if reader.hyphenated(first.token, second.token):
        return 0.0
    if not reader.spaced:
        return UNSPACED_JOIN
    return ATTACHED_JOIN if _attached(first, second, reader) else JOIN


def _parts(run: Sequence[_Word], letters: str, reader: Reader) -> dict[tuple[int, int], float]:
    """What a run may consist of beside its tokens."""
    ends = [0, *accumulate(len(word.letters) for word in run)]
    if any(word.badly for word in run):
        enough = 2 * reader.most - reader.total  # two words at best explain as much: not to be cut
        within = [
            place
            for word, (start, end) in zip(run, pairwise(ends), strict=True)
            if word.weight > enough
            for place in range(start + 1, end)
        ]
        return reader.parts(letters, pairwise(ends), within)
    found = {}
    for first, last in combinations(range(len(run) + 1), 2):
        if 2 <= last - first <= (SYLLABLES if _syllables(run[first:last], reader) else MOST):
            least = math.fsum(word.weight - reader.total for word in run[first:last]) + reader.total
            least += math.fsum(_join(*pair, reader) for pair in pairwise(run[first:last]))
            weight = reader.word(letters[ends[first] : ends[last]], least)
            if weight > least:
                found[ends[first], ends[last]] = weight
    return found


def _path(
    run: Sequence[_Word], letters: str, parts: Mapping[tuple[int, int], float], reader: Reader
) -> list[Token]:
    """The words of the path that explains a run best."""
    ends = list(accumulate(len(word.letters) for word in run))
    typed = dict(zip(pairwise([0, *ends]), run, strict=True))
    begins_at, ends_at = _offsets(run)
    weights = {
        (start, end): weight - reader.total
        for (start, end), weight in parts.items()
        if begins_at[start] is not None and ends_at[end] is not None
    }
    for place, word in typed.items():
        weights[place] = max(word.weight - reader.total, weights.get(place, -math.inf))
    words = []
    marks = {end: _join(*pair, reader) for end, pair in zip(ends, pairwise(run), strict=False)}
    for start, end in best_path(len(letters), weights, marks):
        from_, to = begins_at[start], ends_at[end]
        if (start, end) in typed:
            words.append(typed[start, end].token)
        elif from_ is not None and to is not None:
            form = letters[start:end]
            words.append(Token(form, from_, to, script_of(form)))
    return words


def _offsets(run: Sequence[_Word]) -> tuple[list[int | None], list[int | None]]:
    """Where in the source a word begins, and ends, at each place between the run's letters.

    None inside a token whose normal form has more or fewer letters than it was typed with. What is no letter
    of a word (the 3 of bei3) belongs to the one before.
    """
    begins: list[int | None] = []
    ends: list[int | None] = [None]
    for word in run:
        token = word.token
        inside: list[int | None] = [None] * (len(word.letters) - 1)
        if token.end - token.start == len(token.text):
            inside = [token.start + place for place in _places(word.letters, token.text)[1:]]
        begins += [token.start, *inside]
        ends += [*inside, token.end]
    return [*begins, None], ends


def _places(letters: str, typed: str) -> list[int]:
    """Where the letters stand in what was typed, of which some may be left out."""
    if len(letters) == len(typed):
        return list(range(len(typed)))
    places: list[int] = []
    for letter in letters:
        places.append(typed.index(letter, places[-1] + 1 if places else 0))
    return places


def best_path(
    length: int, weights: Mapping[tuple[int, int], float], marks: Mapping[int, float]
) -> list[tuple[int, int]]:
    """The parts (start, end) of the heaviest path from 0 to `length`; empty where there is none.

    A path loses what each mark inside a part costs.
    """
    before = [0.0, *accumulate(marks.get(place, 0.0) for place in range(length + 1))]  # of each place
    best = [0.0] + [-math.inf] * length
    came = [0] * (length + 1)
    for (start, end), weight in sorted(weights.items()):
        score = best[start] + weight - (before[end] - before[start + 1])
        if score > best[end]:
            best[end], came[end] = score, start
    path: list[tuple[int, int]] = []
    at = length
    while at > 0 and best[length] > -math.inf:
        path.append((came[at], at))
        at = came[at]
    return path[::-1]
