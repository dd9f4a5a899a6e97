"""Pairs of characters beside words, in scripts that put no spaces between words, and in Korean.

A name that no dictionary has is cut in one way here and in another there, and so is what stands beside it.
Pairs of characters match all the same: BM25 of words and, at `WEIGHT`, of pairs finds more than either does
(docs/experiments.md). Numbers are in pairs, too. Pairs are no terms of the lexicon and nothing is read as
one: what a query has in native script brings its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from scriptbridge import segmentation, text
from scriptbridge.types import Expansion, Token

__all__ = ["WEIGHT", "of_query", "of_text"]

WEIGHT = 0.5  # of a pair beside a word


def of_text(value: str) -> list[str]:
    """The pairs of a document's text; none where it is in other scripts alone.

    >>> of_text("北京大学 2010")
    ['北京', '京大', '大学', '20', '01', '10']
    """
    return _pairs(text.terms(value, segmentation.WHOLE)) if segmentation.is_cut(value) else []


def of_query(expansion: Expansion) -> list[str]:
    """The pairs of what a query has in such a script, and of its numbers."""
    return _pairs(_whole(position.token for position in expansion.positions))


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
