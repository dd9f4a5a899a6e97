"""Subwords that trade names within a batch: a model learns to match words, not to know texts by heart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models import Tokens

__all__ = ["Renaming"]


class Renaming:
    """Draws, for each batch, which subwords go by the names of which others.

    Few documents are soon known by heart: the loss is near 0 while the words of other documents are matched
    no better than before. Where a share of the subwords trade names, the same in a batch's queries as in its
    documents, each batch has words never seen together, and matching them is all that helps. Only subwords
    about as frequent trade, so that what frequent ones are worth is still learned.
    """

    def __init__(self, texts: Tokens, share: float, tokenizer: Any) -> None:
        """From the documents to train on; ids that mean no text keep their names."""
        counts = np.bincount(texts.ids, minlength=len(tokenizer))
        counts[list(tokenizer.all_special_ids)] = 0
        octaves = np.frexp(counts)[1]  # 0 where there are none
        self._alike = [np.flatnonzero(octaves == each) for each in range(1, octaves.max(initial=0) + 1)]
        self._size, self._share = len(counts), share

    def drawn(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """The name (vocabulary,) of each subword: its own, or that of one as frequent."""
        names = np.arange(self._size)
        for ids in self._alike:
            trading = ids[rng.random(len(ids)) < self._share]
            names[trading] = rng.permutation(trading)
        return names
