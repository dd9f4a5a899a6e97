"""Pairs of characters beside words, in scripts that put no spaces between words, and in Korean.

A name that no dictionary has is cut in one way here and in another there, and so is what stands beside it.
Pairs of characters match all the same: BM25 of words and, at `WEIGHT`, of pairs finds more than either does
(docs/experiments.md). Numbers are in pairs, too. Pairs are no terms of the lexicon and nothing is read as
one: what a query has in native script brings its own, and words that are read in Latin letters bring those
that they make where they meet.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from scriptbridge import segmentation, text
from scriptbridge.types import Expansion, Position, Token

__all__ = ["WEIGHT", "of_query", "of_text"]

WEIGHT = 0.5  # of a pair beside a word
READINGS = 5  # of a word whose pairs with the next one are sought


def of_text(value: str) -> list[str]:
    """The pairs of a document's text; none where it is in other scripts alone.

    >>> of_text("北京大学 2010")
    ['北京', '京大', '大学', '20', '01', '10']
    """
    return _pairs(text.terms(value, segmentation.WHOLE)) if segmentation.is_cut(value) else []


def of_query(expansion: Expansion) -> list[dict[str, float]]:
    """The pairs of a query with their weights; of each dict, the best that a document has counts."""
    native: list[dict[str, float]] = [
        {pair: WEIGHT} for pair in _pairs(_whole(position.token for position in expansion.positions))
    ]
    met = (_met(first, second) for first, second in pairwise(expansion.positions))
    return [*native, *(pairs for pairs in met if pairs)]


def _met(first: Position, second: Position) -> dict[str, float]:
    """The pairs that the readings of two words make, one of which at least is typed in Latin letters."""
    apart = second.token.start - first.token.end > 1
    if (
        apart
        or "Latn" not in (first.token.script, second.token.script)
        or not (_read(first) and _read(second))
    ):
        return {}
    last = _letters((each.term[-1], each.weight) for each in first.readings[:READINGS])
    begin = _letters((each.term[0], each.weight) for each in second.readings[:READINGS])
    return {a + b: WEIGHT * before * after for a, before in last.items() for b, after in begin.items()}


def _letters(weighed: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The letters of such scripts, each with the most that it weighs."""
    best: dict[str, float] = {}
    for letter, weight in weighed:
        if weight > best.get(letter, 0.0) and segmentation.is_cut(letter):
            best[letter] = weight
    return best


def _read(position: Position) -> bool:
    """Whether the likeliest reading is in such a script, so that others cost little."""
    return bool(position.readings) and segmentation.is_cut(position.readings[0].term)


def _whole(tokens: Iterable[Token]) -> list[str]:
    """The words that were cut into these tokens, some of which overlap."""
    words: list[str] = []
    end, script = -1, "Latn"
    for token in tokens:
        if token.start == end and "Latn" not in (script, token.script):
            words[-1] += token.text
        elif token.start >= end:
            words.append(token.text)
        else:
            continue
        end, script = token.end, token.script
    return words


def _pairs(words: list[str]) -> list[str]:
    cut = [word for word in words if segmentation.is_cut(word) and text.script_of(word) != "Latn"]
    if cut:
        cut += [word for word in words if text.script_of(word) == "Zyyy"]
    return [word[at : at + 2] for word in cut for at in range(len(word) - 1)]
