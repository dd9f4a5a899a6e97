"""The other direction: native words among documents that are written in Latin letters.

A Hinglish post holds नहीं as nahi, nahin or nai. A channel knows how likely each spelling is, and
`kernels.spell` finds those that are terms of the lexicon. Whether an index holds such documents at all, its
Latin terms tell: their letters follow one another as in that language's romanized text, or otherwise. Of
English that is not enough, as a channel learned from words among which many are English ones (Hindi's school,
doctor); the words that hold English sentences together tell how much of it there is.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scriptbridge import kernels
from scriptbridge.channel import LATIN, NOISE, QUANTUM, Channel, trigram_codes
from scriptbridge.errors import MissingExtraError
from scriptbridge.lexicon import Lexicon
from scriptbridge.weights import Powers

__all__ = ["Speller", "forms_of", "is_written"]

BUDGET = 150  # trie nodes opened for a word

# Whether an index holds documents in a language's Latin writing.
LATIN_SHARE = 0.1  # of what documents hold; in native ones, names and English words make up 6 % at most
# Words that hold English together, and that few words of other languages are romanized as. A document of n
# different words has len(FUNCTION_WORDS) · n / (n + ENGLISH) of them: 2 of 16, 6 of 62, 13 of 240, 18 of 800
# in Wikipedia's sentences, paragraphs and articles; romanized text has one in 250 or fewer.
FUNCTION_WORDS = (
    *("of", "and", "for", "with", "from", "by", "which", "was", "were", "have", "has", "been", "their"),
    *("this", "that", "they", "what", "there", "about", "would", "when", "who", "into", "than"),
)
ENGLISH = 200
LOOKED_AT = 2000  # Latin terms, the most frequent ones
LONGEST = 14  # letters of a word drawn from trigrams
# Bits a letter more than the channel's own text has: people's posts have up to .7 (Greek, Algerian Arabic);
# English .5 to channels that learned from Indian words, 1.4 and more to the others.
SURPRISE = 1.0


class Speller:
    """One channel the other way, over the Latin terms of one lexicon; `powers` are `weights.powers` of it."""

    def __init__(self, channel: Channel, lexicon: Lexicon, powers: Powers) -> None:
        self.channel, self.lexicon, self._powers = channel, lexicon, powers

    def terms(self, native: str, limit: int) -> list[tuple[int, float]]:
        """The Latin terms that a native word may be written as, each with P(term | word)."""
        said = forms_of(self.channel, native)
        rows = self.channel.word_rows(said[0][0]) if said else None
        if rows is None:
            return []
        arguments = (rows, *self._arguments, limit, BUDGET)
        found, likelihoods, _ = kernels.spell(*arguments)
        return list(zip(found.tolist(), likelihoods.tolist(), strict=True))

    @cached_property
    def _arguments(self) -> tuple[Any, ...]:
        """What `kernels.spell` wants between the word and the limits."""
        channel = self.channel
        _, spellings, _ = channel.tables
        begun = _beginnings(channel)
        return (
            self.lexicon.trie(LATIN, self._powers),
            spellings,
            channel.spellings,
            kernels.build_table(begun),
            begun,
            channel.row_start,
            channel.slot_spelling,
            channel.slot_probability,
            NOISE,
        )


def forms_of(channel: Channel, native: str) -> tuple[tuple[str, float], ...]:
    """`Channel.forms`; none, too, where a package is missing: that is said where an index is made."""
    try:
        return channel.forms(native)
    except MissingExtraError:
        return ()


def is_written(channel: Channel, lexicon: Lexicon) -> bool:
    """Whether so much of the documents is in Latin letters, like that channel's own, and not English."""
    begin, end = bisect_left(lexicon, "a"), bisect_left(lexicon, "{")
    df = lexicon.df[begin:end].astype(np.int64)
    if df.sum() - _english(lexicon, int(df.sum())) <= LATIN_SHARE * lexicon.df.sum(dtype=np.int64):
        return False
    cost = letters = 0.0
    for at in np.argsort(-df, kind="stable")[:LOOKED_AT].tolist():
        often = max(1.0, float(df[at])) ** 0.5
        codes = trigram_codes(lexicon[begin + at])
        cost += float(often * channel.trigrams[codes].sum(dtype=np.int64) / QUANTUM)
        letters += often * len(codes)
    return cost / letters < _own_surprise(channel) + SURPRISE


def _english(lexicon: Lexicon, latin: int) -> float:
    """How much of what the documents hold is English, by its function words; `latin`: in Latin letters."""
    terms = [term for word in FUNCTION_WORDS if (term := lexicon.find(word)) is not None]
    seen = lexicon.df[terms].astype(np.int64)
    length = latin / max(1, seen.max(initial=0))  # the commonest one is in nearly every English document
    return float(seen.sum() * (length + ENGLISH) / len(FUNCTION_WORDS))


def _own_surprise(channel: Channel) -> float:
    """Bits a letter, the word's end among them, of words drawn from the channel's trigrams."""
    p = np.exp2(channel.trigrams.reshape(28, 28, 28) / -QUANTUM)
    p /= p.sum(2, keepdims=True)
    bits = -(p * np.log2(p)).sum(2)
    here, times = np.zeros((28, 28)), np.zeros((28, 28))  # by the two letters before
    here[0, 0] = 1.0
    for _ in range(LONGEST):
        times += here
        here = np.einsum("ab,abc->bc", here, p)
        here[:, 0] = 0.0
    return float((times * bits).sum() / times.sum())


def _beginnings(channel: Channel) -> NDArray[np.int64]:
    """The beginnings of a channel's spellings, as keys."""
    begun: set[int] = set()
    for key in channel.spellings.tolist():
        while key := key >> 6:
            begun.add(key)
    return np.array(sorted(begun), np.int64)
