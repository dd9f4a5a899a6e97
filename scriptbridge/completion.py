"""What a query's last word, still being typed, may become."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import kernels, weights
from .decoding import Decoder
from .keyboards import Keyboards
from .lexicon import Lexicon
from .retyping import EXPLAINED, WRONG
from .types import Beside, Completion, Token
from .weights import PRIOR, SHARPNESS

__all__ = ["BEFORE", "Completer", "CountBeside"]

LEAST_COMPLETION = 0.01  # probability of a completion
NODES = 10  # of the trie that a beginning in Latin letters leads to ...
TERMS = 100  # ... and terms below them that are looked at; ...
WIDE = 40  # ... so many nodes ...
IN_CONTEXT = 300  # ... and terms where words before have a say
BEFORE = 6  # words that have a say, the nearest

CountBeside = Callable[[Mapping[str, int]], Sequence[Beside]]  # of terms, with their document frequencies


class _Begun(NamedTuple):
    weight: float
    language: str | None


class Completer:
    """Completes words by a lexicon's terms. `codes` are the languages of the layouts, by their numbers."""

    def __init__(self, lexicon: Lexicon, keyboards: Keyboards, codes: Sequence[str]) -> None:
        self._lexicon = lexicon
        self._keyboards = keyboards
        self._codes = codes

    def complete(
        self,
        prefix: str,
        typed: Token,
        decoders: Sequence[Decoder],
        n: int,
        beside: CountBeside | None = None,
    ) -> list[Completion]:
        """The `n` likeliest terms that begin with `typed`, the last token of `prefix`.

        `decoders` are those of the languages it may be in; `beside` tells how frequent terms are beside the
        words before, else they are as likely as they are frequent.
        """
        nodes = max(n, NODES) if beside is None else WIDE
        most = max(n, TERMS if beside is None else IN_CONTEXT)
        begun = self._begun(typed.text, decoders, nodes, most)
        said = math.fsum(each.weight for each in begun.values())
        outside = weights.outside(typed.text)
        if typed.script == "Latn" and said < EXPLAINED * outside:
            begun |= self._begun_elsewhere(prefix, most)
        counts: dict[int, int] = {}
        if beside is not None:
            begun, counts = self._in_context(begun, beside, most)
        total = outside + math.fsum(each.weight for each in begun.values())
        df = self._lexicon.df
        best = heapq.nsmallest(n, begun.items(), key=lambda item: (-item[1].weight, -df[item[0]], item[0]))
        return [
            Completion(self._lexicon[term], float(weight / total), int(df[term]), language, counts.get(term))
            for term, (weight, language) in best
            if language is None or weight >= LEAST_COMPLETION * total
        ]

    def _begun(self, typed: str, decoders: Sequence[Decoder], nodes: int, most: int) -> dict[int, _Begun]:
        """Terms that begin so, as typed or in the decoders' languages."""
        lexicon = self._lexicon
        begun = {
            term: _Begun(weights.own(lexicon, typed, term), None) for term in self._beginning(typed, most)
        }
        for decoder in decoders:
            for term, likelihood in self._below(*decoder.read(typed, nodes, prefix=True), most):
                weight = weights.weight(lexicon, term, likelihood)
                if weight > begun.get(term, _Begun(0.0, None)).weight:
                    begun[term] = _Begun(weight, decoder.channel.language)
        return begun

    def _begun_elsewhere(self, prefix: str, most: int) -> dict[int, _Begun]:
        """Terms that the keys of the word being typed begin on other layouts."""
        return {
            term: _Begun(WRONG * weights.prior(self._lexicon, term), self._codes[layout])
            for layout, word in self._keyboards.begun(prefix)
            for term in self._beginning(word, most)
        }

    def _in_context(
        self, begun: Mapping[int, _Begun], beside: CountBeside, most: int
    ) -> tuple[dict[int, _Begun], dict[int, int]]:
        """The likeliest terms, weighed by how frequent they are beside other words, and how many documents
        hold each with these.
        """
        df = self._lexicon.df
        likeliest = heapq.nlargest(most, begun, key=lambda term: (begun[term].weight, -term))
        found = beside({self._lexicon[term]: int(df[term]) for term in likeliest})
        weighed, counts = {}, {}
        for term, each in zip(likeliest, found, strict=True):
            weight, language = begun[term]
            weighed[term] = _Begun(weight * (each.frequency / max(1, df[term])) ** PRIOR, language)
            counts[term] = each.documents
        return weighed, counts

    def _beginning(self, letters: str, most: int) -> list[int]:
        """The most frequent terms that begin with letters as they are."""
        nodes = np.array(self._lexicon.nodes(letters), np.int32)
        return [term for term, _ in self._below(nodes, np.ones(len(nodes)), most)]

    def _below(
        self, nodes: NDArray[np.int32], likelihoods: NDArray[np.float64], most: int
    ) -> list[tuple[int, float]]:
        """The terms of the likeliest entries at and below nodes, at most so many, with P(token | term), given
        P(token | node).
        """
        lexicon = self._lexicon
        arrays = (lexicon.label, lexicon.first, lexicon.term, lexicon.top, *self._powers)
        entries, of = kernels.heaviest(nodes, likelihoods, most, *arrays)
        return [
            (term, share * likelihood)
            for entry, likelihood in zip(entries.tolist(), likelihoods[of].tolist(), strict=True)
            for term, share in lexicon.named(entry)
        ]

    @cached_property
    def _powers(self) -> weights.Powers:
        """df ** (PRIOR / SHARPNESS) of the entries, and of the largest frequency of each rank."""
        largest = np.maximum(1.0, np.ceil(np.exp2(np.arange(1, 257) / 8)) - 1)
        return weights.powers(self._lexicon)[0], largest ** (PRIOR / SHARPNESS)
