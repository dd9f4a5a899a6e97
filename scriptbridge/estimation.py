"""Estimating a channel: from a language's scheme, and from pairs by expectation maximisation.

Two rounds of EM: first which spellings a unit has, without context; then how its neighbours choose among
them. A row is normalised by how often a unit began at its places, so that a unit of several letters competes
with its parts.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import kernels, languages, sounds, text
from .channel import LATIN, QUANTUM, Channel, encode_latin, latin_to_key, latin_trigrams
from .errors import ChannelError

__all__ = ["Change", "Estimate", "changes"]

MAX_LETTERS = 40  # of a word that is learned from
MAX_WEIGHT = 1_000_000_000  # of a pair
WHOLE = 0.6  # a scheme's segment of several letters is written as a whole so often, else letter by letter
SURPRISE = 0.03  # of what the scheme doesn't name, to begin with
FORGOTTEN = 4e-4  # of that, for each single letter
LEAST_SPELLING = 2e-4  # probability of a spelling that is kept while estimating
KEPT = 0.08  # of the scheme in every estimate
RARE = 1e-3  # below, a context's spellings are not kept
KNOWN_WORDS = 2000  # Latin words that a channel's trigrams count as
TRUST = 4.0  # times a prior's strength, where it is a channel's
LEAST_CHANGE = 0.01  # of a share: smaller ones are not told
USUAL = 0.02  # a spelling of the scheme that is at least so likely is kept

Context = tuple[str, str, str]
"""A unit and the letters on its left and right: "^" at a word's edge, "" where they were not looked at."""


@dataclass
class Estimate:
    """One estimation: first which spellings a unit has, then how its neighbours choose among them."""

    language: languages.Language
    pairs: Iterable[tuple[str, str, float]] = ()
    scheme_strength: float = 20.0
    context_strength: tuple[float, float] = (4.0, 12.0)  # the wider context's, for (right, both)
    start: Channel | None = None  # a channel, perhaps a neighbour's, that speaks before the scheme does
    usable: list[tuple[str, str, float]] = field(default_factory=list)
    slots: dict[str, dict[str, float]] = field(default_factory=dict)  # unit → spelling → probability
    contexts: dict[Context, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        strength = self.scheme_strength
        if not isinstance(strength, Real) or not 0 < strength < math.inf:
            raise ChannelError(f"scheme_strength: {strength!r} came; accepted are numbers above 0")
        if self.start is not None and not any(unit.isalpha() for unit, _, _ in self._known):
            raise ChannelError(
                f"{self.language.name} shares no letters with {self.start.language}, so there is nothing to "
                f"start from; its own are {' '.join(self.language.letters[:8])} …"
            )

    def scheme(self) -> dict[str, dict[str, float]]:
        """The scheme as P(unit, spelling | a unit begins here)."""
        spellings = self.language.spellings()
        beginnings = Counter(unit[:2] for unit in spellings if len(unit) > 1)
        return {
            unit: {s: p * WHOLE / beginnings[unit[:2]] if len(unit) > 1 else p for s, p in spelled.items()}
            for unit, spelled in spellings.items()
        }

    @cached_property
    def prior(self) -> dict[str, dict[str, float]]:
        """P(unit, spelling | a unit begins here) before any pair.

        As the channel to start from has it, else the scheme; the mean of both where that is a neighbour's.
        """
        prior = self.scheme()
        for unit, spelled in prior.items():
            known = self._known.get((unit, "", ""))
            if known is not None:
                own = self.start is not None and self.start.language == self.language.code
                prior[unit] = known if own else _mean(known, spelled)
        return prior

    @cached_property
    def _known(self) -> dict[Context, dict[str, float]]:
        """The rows of the channel to start from that are all in this language's letters."""
        if self.start is None:
            return {}
        letters = {"", "^", *self.language.letters}
        return {key: row for key, row in _rows(self.start) if letters.issuperset((*key[0], *key[1:])) and row}

    def _narrowed(self, key: Context, wider_key: Context, wider: dict[str, float]) -> dict[str, float]:
        """A context's row before any pair: the wider one's, changed as the start's is changed there."""
        known, known_wider = self._known.get(key), self._known.get(wider_key)
        if known is None or known_wider is None:
            return wider
        moved = {
            s: p * max(known.get(s, 0.0), RARE) / max(known_wider.get(s, 0.0), RARE) for s, p in wider.items()
        }
        scale = math.fsum(known.values()) / math.fsum(moved.values())
        return {s: p * scale for s, p in moved.items()}

    @property
    def _trust(self) -> float:
        """What the strengths of priors are multiplied by: a channel has seen more than a scheme."""
        return 1.0 if self.start is None else TRUST

    def of_scheme(self) -> Channel:
        """What is known before any pair, as a channel: the scheme, or what to start from and the scheme."""
        self.slots = self.prior
        self._set_contexts()
        for unit in sorted(self.slots):
            if len(unit) > 1:
                row = {s: (1 - WHOLE) * p for s, p in self.slots[unit[0]].items()}
                self.contexts.setdefault((unit[0], "", unit[1]), row)
        return self.channel(self.start.sources if self._known and self.start else ())

    def run(self, iterations: int, sources: tuple[str, ...]) -> Channel:
        """The channel that explains the pairs; ChannelError where none can be used."""
        self.usable = list(_usable(self.language, self.pairs))
        if not self.usable:
            raise ChannelError(
                f"none of the pairs can be used for {self.language.name}: need native words in its letters "
                f"beside Latin words of a-z, 0-9 and ', of at most {MAX_LETTERS} letters, with weights above "
                "0"
            )
        self._begin()
        for _ in range(iterations):
            self._estimate_spellings()
        self._set_contexts()
        for _ in range(iterations):
            self._estimate_contexts()
        return self.channel(sources, final=True)

    def _trigrams(self) -> NDArray[np.uint8]:
        """Of the pairs' Latin words; few ones next to what the channel to start from has seen."""
        costs = latin_trigrams((latin, weight) for _, latin, weight in self.usable)
        if self.start is None:
            return costs
        seen = len({latin for _, latin, _ in self.usable})
        share = seen / (seen + KNOWN_WORDS)
        mixed = share * np.exp2(costs / -QUANTUM) + (1 - share) * np.exp2(self.start.trigrams / -QUANTUM)
        return np.rint(-QUANTUM * np.log2(mixed)).astype(np.uint8)

    def _begin(self) -> None:
        """The scheme, and a little for any single letter that it forgot."""
        letters = set("".join(native for native, _, _ in self.usable))
        for unit, spelled in self.prior.items():
            self.slots[unit] = {s: (1 - SURPRISE) * p for s, p in spelled.items()}
            if unit in letters:
                for s in ["", *LATIN]:
                    self.slots[unit][s] = self.slots[unit].get(s, 0.0) + FORGOTTEN

    def _estimate_spellings(self) -> None:
        """One EM step without context; spellings that hardly occur are dropped."""
        counts, totals = self._expect(self.channel())
        strength = self._trust * self.scheme_strength
        for unit, prior in self.prior.items():
            seen, total = counts.get((unit, "", ""), {}), totals.get((unit, "", ""), 0.0)
            merged = {
                s: (seen.get(s, 0.0) + strength * prior.get(s, 0.0)) / (total + strength)
                for s in {*seen, *prior}
            }
            self.slots[unit] = {s: p for s, p in sorted(merged.items()) if p > LEAST_SPELLING}

    def _set_contexts(self) -> None:
        """The contexts that occur often enough to be told apart."""
        seen = defaultdict[Context, float](float)
        for native, _, weight in self.usable:
            for i in range(len(native)):
                for k in range(1, kernels.MAX_UNIT + 1):
                    unit = native[i : i + k]
                    if i + k <= len(native) and unit in self.slots:
                        left = native[i - 1] if i else "^"
                        right = native[i + k] if i + k < len(native) else "^"
                        seen[unit, left, right] += weight
                        seen[unit, "", right] += weight
        often = {key for key, n in seen.items() if n >= (3 if key[1] else 2)}
        told = {key for key in self._known if key[2] and key[0] in self.slots}
        self.contexts = self._contexts(sorted(often | told), {}, {})

    def _contexts(
        self,
        keys: Iterable[Context],
        sums: Mapping[Context, Mapping[str, float]],
        ns: Mapping[Context, float],
    ) -> dict[Context, dict[str, float]]:
        """The rows of contexts, from counts; each has the next wider one's as its prior."""
        right_strength, both_strength = (self._trust * strength for strength in self.context_strength)
        new: dict[Context, dict[str, float]] = {}
        for key in sorted(keys, key=lambda key: (key[1] != "", key)):
            unit, left, right = key
            wider_key = (unit, "", right) if left and (unit, "", right) in new else (unit, "", "")
            wider = self._narrowed(key, wider_key, new.get(wider_key, self.slots[unit]))
            strength = both_strength if left else right_strength
            n, counted = ns.get(key, 0.0), sums.get(key, {})
            new[key] = {s: (counted.get(s, 0.0) + strength * p) / (n + strength) for s, p in wider.items()}
        return new

    def _estimate_contexts(self) -> None:
        """One EM step; each context's estimate has the next wider one's as its prior."""
        counts, totals = self._expect(self.channel())
        # A row is counted where it was the most telling one: the wider ones are the sums of the narrower.
        sums, ns = (
            defaultdict[Context, Counter[str]](Counter),
            defaultdict[Context, float](float),
        )
        for (unit, left, right), seen in counts.items():
            for key in (
                {(unit, left, right), (unit, "", right), (unit, "", "")} if right else {(unit, "", "")}
            ):
                sums[key].update(seen)
                ns[key] += totals[unit, left, right]
        for unit in self.slots:
            key, strength = (unit, "", ""), self._trust * self.scheme_strength
            counted, prior = sums[key], self.prior[unit]
            if ns[key]:
                self.slots[unit] = {
                    s: (counted.get(s, 0.0) + strength * prior.get(s, 0.0)) / (ns[key] + strength)
                    for s in self.slots[unit]
                }
        self.contexts = self._contexts(self.contexts, sums, ns)

    def _expect(self, channel: Channel) -> tuple[dict[Context, dict[str, float]], dict[Context, float]]:
        rows_of, ids_of, weights, word_start, latin_start = [], [], [], [0], [0]
        cache: dict[str, NDArray[np.int32] | None] = {}
        spelled: dict[str, NDArray[np.int32]] = {}
        for native, latin, weight in self.usable:
            if native not in cache:
                cache[native] = channel.word_rows(native)
            rows, token = cache[native], encode_latin(latin)
            if rows is None or token is None:
                continue
            if latin not in spelled:
                spelled[latin] = kernels.spelling_ids(token, channel.tables[1], channel.spellings)
            rows_of.append(rows)
            ids_of.append(spelled[latin])
            weights.append(weight)
            word_start.append(word_start[-1] + len(rows))
            latin_start.append(latin_start[-1] + len(ids_of[-1]))
        slot_count, row_count = np.zeros(len(channel.slot_spelling)), np.zeros(len(channel.rows))
        kernels.count(
            np.array(word_start),
            np.concatenate(rows_of),
            np.array(latin_start),
            np.concatenate(ids_of),
            np.array(weights, np.float64),
            channel.row_start,
            channel.slot_spelling,
            channel.slot_probability,
            slot_count,
            row_count,
        )
        counts: dict[Context, dict[str, float]] = {}
        totals: dict[Context, float] = {}
        for row, key in enumerate(channel.rows.tolist()):
            if row_count[row] > 0:
                unit = _key_to_native(int(channel.units[key >> 16]), channel.letters)
                left, right = (
                    _context_letter(code, channel.letters) for code in ((key >> 8) & 255, key & 255)
                )
                slots = range(channel.row_start[row], channel.row_start[row + 1])
                counts[unit, left, right] = {
                    channel.latin_spellings[channel.slot_spelling[s]]: float(slot_count[s])
                    for s in slots
                    if slot_count[s] > 0
                }
                totals[unit, left, right] = float(row_count[row])
        return counts, totals

    def channel(self, sources: tuple[str, ...] = (), final: bool = False) -> Channel:
        """The present estimate; a `final` one keeps some of the scheme and leaves out what is too rare."""
        slots, contexts = self.slots, self.contexts
        pruned = final or bool(self._known and not self.usable)  # what a channel lends is not estimated again
        if final:
            scheme = self.scheme()
            slots = {unit: _mixed(spelled, scheme[unit]) for unit, spelled in slots.items()}
            contexts = {key: _mixed(spelled, scheme[key[0]]) for key, spelled in contexts.items()}
        letters = "".join(sorted(set(self.language.letters)))
        letter_ids = {letter: i for i, letter in enumerate(letters, start=1)} | {
            "^": kernels.EDGE,
            "": kernels.ANY,
        }
        units = sorted(slots, key=lambda unit: (len(unit), unit))
        spellings = sorted({s for spelled in slots.values() for s in spelled}, key=lambda s: (len(s), s))
        spelling_at = {s: i for i, s in enumerate(spellings)}
        unit_at = {unit: i for i, unit in enumerate(units)}
        table = {(unit, "", ""): slots[unit] for unit in units} | contexts
        rows, row_start, slot_spelling, probability = [], [0], [], []
        for (unit, left, right), spelled in table.items():
            kept = sorted(spelled.items(), key=lambda item: (-item[1], item[0]))
            if pruned:
                kept = [(s, p) for s, p in kept if p > (RARE if right else 5e-5)]
            rows.append(kernels.row_key.py_func(unit_at[unit], letter_ids[left], letter_ids[right]))
            slot_spelling += [spelling_at[s] for s, _ in kept]
            probability += [p for _, p in kept]
            row_start.append(len(slot_spelling))
        cost = np.clip(np.rint(-QUANTUM * np.log2(np.maximum(probability, 1e-9))), 0, 255)
        return Channel(
            self.language.code,
            letters,
            np.array([_native_to_key(unit, letter_ids) for unit in units], np.int64),
            np.array([latin_to_key(s) for s in spellings], np.int64),
            np.array(rows, np.int64),
            np.array(row_start, np.int32),
            np.array(slot_spelling, np.uint16),
            cost.astype(np.uint8),
            self._trigrams() if final else latin_trigrams(()),
            sources,
            self.language.sounds,
            languages.own_typing(self.language),
        )


class Change(NamedTuple):
    """How often a unit that stands for itself was thought to be spelled so, and is."""

    unit: str
    spelling: str
    before: float
    after: float


def changes(before: Channel, after: Channel, words: Iterable[tuple[str, float]], n: int = 10) -> list[Change]:
    """What learning changed most: the difference times how often the words, with weights, hold the unit."""
    seen = Counter[str]()
    for word, weight in words:
        form = next((form for form, _ in after.forms(word)), "")
        for k in range(1, kernels.MAX_UNIT + 1):
            for i in range(len(form) - k + 1):
                seen[form[i : i + k]] += weight  # type: ignore[assignment]
    old, new = _shares(before), _shares(after)
    found = [
        Change(unit, s, old[unit].get(s, 0.0), new[unit].get(s, 0.0))
        for unit in new.keys() & old.keys() & seen.keys()
        for s in {**old[unit], **new[unit]}
    ]
    told = [change for change in found if abs(change.after - change.before) >= LEAST_CHANGE]
    return sorted(told, key=lambda c: (-seen[c.unit] * abs(c.after - c.before), c.unit, c.spelling))[:n]


def _shares(channel: Channel) -> dict[str, dict[str, float]]:
    """Unit → spelling → its share, whatever stands beside."""
    rows = {key[0]: row for key, row in _rows(channel) if not key[2]}
    return {
        unit: {s: p / math.fsum(row.values()) for s, p in row.items()} for unit, row in rows.items() if row
    }


def _rows(channel: Channel) -> Iterator[tuple[Context, dict[str, float]]]:
    """A channel's rows: (unit, left, right) and P(spelling)."""
    units = [_key_to_native(key, channel.letters) for key in channel.units.tolist()]
    spellings = channel.latin_spellings
    starts, slots, probability = (
        array.tolist() for array in (channel.row_start, channel.slot_spelling, channel.slot_probability)
    )
    for row, key in enumerate(channel.rows.tolist()):
        left, right = (_context_letter(code, channel.letters) for code in ((key >> 8) & 255, key & 255))
        at = range(starts[row], starts[row + 1])
        yield (units[key >> 16], left, right), {spellings[slots[s]]: probability[s] for s in at}


def _mean(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {s: (one.get(s, 0.0) + other.get(s, 0.0)) / 2 for s in {**one, **other}}


def _mixed(learned: dict[str, float], scheme: dict[str, float]) -> dict[str, float]:
    """What was learned, with a little of what the scheme holds usual: pairs never show all that a speaker
    may type.
    """
    usual = {s: p for s, p in scheme.items() if p >= USUAL}
    return {s: (1 - KEPT) * learned.get(s, 0.0) + KEPT * usual.get(s, 0.0) for s in {**learned, **usual}}


def _usable(
    language: languages.Language, pairs: Iterable[tuple[str, str, float]]
) -> Iterator[tuple[str, str, float]]:
    known = set(language.letters)
    for native, latin, weight in map(_triple, pairs):
        native = _form(language, text.normalize(native))
        latin = sounds.typed(language.sounds, text.normalize(latin))
        possible = 0 < len(native) <= MAX_LETTERS and 0 < len(latin) <= min(
            MAX_LETTERS, kernels.MAX_SPELLING * len(native)
        )
        if possible and weight > 0 and known.issuperset(native) and LATIN.keys() >= set(latin):
            yield native, latin, weight


def _form(language: languages.Language, term: str) -> str:
    """A word in the language's letters; "" where it has no form."""
    if not language.sounds:
        return term
    return next((form for form, _ in sounds.spoken(language.sounds, term)), "")


def _triple(pair: object) -> tuple[str, str, float]:
    if isinstance(pair, tuple | list) and len(pair) == 3:
        native, latin, weight = pair
        words = isinstance(native, str) and isinstance(latin, str)
        if words and isinstance(weight, Real) and weight <= MAX_WEIGHT:
            return native, latin, weight  # type: ignore[return-value]
    raise ChannelError(
        f"a pair is (native word, Latin word, weight), the weight a number up to {MAX_WEIGHT:,}; got {pair!r}"
    )


def _native_to_key(unit: str, letter_ids: dict[str, int]) -> int:
    key = 0
    for letter in unit:
        key = key * 256 + letter_ids[letter]
    return key


def _key_to_native(key: int, letters: str) -> str:
    unit = ""
    while key:
        key, digit = divmod(key, 256)
        unit = letters[digit - 1] + unit
    return unit


def _context_letter(code: int, letters: str) -> str:
    return "" if code == kernels.ANY else "^" if code == kernels.EDGE else letters[code - 1]
