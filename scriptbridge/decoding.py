"""What a Latin token may mean over a lexicon: a channel's best-first search (`kernels.decode`)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import kernels, sounds
from .channel import NOISE, PROBABILITY, Channel, encode_latin
from .lexicon import Lexicon
from .weights import SHARPNESS, Powers, Terms, outside, shortened

__all__ = ["BUDGET", "Decoder", "decode"]

# Costs and shares are of weights, P ** SHARPNESS · df ** PRIOR.
BUDGET = 300  # trie nodes opened for a token and language, at most: the beam
SLIP_BUDGET = 3000  # for a token that no term explains, which a slip may have come to: it hides where to look
SLIP = 2e-3  # probability of a slip there
SLIP_LENGTH = 6  # letters; a shorter word that has a slip may be any
PART_BUDGET = 40  # and for tokens joined, or the words that begin at one place of a run-on token
LONGEST_PART = 24  # Latin letters of such a word
SHORT_PART = 4  # letters; a shorter one is not read by slips of the hand ...
SLIPPED = 10.0  # ... which is what less than so many times `NOISE` is
GREED = 0.15  # likelihood of a Latin letter to come: below a typical one's, so the search goes deep first
MAX_LENGTH = 40  # Latin letters of a token that is decoded, as it was typed: emphasis has an end
LEAST_SHARE = 0.003  # of the weight of what was found before: less is not worth looking for

_Likelihoods = tuple[NDArray[np.int32], NDArray[np.float64]]  # terms with theirs


@dataclass(frozen=True)
class Decoder:
    """One channel over one lexicon; `powers` are `weights.powers` of it."""

    channel: Channel
    lexicon: Lexicon
    powers: Powers

    @cached_property
    def trie(self) -> kernels.Trie:
        """The lexicon as the channel reads it."""
        return self.lexicon.trie(self.channel.letter_ids, self.powers)

    @cached_property
    def spellings(self) -> kernels.Spellings:
        channel = self.channel
        units, spellings, _ = channel.tables
        return kernels.Spellings(
            units,
            channel.units,
            spellings,
            channel.spellings,
            *channel.by_context,
            channel.row_start,
            channel.slot_spelling,
            channel.slot_cost,
            PROBABILITY,
            *channel.by_spelling,
            *channel.by_unit,
            *channel.beginnings,
            GREED,
        )

    @cached_property
    def _tables(self) -> tuple[Any, ...]:
        return (*self.trie, *self.spellings)

    def terms(
        self, token: str, limit: int, budget: int = BUDGET, least: float = 0.0, noise: float = NOISE
    ) -> Terms:
        """The terms that `token` may mean, with their weights; of the `limit` likeliest forms."""
        return Terms.of(*self.likelihoods(token, limit, budget, least, noise), self.powers)

    def likelihoods(
        self, token: str, limit: int, budget: int = BUDGET, least: float = 0.0, noise: float = NOISE
    ) -> _Likelihoods:
        """The same terms, each with P(token | term); both of shape (terms,)."""
        entries, likelihoods = self.read(token, limit, budget, least, noise=noise)
        lexicon = self.lexicon
        if not len(lexicon.shared_term):
            return entries, likelihoods
        shared = (lexicon.shared_start, lexicon.shared_term, lexicon.share)
        return kernels.named(entries, likelihoods, len(lexicon), *shared)

    def read(
        self,
        token: str,
        limit: int,
        budget: int = BUDGET,
        least: float = 0.0,
        prefix: bool = False,
        noise: float = NOISE,
    ) -> _Likelihoods:
        """The lexicon's entries of more than the `least` weight that `token` may mean, or nodes that it may
        lead to.

        Each with P(token | form or node); both of shape (found,). What is found has its exact P whatever
        `least` is, but with one near the best weight the best may be missed: a search expects little of
        letters to come (`GREED`), and gives up where that is below it.
        """
        letters = _letters(sounds.typed(self.channel.sounds, token))
        if letters is None:
            return np.empty(0, np.int32), np.empty(0)
        floor = least ** (1 / SHARPNESS)
        limit = min(limit, len(self.lexicon.label))  # the search makes room for so many
        found, likelihoods, _ = kernels.decode(letters, noise, floor, limit, budget, prefix, *self._tables)
        return found, likelihoods

    def parts(
        self, letters: str, words: Iterable[tuple[int, int]], within: Iterable[int]
    ) -> dict[tuple[int, int], float]:
        """The weight, as a log, of the best form that letters[start:end] may mean, where it is worth a look.

        Parts begin where others end, or one of `words`, which are parts whatever they mean; none begins or
        ends at the places `within`.
        """
        run = encode_latin(letters)
        if run is None:
            return {}
        known = np.zeros((len(run), len(run) + 1), np.bool_)
        for start, end in words:
            known[start, end] = True
        uncut = np.zeros(len(run) + 1, np.bool_)
        uncut[list(within)] = True
        limits = (1, PART_BUDGET, LONGEST_PART, SHORT_PART, SLIPPED * NOISE)
        starts, ends, entries, likelihoods = kernels.decode_anywhere(
            run, NOISE, 1.0, *limits, known, uncut, *self._tables
        )
        weights = SHARPNESS * np.log(likelihoods * self.powers[0][entries])
        return dict(zip(zip(starts.tolist(), ends.tolist(), strict=True), weights.tolist(), strict=True))


def decode(decoders: Sequence[Decoder], languages: Sequence[int], token: str, n: int) -> dict[int, Terms]:
    """Terms with their weights, by language, likeliest first, which spares the others work."""
    found = _searched(decoders, languages, token, n, BUDGET, NOISE)
    explained = math.fsum(terms.total for terms in found.values()) >= outside(token)
    if not explained and len(token) >= SLIP_LENGTH:
        return _searched(decoders, languages, token, n, SLIP_BUDGET, SLIP)
    return found


def _searched(
    decoders: Sequence[Decoder], languages: Sequence[int], token: str, n: int, budget: int, noise: float
) -> dict[int, Terms]:
    found: dict[int, Terms] = {}
    least = LEAST_SHARE * outside(token)
    for at in languages:
        found[at] = decoders[at].terms(token, n, budget, least, noise)
        least = max(least, LEAST_SHARE * found[at].best)
    return found


@lru_cache(maxsize=1024)
def _letters(token: str) -> NDArray[np.uint8] | None:
    """What `kernels.decode` reads; None where a token cannot be decoded."""
    letters = encode_latin(shortened(token)) if 0 < len(token) <= MAX_LENGTH else None
    return letters if letters is not None and len(letters) else None
