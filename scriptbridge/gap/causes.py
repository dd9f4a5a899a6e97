"""Why a query finds less in Latin letters: which word loses it, and how.

A query's Latin words are set beside its native ones. Where a system tells its readings, they show which
words it misread. Then each suspect's native word is put back into the Latin query, one at a time, and the
system searches again: the word that loses the query is the one whose return brings most back. That works
for any system that searches; one that tells no readings has every word under suspicion.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from scriptbridge import languages, text
from scriptbridge.channel import Channel
from scriptbridge.errors import ChannelError, LanguageError
from scriptbridge.types import Expansion, Token

__all__ = ["CAUSES", "Diagnosis", "aligned", "diagnose"]

CAUSES: Mapping[str, str] = {
    "no reading": "The word is typed as people do, and the right native word is not among its readings.",
    "wrong reading first": "The right native word is among the readings, behind another.",
    "segmentation": "Words are joined or split otherwise than in native script.",
    "ambiguity": "Every word's first reading is right; other readings led elsewhere. The least sure one "
    "is named.",
    "noise": "What was typed is far from any usual spelling: slips, dropped letters, another keyboard.",
    "unread": "The system shows no readings. The word named is the one that, put back in native script, "
    "brings most back.",
    "failed": "The system gave an error instead of an answer.",
    "unknown": "No single word, put back in native script, brings anything back.",
}
"""The causes of lost queries, explained."""

NOISY = math.log(0.1)  # a letter: log P(latin | native) below it is nobody's usual spelling
WORDS = 32  # of a query that are looked at; and letters of a word:
LETTERS = 64
SEARCHES = 16  # with a word put back, at most, for one query
_JOINED = -1.0  # a letter: what it costs an alignment to join or split words
_DROPPED = -4.0  # a letter: and to leave a word without a counterpart


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A cause; the Latin word and the native one that it stands for, as written, and its readings."""

    cause: str
    token: str | None = None
    missed: str | None = None
    readings: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class _Suspect:
    cause: str
    latin: tuple[Token, ...]
    native: tuple[Token, ...]
    readings: tuple[tuple[str, float], ...] = ()

    @property
    def length(self) -> int:
        """Letters of the native words: of equal suspects the longest, which tells most, is named."""
        return sum(len(token.text) for token in self.native)


def diagnose(
    latin: str,
    native: str,
    language: str | None,
    readings: Expansion | None,
    effectiveness: Callable[[str], float] | None,
) -> Diagnosis:
    """What loses the query `latin`, which asks for what `native` asks for.

    `readings` are the system's of `latin`, where it tells any. `effectiveness` searches a query and measures
    what it finds (nDCG@10); None where there are only run files. `language` is the native query's. Of either
    query the first `WORDS` words are looked at, and `SEARCHES` of them put back, the likeliest causes first.
    """
    channel = _channel(language or languages.detect(text.terms(native)))
    pairs = aligned(text.tokenize(latin)[:WORDS], text.tokenize(native)[:WORDS], channel)
    suspects = [suspect for pair in pairs if (suspect := _suspected(*pair, channel, readings))]
    if not suspects:
        return _doubtful(readings)
    if effectiveness is not None:
        without = effectiveness(latin)
        suspects = sorted(suspects, key=_likeliest)[:SEARCHES]
        gains = [effectiveness(_put_back(latin, native, each)) - without for each in suspects]
        if max(gains) <= 0:
            return Diagnosis("unknown")
        suspects = [each for each, gain in zip(suspects, gains, strict=True) if gain == max(gains)]
    guilty = min(suspects, key=_likeliest)
    typed, meant = _written(latin, guilty.latin), _written(native, guilty.native)
    return Diagnosis(guilty.cause, typed or None, meant or None, guilty.readings)


_SEVERITY = ("segmentation", "no reading", "noise", "wrong reading first", "unread")


def _likeliest(suspect: _Suspect) -> tuple[int, int]:
    return _SEVERITY.index(suspect.cause), -suspect.length


def _suspected(
    latin: tuple[Token, ...],
    native: tuple[Token, ...],
    channel: Channel | None,
    readings: Expansion | None,
) -> _Suspect | None:
    """The pair's words, if they may have lost the query."""
    if [token.text for token in latin] == [token.text for token in native]:
        return None
    if len(latin) != 1 or len(native) != 1:
        return _Suspect("segmentation", latin, native)
    typed, meant = latin[0].text, native[0].text
    noisy = channel is not None and _points(channel, typed, meant) < NOISY * len(typed)
    if readings is None:
        return _Suspect("noise" if noisy else "unread", latin, native)
    found = next(
        (position.readings for position in readings.positions if position.token.start == latin[0].start), ()
    )
    terms = [reading.term for reading in found]
    listed = tuple((reading.term, reading.probability) for reading in found)
    if meant not in terms:
        return _Suspect("noise" if noisy else "no reading", latin, native, listed)
    return None if terms[0] == meant else _Suspect("wrong reading first", latin, native, listed)


def _doubtful(readings: Expansion | None) -> Diagnosis:
    """Every first reading is right: the word whose first reading is the least sure."""
    if readings is None:
        return Diagnosis("unknown")
    read = [position for position in readings.positions if position.readings]
    if not read:
        return Diagnosis("ambiguity")
    least = min(read, key=lambda position: position.readings[0].probability)
    listed = tuple((reading.term, reading.probability) for reading in least.readings)
    return Diagnosis("ambiguity", least.token.text, None, listed)


def _put_back(latin: str, native: str, suspect: _Suspect) -> str:
    """The query with a suspect's native word in the place of what was typed."""
    meant = _written(native, suspect.native)
    if not suspect.latin:
        return f"{latin} {meant}"
    return f"{latin[: suspect.latin[0].start]}{meant}{latin[suspect.latin[-1].end :]}"


def _written(query: str, tokens: Sequence[Token]) -> str:
    return query[tokens[0].start : tokens[-1].end] if tokens else ""


# ---- which Latin words stand for which native ones


def aligned(
    latin: Sequence[Token], native: Sequence[Token], channel: Channel | None
) -> list[tuple[tuple[Token, ...], tuple[Token, ...]]]:
    """Latin tokens beside the native ones they stand for, in order.

    As many of both: one by one. Otherwise the likeliest monotone alignment under the channel, in which a
    word may stand for two, two for one, or one for none; without a channel, everything for everything.
    """
    if len(latin) == len(native):
        return [((token,), (word,)) for token, word in zip(latin, native, strict=True)]
    if channel is None:
        return [(tuple(latin), tuple(native))]
    best: dict[tuple[int, int], tuple[float, tuple[int, int]]] = {(0, 0): (0.0, (0, 0))}
    for at, to in itertools.product(range(len(latin) + 1), range(len(native) + 1)):
        for step in _STEPS:
            there = (at + step[0], to + step[1])
            if (at, to) not in best or there[0] > len(latin) or there[1] > len(native):
                continue
            typed = "".join(token.text for token in latin[at : there[0]])
            meant = "".join(token.text for token in native[to : there[1]])
            points = best[at, to][0] + _likeness(channel, typed, meant, step)
            if there not in best or points > best[there][0]:
                best[there] = points, (at, to)
    pairs = []
    here = (len(latin), len(native))
    while here != (0, 0):
        there = best[here][1]
        pairs.append((tuple(latin[there[0] : here[0]]), tuple(native[there[1] : here[1]])))
        here = there
    return pairs[::-1]


_STEPS = ((1, 1), (1, 2), (2, 1), (1, 0), (0, 1))  # Latin words, native words


def _likeness(channel: Channel, latin: str, native: str, step: tuple[int, int]) -> float:
    length = max(len(latin), len(native))
    if not latin or not native:
        return _DROPPED * length
    points = max(_points(channel, latin, native), _DROPPED * length)
    return points if step == (1, 1) else points + _JOINED * length


def _points(channel: Channel, latin: str, native: str) -> float:
    """log P(latin | native); none for what is too long for a word."""
    return channel.score(native, latin) if max(len(latin), len(native)) <= LETTERS else -math.inf


@lru_cache(maxsize=64)
def _channel(language: str | None) -> Channel | None:
    try:
        return None if language is None else Channel.load(language)
    except (LanguageError, ChannelError):
        return None
