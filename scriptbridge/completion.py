"""What a query's last word, still being typed, may become."""

from __future__ import annotations

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
from .weights import PRIOR, SHARPNESS, SURE

__all__ = ["BEFORE", "Completer", "CountBeside"]

LEAST_COMPLETION = 0.01  # probability of a completion
NODES = 10  # of the trie that a beginning in Latin letters leads to ...
TERMS = 100  # ... and terms below them that are looked at; ...
WIDE = 40  # ... so many nodes ...
IN_CONTEXT = 300  # ... and terms where words before have a say
BEFORE = 6  # words that have a say, the nearest

CountBeside = Callable[[Mapping[str, int]], Sequence[Beside]]  # of terms, with their document frequencies


class _Begun(NamedTuple):
    """Terms, each with its weight and with the language whose channel or keyboard reads it so, None for what
    is typed as it is written; all of shape (terms,).
    """

    terms: NDArray[np.int32]
    weights: NDArray[np.float64]
    languages: NDArray[np.object_]

    def at(self, places: NDArray[np.int64]) -> _Begun:
        """Those at some places."""
        return _Begun(self.terms[places], self.weights[places], self.languages[places])


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
        words before, else they are as likely as they are frequent. Where all that are read so are
        together no likelier than a guess, only what begins as it is written is offered.
        """
        nodes = max(n, NODES) if beside is None else WIDE
        most = max(n, TERMS if beside is None else IN_CONTEXT)
        begun = self._begun(typed.text, decoders, nodes, most)
        outside = weights.outside(typed.text)
        if typed.script == "Latn" and begun.weights.sum() < EXPLAINED * outside:
            begun = _each_once([*self._begun_elsewhere(prefix, most), begun])
        counts = None
        if beside is not None:
            begun, counts = self._in_context(begun, beside, most)
        total = outside + begun.weights.sum()
        read = begun.weights[begun.languages.astype(bool)].sum()  # not as they are written
        least = LEAST_COMPLETION * total if read > SURE * (outside + read) else np.inf
        df = self._lexicon.df[begun.terms]
        best = np.lexsort((begun.terms, -df, -begun.weights))[:n]
        return [
            Completion(
                self._lexicon[int(begun.terms[at])],
                float(begun.weights[at] / total),
                int(df[at]),
                begun.languages[at],
                None if counts is None else counts[at],
            )
            for at in best.tolist()
            if begun.languages[at] is None or begun.weights[at] >= least
        ]

    def _begun(self, typed: str, decoders: Sequence[Decoder], nodes: int, most: int) -> _Begun:
        """Terms that begin so, as typed or in the decoders' languages."""
        found = [self._beginning(typed, weights.as_typed(typed), None, most)]
        for decoder in decoders:
            terms, likelihoods = self._below(*decoder.read(typed, nodes, prefix=True), most)
            found.append(self._weighed(terms, likelihoods**SHARPNESS, decoder.channel.language))
        return _each_once(found)

    def _begun_elsewhere(self, prefix: str, most: int) -> list[_Begun]:
        """Terms that the keys of the word being typed begin on other layouts, the last layout's first."""
        return [
            self._beginning(word, WRONG, self._codes[layout], most)
            for layout, word in reversed([*self._keyboards.begun(prefix)])
        ]

    def _beginning(self, letters: str, factor: float, language: str | None, most: int) -> _Begun:
        """The most frequent terms that begin with letters as they are."""
        nodes = np.array(self._lexicon.nodes(letters), np.int32)
        terms, _ = self._below(nodes, np.ones(len(nodes)), most)
        return self._weighed(terms, np.full(len(terms), factor), language)

    def _weighed(
        self, terms: NDArray[np.int32], factors: NDArray[np.float64], language: str | None
    ) -> _Begun:
        """Terms that weigh factors times what they do by themselves."""
        of_language = np.full(len(terms), language, np.object_)
        return _Begun(terms, factors * weights.priors(self._lexicon, terms), of_language)

    def _in_context(self, begun: _Begun, beside: CountBeside, most: int) -> tuple[_Begun, list[int]]:
        """The likeliest terms, weighed by how frequent they are beside other words, and how many documents
        hold each with these.
        """
        begun = begun.at(np.lexsort((begun.terms, -begun.weights))[:most])
        df = self._lexicon.df[begun.terms]
        words = map(self._lexicon.__getitem__, begun.terms.tolist())
        found = beside(dict(zip(words, df.tolist(), strict=True)))
        frequencies = np.array([each.frequency for each in found])
        weighed = begun.weights * (frequencies / np.maximum(1, df)) ** PRIOR
        return begun._replace(weights=weighed), [each.documents for each in found]

    def _below(
        self, nodes: NDArray[np.int32], likelihoods: NDArray[np.float64], most: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """The terms of the likeliest entries at and below nodes, at most so many, with P(token | term), given
        P(token | node).
        """
        lexicon = self._lexicon
        most = min(most, len(nodes) * len(lexicon.label))  # no int is too large
        arrays = (lexicon.label, lexicon.first, lexicon.term, lexicon.top, *self._powers)
        entries, of = kernels.heaviest(nodes, likelihoods, most, *arrays)
        terms, places, shares = lexicon.all_named(entries)
        return terms, shares * likelihoods[of[places]]

    @cached_property
    def _powers(self) -> weights.Powers:
        """df ** (PRIOR / SHARPNESS) of the entries, and of the largest frequency of each rank."""
        largest = np.maximum(1.0, np.ceil(np.exp2(np.arange(1, 257) / 8)) - 1)
        return weights.powers(self._lexicon)[0], largest ** (PRIOR / SHARPNESS)


def _each_once(begun: Sequence[_Begun]) -> _Begun:
    """Every term where it weighs most, the first of equals, in the order of their numbers."""
    every = _Begun(*(np.concatenate(each) for each in zip(*begun, strict=True)))
    heaviest = every.at(np.argsort(-every.weights, kind="stable"))
    return heaviest.at(np.unique(heaviest.terms, return_index=True)[1])
