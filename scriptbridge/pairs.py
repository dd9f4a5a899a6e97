"""Files of pairs, and what a channel learned from one is worth on the pairs held out."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from . import files, languages, segmentation, sounds, text
from .bridge import Bridge
from .channel import NOISE, Channel, encode_latin
from .errors import ChannelError, DocumentError
from .estimation import MAX_WEIGHT, Change, changes
from .lexicon import Lexicon

__all__ = ["Lesson", "Pair", "Quality", "learn", "read_pairs"]

HELD_OUT = 0.1  # of the native words
ENOUGH_WORDS = 20  # native words, to hold some of them out
MEASURED = 2000  # pairs held out that are measured, at most
FLOOR = math.log(
    NOISE
)  # log P a Latin letter at the least: one pair beyond belief must not be the whole mean


class Pair(NamedTuple):
    """A native word, how somebody wrote it in Latin letters, and how often."""

    native: str
    latin: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Quality:
    """Of a channel on pairs.

    `log_likelihood` is the mean log P(latin | native), natural, of a Latin letter; `top1` the share of Latin
    words whose likeliest reading, over all native words of the file, is the one they were written for.
    """

    log_likelihood: float
    top1: float


@dataclass(frozen=True, slots=True)
class Lesson:
    """A channel learned from all pairs of a file, and how one learned without those held out did on them.

    `before` is the quality there of what was known (the shipped channel, or what to start from; a new
    language's: its scheme), `after` the learned one's; both None where there were too few words to hold any
    out. `changes` are the largest from what was known to `channel`.
    """

    channel: Channel
    used: int
    left_out: int
    held_out: int
    before: Quality | None
    after: Quality | None
    changes: tuple[Change, ...]


def read_pairs(path: str | Path) -> Iterator[list[Pair]]:
    """The pairs of every line ``native<TAB>latin[<TAB>weight]`` of a UTF-8 file, gzipped if named .gz.

    A phrase gives a pair a word; none where its two sides have different numbers of words. A first line
    ``native<TAB>latin…`` is a header. DocumentError names file, line and column of what cannot be read.
    """
    path = Path(path)
    with files.reading(path, DocumentError), files.unpacked(path) as lines:
        for number, line in enumerate(lines, 1):
            cells = _cells(line, f"{path}:{number}")
            if cells and not (number == 1 and cells[:2] == ["native", "latin"]):
                yield _words(cells, f"{path}:{number}")


def _cells(line: bytes, place: str) -> list[str]:
    try:
        decoded = line.decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError as error:
        raise DocumentError(f"{place}: not UTF-8 text: {error.reason} at byte {error.start}") from error
    return decoded.split("\t") if decoded.strip() else []


def _words(cells: Sequence[str], place: str) -> list[Pair]:
    if len(cells) not in (2, 3):
        raise DocumentError(
            f"{place}: {len(cells)} column{'s' * (len(cells) != 1)} came; accepted are native, latin and "
            "perhaps weight, with a tab between"
        )
    natives, latins = text.terms(cells[0]), text.terms(cells[1])
    weight = _weight(cells[2], place) if len(cells) == 3 else 1.0
    if len(natives) != len(latins):
        return []
    return [Pair(native, latin, weight) for native, latin in zip(natives, latins, strict=True)]


def _weight(cell: str, place: str) -> float:
    try:
        weight = float(cell)
    except ValueError:
        weight = math.nan
    if not 0 < weight <= MAX_WEIGHT:
        raise DocumentError(
            f"{place}: weight: {cell!r} came; accepted are numbers above 0, up to {MAX_WEIGHT:,}"
        )
    return weight


def learn(
    path: str | Path,
    lang: str | languages.Language,
    seed: int = 0,
    start: Channel | None = None,
    from_scheme: bool = False,
) -> Lesson:
    """Learn a language's channel from a file of pairs, and measure on a tenth of its words what it is worth.

    The prior is the shipped channel of a language that has one, else the scheme; or `start`, a channel of
    this language or of a related one, which speaks of the letters that both have; with `from_scheme`, the
    scheme alone. ChannelError where no pair can be used, MissingExtraError where nothing here cuts what is
    native into words. `seed` chooses the words held out.
    """
    language = languages.load(lang) if isinstance(lang, str) else lang
    known = Channel.load(lang) if isinstance(lang, str) else Channel.from_scheme(language)
    begun = None if from_scheme or not isinstance(lang, str) else known
    if start is not None:
        known = start if start.language == language.code else Channel.from_scheme(language, start)
        begun = known
    segmentation.require_words(known.letters)
    lines = list(read_pairs(path))
    if not lines:
        raise ChannelError(
            f"{path}: holds no pairs; accepted are lines of a native word, a tab and a Latin word"
        )
    pairs = [pair for line in lines for pair in line]
    usable = [pair for pair in pairs if _fits(known, pair)]
    if not usable:
        raise ChannelError(
            f"{path}: none of {len(lines):,} lines can be used for {language.name}: accepted are words in "
            "its letters, a tab and Latin words of a-z, 0-9 and '"
        )
    rest, held = _split(usable, seed)
    before = after = None
    if held:
        terms = {pair.native: 1 for pair in usable}
        lexicon = Lexicon.from_terms(terms, forms=sounds.forms(terms, [known.sounds]))
        before = quality(known, held, lexicon)
        after = quality(Channel.learn(language, rest, start=begun), held, lexicon)
    channel = Channel.learn(language, usable, sources=[Path(path).name], start=begun)
    return Lesson(
        channel=channel,
        used=len(usable),
        left_out=len(pairs) - len(usable) + sum(not line for line in lines),
        held_out=len(held),
        before=before,
        after=after,
        changes=tuple(changes(known, channel, ((pair.native, pair.weight) for pair in usable))),
    )


def quality(channel: Channel, pairs: Sequence[Pair], lexicon: Lexicon) -> Quality:
    """A channel's quality on pairs whose native words are in the lexicon."""
    bridge = Bridge(lexicon, [channel])
    scores = [max(channel.score(pair.native, pair.latin), FLOOR * len(pair.latin)) for pair in pairs]
    first = [bridge.expand(pair.latin, n=1).positions[0].readings for pair in pairs]
    right = sum(
        bool(readings) and readings[0].term == pair.native
        for pair, readings in zip(pairs, first, strict=True)
    )
    return Quality(math.fsum(scores) / sum(len(pair.latin) for pair in pairs), right / len(pairs))


def _fits(channel: Channel, pair: Pair) -> bool:
    forms = channel.forms(pair.native)
    spelled = bool(forms) and channel.word_rows(forms[0][0]) is not None
    return spelled and encode_latin(pair.latin) is not None


def _split(pairs: Sequence[Pair], seed: int) -> tuple[list[Pair], list[Pair]]:
    """The pairs to learn from and those held out: all of a tenth of the words."""
    words = sorted({pair.native for pair in pairs})
    if len(words) < ENOUGH_WORDS:
        return list(pairs), []
    chosen = random.Random(seed)
    apart = set(chosen.sample(words, int(HELD_OUT * len(words))))
    held = [pair for pair in pairs if pair.native in apart]
    rest = [pair for pair in pairs if pair.native not in apart]
    return rest, chosen.sample(held, MEASURED) if len(held) > MEASURED else held
