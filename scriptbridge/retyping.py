"""Queries that were typed on another keyboard layout than they should be: which words they are there.

What the keys type on other layouts (`keyboards`) is one more source of terms for a token, numbered after the
languages. Keys of signs are letters elsewhere (``k.,jdm`` is любовь), so a word may take several tokens,
which are then joined where more speaks for it than for these.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from . import identification
from .identification import MIXED, OTHERS
from .keyboards import Typed
from .lexicon import Lexicon
from .types import Token
from .weights import NOTHING, PRIOR, SHARPNESS, Found, Terms, itself, outside, prior

__all__ = ["EXPLAINED", "WRONG", "beliefs", "joined", "merged", "unexplained"]

WRONG_LAYOUT = 1e-3  # of the queries are typed on another keyboard layout than they should be
WRONG = WRONG_LAYOUT**SHARPNESS  # a term's weight there, of what it would be
EXPLAINED = 3.0  # times what speaks for no term: with more for some, no other layout is thought of
NEVER_WITHIN = re.compile(r"[][;{}\\|`<>:\"=~]")  # between letters without a space, but on other layouts
NEVER_BEFORE = re.compile(r"[];{}\\|`<>:,=~]")  # a word, likewise
_LOG_WRONG = SHARPNESS * math.log(WRONG_LAYOUT)


def unexplained(lexicon: Lexicon, token: str, found: Found) -> bool:
    """Whether so little speaks for a token, as it was typed, that other layouts are to be thought of."""
    return _explained(lexicon, token, found) < EXPLAINED * outside(token)


def _explained(lexicon: Lexicon, token: str, found: Found) -> float:
    """How much speaks for any term, in the Latin letters or native script that were typed."""
    return itself(lexicon, token) + math.fsum(terms.total for terms in found.values())


def joined(
    lexicon: Lexicon,
    query: str,
    tokens: Sequence[Token],
    typed: Sequence[Typed],
    found: Mapping[str, Found],
) -> tuple[list[Token], Mapping[str, Found]]:
    """The tokens, those joined whose keys are one word's, and the terms that layouts give for each.

    `typed` is what `Keyboards.read` gives, `found` what the tokens may mean as they are.
    """
    surplus = _surplus(lexicon, query, tokens, typed, found)
    words: dict[int, Typed] = {}
    taken: set[int] = set()
    for each in sorted(surplus, key=lambda each: -surplus[each]):
        if surplus[each] > 0 and taken.isdisjoint(range(each.first, each.last)):
            words[each.first] = each
            taken.update(range(each.first, each.last))
    result: list[Token] = []
    for at, token in enumerate(tokens):
        if at in words:
            parts = [(start, end) for start, end, _ in words[at].terms]
            result += [Token(query[start:end].lower(), start, end, token.script) for start, end in parts]
        elif at not in taken:
            result.append(token)
    places = {(token.start, token.end): token.text for token in result}
    terms: dict[str, dict[int, Terms]] = {}
    for each in typed:
        for start, end, term in each.terms:
            if (start, end) in places:
                meant = terms.setdefault(places[start, end], {})
                meant[each.layout] = Terms.one(term, prior(lexicon, term))
    return result, terms


def _surplus(
    lexicon: Lexicon,
    query: str,
    tokens: Sequence[Token],
    typed: Sequence[Typed],
    found: Mapping[str, Found],
) -> dict[Typed, float]:
    """How much more, as a log, speaks for what joins tokens on another layout than for these."""
    apart = [
        math.log(outside(token.text) + _explained(lexicon, token.text, found.get(token.text, {})))
        for token in tokens
    ]
    surplus = {}
    for each in typed:
        if each.recuts(tokens):
            begin, end = tokens[each.first].start, tokens[each.last - 1].end
            never = NEVER_BEFORE.search(query[each.start : begin]) or NEVER_WITHIN.search(query[begin:end])
            elsewhere = OTHERS * _elsewhere(lexicon, each, tokens, typed, apart)
            more = (each.last - each.first - len(each.terms)) * PRIOR * math.log(lexicon.documents)
            surplus[each] = (
                min(0.0, (0.0 if never else _LOG_WRONG) + max(elsewhere, math.log(MIXED)))
                + math.fsum(math.log(prior(lexicon, term)) for _, _, term in each.terms)
                + more  # a word more is a df ** PRIOR more
                - math.fsum(apart[each.first : each.last])
            )
    return surplus


def _elsewhere(
    lexicon: Lexicon,
    of: Typed,
    tokens: Sequence[Token],
    typed: Sequence[Typed],
    apart: Sequence[float],
) -> float:
    """How much, as a log, the Latin tokens that nothing joins speak for that layout."""
    same = [other for other in typed if other.layout == of.layout]
    taken = {at for other in same if other.recuts(tokens) for at in range(other.first, other.last)}
    single = {other.first: prior(lexicon, other.terms[0][2]) for other in same}
    return math.fsum(
        math.log(outside(token.text) + single.get(at, 0.0)) - apart[at]
        for at, token in enumerate(tokens)
        if token.script == "Latn" and at not in taken
    )


def merged(
    tokens: Sequence[Token], found: Mapping[str, Found], elsewhere: Mapping[str, Found]
) -> dict[str, Found]:
    """What each token may mean in all languages and on all layouts, where it may mean anything."""
    languages = list(dict.fromkeys(at for each in found.values() for at in each))
    layouts = {at for each in elsewhere.values() for at in each}
    return {
        token: {
            **found.get(token, dict.fromkeys(languages, NOTHING)),
            **{at: elsewhere.get(token, {}).get(at, NOTHING) for at in layouts},
        }
        for token in dict.fromkeys(token.text for token in tokens)
        if token in found or token in elsewhere
    }


def beliefs(
    others: Mapping[int, float], languages: Iterable[int], layouts: Iterable[int]
) -> dict[int, float]:
    """`identification.beliefs` of a token in the languages, and how far it may have been typed on the
    layouts.
    """
    believed = identification.beliefs({at: others[at] for at in languages})
    best = max((others[at] for at in believed), default=0.0)
    for at in layouts:
        believed[at] = math.exp(min(0.0, _LOG_WRONG + max(others[at] - best, math.log(MIXED))))
    return believed
