"""Slow, obvious twins of what `scriptbridge.kernels` does fast: dictionaries, recursion, enumeration."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np

from scriptbridge.channel import LATIN, NOISE, QUANTUM, Channel
from scriptbridge.kernels import Spellings

# A channel as a table: (unit, left, right) → spelling → probability. A context letter is "^" at the word's
# edge and "" where it is not looked at.
Context = tuple[str, str, str]
Table = dict[Context, dict[str, float]]

EDGE = "^"


def table_of(channel: Channel) -> Table:
    """A channel's arrays, spelled out."""
    latin = {number: letter for letter, number in LATIN.items()}
    letters = {0: EDGE, 255: ""} | dict(enumerate(channel.letters, start=1))

    def spelled(key: int, base: int, digits: Mapping[int, str]) -> str:
        return spelled(key // base, base, digits) + digits[key % base] if key else ""

    units = [spelled(key, 256, letters) for key in channel.units.tolist()]
    spellings = [spelled(key, 64, latin) for key in channel.spellings.tolist()]
    table: Table = {}
    for row, key in enumerate(channel.rows.tolist()):
        context = (units[key >> 16], letters[key >> 8 & 255], letters[key & 255])
        slots = range(channel.row_start[row], channel.row_start[row + 1])
        table[context] = {
            spellings[channel.slot_spelling[slot]]: 2.0 ** (-int(channel.slot_cost[slot]) / QUANTUM)
            for slot in slots
        }
    return table


def channel_of(table: Mapping[Context, Mapping[str, int]], language: str = "el") -> Channel:
    """The channel of a table of costs, in parts of a bit (`QUANTUM`)."""
    table = dict(
        sorted(table.items(), key=lambda item: (item[0][1:] != ("", ""), item[0]))
    )  # no context first
    letters = "".join(sorted({letter for unit, _, _ in table for letter in unit}))
    numbers = {EDGE: 0, "": 255} | {letter: number for number, letter in enumerate(letters, start=1)}

    def key(text: str, base: int, digits: Mapping[str, int]) -> int:
        return sum(digits[letter] * base**place for place, letter in enumerate(reversed(text)))

    units = sorted({unit for unit, _, _ in table})
    spellings = sorted({spelling for spelled in table.values() for spelling in spelled})
    slots = [slot for spelled in table.values() for slot in spelled.items()]
    return Channel(
        language=language,
        letters=letters,
        units=np.array([key(unit, 256, numbers) for unit in units], np.int64),
        spellings=np.array([key(spelling, 64, LATIN) for spelling in spellings], np.int64),
        rows=np.array(
            [
                (units.index(unit) << 16) + (numbers[left] << 8) + numbers[right]
                for unit, left, right in table
            ],
            np.int64,
        ),
        row_start=np.cumsum([0, *(len(spelled) for spelled in table.values())]).astype(np.int32),
        slot_spelling=np.array([spellings.index(spelling) for spelling, _ in slots], np.uint16),
        slot_cost=np.array([cost for _, cost in slots], np.uint8),
        trigrams=np.full(28**3, 60, np.uint8),
    )


def hopeful(spellings: Spellings, channel: Channel) -> Spellings:
    """The same, that expects of units the most that they give a spelling in any context."""
    most: dict[tuple[int, int], float] = {}
    pairs = channel.beginnings[0]
    for row, key in enumerate(channel.rows.tolist()):
        letters = int(channel.units[key >> 16]).to_bytes(3).lstrip(b"\0")
        begins = [letters[0], *([int(pairs[letters[0] * 256 + letters[1]])] if len(letters) > 1 else [])]
        for slot in range(channel.row_start[row], channel.row_start[row + 1]):
            for place in ((int(channel.slot_spelling[slot]), beginning) for beginning in begins):
                most[place] = max(most.get(place, 0.0), float(channel.slot_probability[slot]))
    start = [sum(spelling < s for spelling, _ in most) for s in range(len(channel.spellings) + 1)]
    beginnings = [beginning for _, beginning in sorted(most)]
    probabilities = [most[place] for place in sorted(most)]
    return spellings._replace(
        ahead_start=np.array(start, np.int32),
        ahead_beginning=np.array(beginnings, np.uint16),
        ahead=np.array(probabilities),
    )


def context_of(table: Table, word: str, i: int, n: int) -> Context | None:
    """The most telling context known for the unit ``word[i : i + n]``; None if it is no unit."""
    unit = word[i : i + n]
    left = word[i - 1] if i else EDGE
    right = word[i + n] if i + n < len(word) else EDGE
    for context in ((unit, left, right), (unit, "", right), (unit, "", "")):
        if context in table:
            return context
    return None


def likelihood(table: Table, native: str, latin: str, noise: float = NOISE, following: str = EDGE) -> float:
    """P(latin | native) over all segmentations; a single letter may also be written by a slip.

    A slip is nothing, one letter or two of them; `following` is the letter after the native ones.
    """

    @cache
    def rest(i: int, j: int) -> float:
        if i == len(native):
            return 1.0 if j == len(latin) else 0.0
        total = 0.0
        for n in range(1, min(3, len(native) - i) + 1):
            context = context_of(table, native + following.replace(EDGE, ""), i, n)
            if context is None:
                continue
            for spelling, probability in table[context].items():
                if latin.startswith(spelling, j):
                    total += probability * rest(i + n, j + len(spelling))
            if n == 1 and noise:
                for letters, slip in ((0, noise), (1, noise), (2, noise**2)):
                    if j + letters <= len(latin):
                        total += slip * rest(i + 1, j + letters)
        return total

    return rest(0, 0)


Step = tuple[Context, str]


def segmentations(table: Table, native: str, latin: str, i: int = 0) -> Iterator[list[Step]]:
    """All ways in which `native` from letter i on was written as `latin`, without slips."""
    if i == len(native):
        if not latin:
            yield []
        return
    for n in range(1, min(3, len(native) - i) + 1):
        context = context_of(table, native, i, n)
        if context is not None:
            for spelling in table[context]:
                if latin.startswith(spelling):
                    for steps in segmentations(table, native, latin[len(spelling) :], i + n):
                        yield [(context, spelling), *steps]


def expected_counts(
    table: Table, pairs: Iterable[tuple[str, str, float]]
) -> tuple[dict[Step, float], dict[Context, float], float]:
    """Expected uses of every spelling, chances for every context to be used, and the log likelihood.

    A context has its chance wherever a unit begins, whether this one or another.
    """
    uses: defaultdict[Step, float] = defaultdict(float)
    chances: defaultdict[Context, float] = defaultdict(float)
    log_likelihood = 0.0
    for native, latin, weight in pairs:
        ways = [
            (math.prod(table[context][spelling] for context, spelling in steps), steps)
            for steps in segmentations(table, native, latin)
        ]
        total = math.fsum(probability for probability, _ in ways)
        if total == 0.0:
            continue
        log_likelihood += weight * math.log(total)
        for probability, steps in ways:
            share = weight * probability / total
            i = 0
            for context, spelling in steps:
                uses[context, spelling] += share
                for n in range(1, min(3, len(native) - i) + 1):
                    begun = context_of(table, native, i, n)
                    if begun is not None:
                        chances[begun] += share
                i += len(context[0])
    return dict(uses), dict(chances), log_likelihood


def nested_trie(terms: Iterable[str]) -> dict[str, Any]:
    """Terms as nested dictionaries: letter → what follows; ``""`` → the term that ends here."""
    root: dict[str, Any] = {}
    for term in terms:
        node = root
        for letter in term:
            node = node.setdefault(letter, {})
        node[""] = term
    return root


def follow(trie: Mapping[str, Any], prefix: str) -> dict[str, Any] | None:
    """What follows `prefix`, None if nothing does."""
    node: Any = trie
    for letter in prefix:
        node = node.get(letter)
        if node is None:
            return None
    return dict(node)


def decode(
    table: Table, terms: Mapping[str, int], token: str, prior: float, noise: float = NOISE
) -> list[tuple[str, float, float]]:
    """Every term that `token` may mean: (term, P(token | term), P · df ** prior), best first."""
    known = {letter for unit, _, _ in table for letter in unit}
    scored = [(term, likelihood(table, term, token, noise)) for term in terms if known.issuperset(term)]
    return sorted(
        ((term, p, p * terms[term] ** prior) for term, p in scored if p > 0),
        key=lambda item: (-item[2], item[0]),
    )


def complete(terms: Mapping[str, int], prefix: str) -> list[str]:
    """Terms that begin with `prefix`, most frequent first."""
    return sorted((term for term in terms if term.startswith(prefix)), key=lambda term: (-terms[term], term))


def shares(words: Iterable[str]) -> dict[str, float]:
    """How often each word stands among `words`, as a share."""
    counts = Counter(words)
    return {word: count / counts.total() for word, count in counts.items()}


def decode_anywhere(table: Table, terms: Iterable[str], run: str) -> dict[tuple[int, int, str], float]:
    """P(run[start:end] | term) of every part of a run and every term that it may mean."""
    known = {letter for unit, _, _ in table for letter in unit}
    readable = [term for term in terms if known.issuperset(term)]
    parts = {
        (start, end, term): likelihood(table, term, run[start:end])
        for start in range(len(run))
        for end in range(start + 1, len(run) + 1)
        for term in readable
    }
    return {part: p for part, p in parts.items() if p > 0}


def paths(length: int) -> Iterator[list[tuple[int, int]]]:
    """All ways to cut `length` letters into parts."""
    if length == 0:
        yield []
    for start in range(length):
        for before in paths(start):
            yield [*before, (start, length)]
