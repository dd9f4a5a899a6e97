"""A channel: how people write one language in Latin letters.

P(Latin | native) is a multigram model. A word is read from left to right; at each place a *unit* (1–3 native
letters) is written by a *spelling* (0–4 Latin letters), with a probability that depends on the unit and on
the letters beside it:

    P(unit, spelling | left, right)   ←   P(unit, spelling | right)   ←   P(unit, spelling)   ←   the
    language's scheme

each smoothed by the next (Dirichlet prior), estimated by EM from pairs; summed over all segmentations, so
that one object scores, samples and, over a lexicon, decodes. After Bisani & Ney, "Joint-sequence models for
grapheme-to-phoneme conversion" (2008), made conditional. With no pairs the scheme alone speaks.
"""

from __future__ import annotations

import json
import math
import os
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import atomic, kernels, languages, segmentation, sounds, text
from .errors import ChannelError, LanguageError, QueryError

__all__ = ["Channel", "latin_trigrams", "romanize", "trigram_codes"]

MAGIC = b"scriptbridge-channel 1\n"
LATIN = {letter: i for i, letter in enumerate("abcdefghijklmnopqrstuvwxyz0123456789'", start=1)}
NOISE = 2e-4  # probability of one particular slip: a letter too many, too few or wrong
QUANTUM = (
    12.0  # a probability is kept as round(-log2(p) · QUANTUM) in a byte: 2 ** (-255 / 12) = 4e-7 at the least
)

PROBABILITY = np.exp2(np.arange(256) / -QUANTUM)  # by cost

Int = NDArray[np.int64]
_Costs = NDArray[np.uint8]
_BySpelling = tuple[NDArray[np.int32], NDArray[np.uint16], NDArray[np.float64]]
_ByUnit = tuple[NDArray[np.int32], NDArray[np.uint16], _Costs]
_ByContext = tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.int32], NDArray[np.int32]]


@dataclass(frozen=True)
class Channel:
    """P(Latin | native) of one language, as flat arrays; see `kernels` for rows and slots."""

    language: str
    letters: str  # native letters; letter i is letters[i - 1], 0 the word's edge
    units: Int  # keys, letters as digits of base 256
    spellings: Int  # keys, Latin letters as digits of base 64
    rows: Int  # keys, (unit, left, right)
    row_start: NDArray[np.int32]
    slot_spelling: NDArray[np.uint16]
    slot_cost: NDArray[np.uint8]
    trigrams: NDArray[np.uint8]  # cost of a Latin letter after two others, in the language's romanized text
    sources: tuple[str, ...] = ()
    sounds: str = ""  # what turns words into `letters`, see `scriptbridge.sounds`; "" where they are these
    own_typing: languages.Typing | None = None  # None: as the shipped language of that code is typed

    @cached_property
    def typing(self) -> languages.Typing:
        """Whether words are spaced, what is attached to the next one, and the keyboard."""
        if self.own_typing is not None:
            return self.own_typing
        known = self.language in languages.codes()
        return languages.load(self.language).typing if known else languages.Typing()

    @cached_property
    def slot_probability(self) -> NDArray[np.float64]:
        return PROBABILITY[self.slot_cost]

    @cached_property
    def tables(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Hash tables over `units`, `spellings` and `rows`."""
        return (
            kernels.build_table(self.units),
            kernels.build_table(self.spellings),
            kernels.build_table(self.rows),
        )

    @cached_property
    def by_spelling(self) -> _BySpelling:
        """The most that a unit gives each spelling in no particular context, by what the unit begins with:
        (start, beginning, probability), spelling s's from start[s] to start[s + 1].

        A unit begins with its first letter, and one of several letters with its first two: see `beginnings`.
        """
        end = self.row_start[len(self.units)]  # the units' rows without context come first
        letter, pair = self._unit_begins[:, self._slot_unit[:end]]
        several = pair >= 0
        slots = (
            np.append(self.slot_spelling[:end], self.slot_spelling[:end][several]),
            np.append(letter, pair[several]).astype(np.uint16),
            np.append(self.slot_cost[:end], self.slot_cost[:end][several]),
        )
        spelling, beginning, cost = _cheapest(*slots)
        start = np.searchsorted(spelling, np.arange(len(self.spellings) + 1)).astype(np.int32)
        return start, beginning, PROBABILITY[cost]

    @cached_property
    def by_unit(self) -> _ByUnit:
        """The least that each of a unit's spellings costs in any context: (start, spelling, cost), unit u's
        from start[u] to start[u + 1].
        """
        unit, spelling, cost = _cheapest(self._slot_unit, self.slot_spelling, self.slot_cost)
        start = np.searchsorted(unit, np.arange(len(self.units) + 1)).astype(np.int32)
        return start, spelling, cost

    @cached_property
    def by_context(self) -> _ByContext:
        """The rows, for a quick look: (start, right, row, plain).

        Those of unit u after letter l are row[start[i] : start[i + 1]], i = u · letters + l, where `letters`
        counts the edge too, each before the letter `right`. Before any other r it is plain[u, r], the row
        with any letter on the left, or the unit's own. Shape of `plain`: (units, letters).
        """
        letters, units = len(self.letters) + 1, len(self.units)
        unit, left, right = self.rows >> 16, self.rows >> 8 & 255, self.rows & 255
        plain = np.repeat(np.arange(units, dtype=np.int32)[:, None], letters, 1)
        after_any = (left == kernels.ANY) & (right != kernels.ANY)
        plain[unit[after_any], right[after_any]] = np.flatnonzero(after_any)
        row = np.flatnonzero(left != kernels.ANY).astype(np.int32)
        place = unit[row] * letters + left[row]
        row = row[np.argsort(place, kind="stable")]
        start = np.searchsorted(np.sort(place), np.arange(units * letters + 1)).astype(np.int32)
        return start, right[row].astype(np.uint8), row, plain

    @cached_property
    def beginnings(self) -> tuple[NDArray[np.int16], int]:
        """What units begin with: letters by their ids, and pairs of letters by numbers after these.

        (number, count): ``number[a * 256 + b]`` is that of letters a and b, -1 where no unit begins so.
        Shape (65536).
        """
        number = np.full(65536, -1, np.int16)
        pairs = np.unique([key >> 8 if key >= 65536 else key for key in self.units.tolist() if key >= 256])
        count = len(self.letters) + 1 + len(pairs)
        number[pairs.astype(np.int64)] = np.arange(count - len(pairs), count)
        return number, count

    @cached_property
    def _unit_begins(self) -> NDArray[np.int16]:
        """The numbers of each unit's first letter and of its first two, -1 for one letter; (2, units)."""
        keys = self.units
        pair = np.where(keys >= 65536, keys >> 8, keys)
        letter = np.where(pair >= 256, pair >> 8, pair)
        return np.array([letter, np.where(pair >= 256, self.beginnings[0][pair], -1)], np.int16)

    @cached_property
    def _slot_unit(self) -> NDArray[np.uint16]:
        return np.repeat(self.rows >> 16, np.diff(self.row_start)).astype(np.uint16)

    @cached_property
    def letter_ids(self) -> dict[str, int]:
        return {letter: i for i, letter in enumerate(self.letters, start=1)}

    @cached_property
    def latin_spellings(self) -> list[str]:
        return [key_to_latin(key) for key in self.spellings.tolist()]

    def word_rows(self, native: str) -> NDArray[np.int32] | None:
        """Row of every unit of a normalised word, shape (letters, MAX_UNIT); None where it has a letter
        the channel doesn't know.
        """
        try:
            word = np.array([self.letter_ids[letter] for letter in native], np.uint8)
        except KeyError:
            return None
        units, _, rows = self.tables
        return kernels.word_rows(word, units, self.units, rows, self.rows)

    def forms(self, native: str) -> tuple[tuple[str, float], ...]:
        """What a word is in the channel's `letters`, with P(form | word), likeliest first; none where it can
        have none.
        """
        term = text.normalize(native)
        if self.sounds:
            return sounds.spoken(self.sounds, term)
        return ((term, 1.0),)

    def score(self, native: str, latin: str) -> float:
        """log P(latin | native), natural, of one word; -inf where it cannot be."""
        _check_text(native)
        _check_text(latin)
        token = encode_latin(sounds.typed(self.sounds, text.normalize(latin)))
        if token is None:
            return -math.inf
        likelihood = sum(share * self._likelihood(form, token) for form, share in self.forms(native))
        return min(0.0, math.log(likelihood)) if likelihood > 0 else -math.inf  # costs are rounded

    def _likelihood(self, form: str, token: NDArray[np.uint8]) -> float:
        rows = self.word_rows(form)
        if rows is None:
            return 0.0
        spellings = kernels.spelling_ids(token, self.tables[1], self.spellings)
        return kernels.likelihood(
            rows, spellings, self.row_start, self.slot_spelling, self.slot_probability, NOISE
        )

    def sample(self, native: str, n: int = 1, seed: int = 0) -> list[str]:
        """`n` ways a person may write a word, drawn from the channel; empty where it has a letter the
        channel doesn't know. Of several forms the likeliest is written.
        """
        _check_text(native)
        _check_draws(n, seed)
        forms = self.forms(native)
        rows = self.word_rows(forms[0][0]) if forms else None
        if rows is None:
            return []
        random = np.random.default_rng(seed)
        return [self._walk(rows, random) for _ in range(n)]

    def _walk(self, rows: NDArray[np.int32], random: np.random.Generator) -> str:
        at, written = 0, ""
        while at < len(rows):
            choices, weights = [], []
            for k, row in enumerate(rows[at].tolist()):
                if row >= 0:
                    for slot in range(self.row_start[row], self.row_start[row + 1]):
                        choices.append((k + 1, int(self.slot_spelling[slot])))
                        weights.append(self.slot_probability[slot])
            if not choices:
                return written
            chosen = np.searchsorted(np.cumsum(weights), random.random() * sum(weights), side="right")
            length, spelling = choices[min(int(chosen), len(choices) - 1)]
            at, written = at + length, written + self.latin_spellings[spelling]
        return written

    # -- files

    def to_bytes(self) -> bytes:
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        header = {
            "language": self.language,
            "letters": self.letters,
            "sources": list(self.sources),
            **({"sounds": self.sounds} if self.sounds else {}),
            **({"typing": asdict(self.own_typing)} if self.own_typing else {}),
            "arrays": [[name, array.dtype.str, len(array)] for name, array in arrays.items()],
        }
        body = json.dumps(header, ensure_ascii=False, sort_keys=True).encode() + b"\n"
        body += b"".join(array.tobytes() for array in arrays.values())
        return MAGIC + b"%08x\n" % zlib.crc32(body) + body

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the channel to a file (format: docs/ARCHITECTURE.md), whole or not at all."""
        try:
            target = Path(path).resolve()  # a link stays one
            if target.is_dir():
                raise ChannelError(f"{path}: a folder came; a channel is written to a file")
            with atomic.replacing(target) as file:
                file.write(self.to_bytes())
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ChannelError(f"{path!s}: cannot write the channel: {reason}") from error

    @classmethod
    def load(cls, source: str | os.PathLike[str]) -> Channel:
        """The shipped channel of a language code, or a channel file.

        Raises LanguageError for an unknown code, ChannelError for a file that is damaged or newer than this
        version.
        """
        if not isinstance(source, str | os.PathLike):
            raise LanguageError(f"a language's code or a channel file's path is wanted; got {source!r}")
        if isinstance(source, str) and source in languages.codes():
            return _shipped(source)
        path = Path(source)
        try:
            if isinstance(source, str) and not path.exists() and path.name == source and not path.suffix:
                languages.load(source)  # raises, naming the known ones
            return cls.from_bytes(path.read_bytes(), str(path))
        except (OSError, ValueError) as error:  # ValueError: no path at all
            reason = getattr(error, "strerror", None) or error
            raise ChannelError(f"{path}: cannot read the channel: {reason}") from error

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Channel:
        if not data.startswith(MAGIC):
            kind = data.split(b"\n", 1)[0][:40]
            if kind.startswith(b"scriptbridge-channel "):
                raise ChannelError(
                    f"{name}: channel format {kind[21:].decode(errors='replace')!r}; "
                    "this version reads 1: upgrade scriptbridge"
                )
            raise ChannelError(f"{name}: not a channel file (it starts with {kind!r})")
        body = data[len(MAGIC) + 9 :]
        if data[len(MAGIC) : len(MAGIC) + 9] != b"%08x\n" % zlib.crc32(body):
            raise ChannelError(f"{name}: the channel file is damaged (checksum); rebuild or reinstall it")
        line, _, blob = body.partition(b"\n")
        header: dict[str, Any] = json.loads(line)
        arrays, at = {}, 0
        for array, dtype, length in header["arrays"]:
            arrays[array] = np.frombuffer(
                blob, np.dtype(dtype), length, at
            ).copy()  # aligned, writable: one kernel signature
            at += arrays[array].nbytes
        return cls(
            header["language"],
            header["letters"],
            **arrays,
            sources=tuple(header["sources"]),
            sounds=header.get("sounds", ""),
            own_typing=languages.Typing(**header["typing"]) if "typing" in header else None,
        )

    # -- estimation

    @classmethod
    def from_scheme(cls, language: languages.Language | str, start: Channel | None = None) -> Channel:
        """The language's scheme, read as a channel; with `start`, a related language's, what both say.

        Of `start` counts what is in letters of this language: rows of units, also by their neighbours. By
        default it is the channel of the language that the scheme names as `related`, if any.
        """
        from .estimation import Estimate

        language = _language(language)
        return Estimate(language, start=start or _related(language)).of_scheme()

    @classmethod
    def learn(
        cls,
        language: languages.Language | str,
        pairs: Iterable[tuple[str, str, float]],
        sources: Iterable[str] = (),
        iterations: int = 4,
        scheme_strength: float = 20.0,
        start: Channel | None = None,
    ) -> Channel:
        """Estimate a channel by EM from (native word, Latin word, weight) triples, the language's scheme as
        prior.

        A native word is learned from by its likeliest form where the language has `sounds`. The scheme weighs
        as much as `scheme_strength` observations of each unit. With `start`, a channel of this language or of
        a related one that shares letters, what that says is the prior, and weighs four times as much. Words
        are normalised here; pairs with letters outside the language or a-z 0-9 ' are left out. Raises
        ChannelError where no pair can be used, and for what is no such triple or weighs more than a billion.
        """
        from .estimation import Estimate

        language = _language(language)
        start = start or _related(language)
        estimate = Estimate(language, pairs, scheme_strength, start=start)
        known = () if start is None else start.sources
        return estimate.run(iterations, tuple(dict.fromkeys([*known, *sources])))


_ARRAYS = ("units", "spellings", "rows", "row_start", "slot_spelling", "slot_cost", "trigrams")


def romanize(native: str, lang: str, n: int = 1, seed: int = 0) -> list[str]:
    """`n` ways a person may type a text of language `lang` in Latin letters, seeded; what isn't in its
    letters stands as it is. MissingExtraError where nothing here cuts such a text into words.
    """
    _check_text(native)
    _check_draws(n, seed)
    channel = Channel.load(lang)
    segmentation.require_words(channel.letters)
    tokens = text.tokenize(native)
    versions = []
    for version in range(n):
        at, parts = 0, [""]
        for position, token in enumerate(tokens):
            drawn = channel.sample(token.text, 1, seed=seed * 1_000_003 + version * 1009 + position)
            if drawn and token.start >= at:
                between = native[at : token.start] or (" " if parts[-1] else "")  # words without a space
                parts += [between, drawn[0]]
                at = token.end
        versions.append("".join([*parts, native[at:]]))
    return versions


def _cheapest(
    first: NDArray[np.uint16], second: NDArray[np.uint16], cost: _Costs
) -> tuple[NDArray[np.uint16], NDArray[np.uint16], _Costs]:
    """Each pair of `first` and `second` once, in order, with its least cost."""
    order = np.lexsort((cost, second, first))
    first, second, cost = first[order], second[order], cost[order]
    new = np.ones(len(first), bool)
    new[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    return first[new], second[new], cost[new]


def _check_text(value: object) -> None:
    if not isinstance(value, str):
        raise QueryError(f"a text is a str; got {value!r}")


def _check_draws(n: object, seed: object) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n < 1 or not isinstance(seed, int) or seed < 0:
        raise QueryError(f"n is how many are wanted, from 1, seed an int from 0; got n={n!r}, seed={seed!r}")


def _language(value: languages.Language | str) -> languages.Language:
    if isinstance(value, str):
        return languages.load(value)
    if not isinstance(value, languages.Language):
        raise LanguageError(f"a language's code or a Language is wanted; got {value!r}")
    return value


def _related(language: languages.Language) -> Channel | None:
    return _shipped(language.related) if language.related else None


def encode_latin(token: str) -> NDArray[np.uint8] | None:
    """Latin letters as 1–63; None where one is outside a-z, 0-9 and '."""
    try:
        return np.array([LATIN[letter] for letter in token], np.uint8)
    except KeyError:
        return None


@cache
def _shipped(code: str) -> Channel:
    file = resources.files(__package__) / "weights" / f"{code}.channel"
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return Channel.from_scheme(languages.load(code))
    return Channel.from_bytes(data, f"{code}.channel")


def latin_to_key(latin: str) -> int:
    key = 0
    for letter in latin:
        key = key * 64 + LATIN[letter]
    return key


def key_to_latin(key: int) -> str:
    letters = []
    while key:
        key, digit = divmod(key, 64)
        letters.append(_LETTER[digit])
    return "".join(reversed(letters))


_LETTER = {i: letter for letter, i in LATIN.items()}


def trigram_codes(latin: str) -> NDArray[np.int64]:
    """Places of a Latin word's letter trigrams in `Channel.trigrams`; letters are 1–26, all else 27, the
    edge 0.
    """
    codes = [0, 0, *(min(LATIN.get(letter, 27), 27) for letter in latin), 0]
    return np.array([a * 784 + b * 28 + c for a, b, c in zip(codes, codes[1:], codes[2:], strict=False)])


def latin_trigrams(words: Iterable[tuple[str, float]]) -> NDArray[np.uint8]:
    """Costs of the letter trigrams of Latin words, each smoothed by the bigram and the letter (Witten-
    Bell); shape (28 ** 3,).
    """
    flat = np.zeros(28**3)
    for word, weight in words:
        np.add.at(flat, trigram_codes(word), math.sqrt(weight))
    counts = flat.reshape(28, 28, 28)
    one = counts.sum((0, 1)) + 1.0
    one /= one.sum()
    two = counts.sum(0)
    kinds = (two > 0).sum(1, keepdims=True) + 1.0
    two = (two + kinds * one) / (two.sum(1, keepdims=True) + kinds)
    kinds = (counts > 0).sum(2, keepdims=True) + 1.0
    three = (counts + kinds * two) / (counts.sum(2, keepdims=True) + kinds)
    costs: NDArray[np.uint8] = np.clip(np.rint(-QUANTUM * np.log2(three)), 0, 255).astype(np.uint8)
    return costs.ravel()
