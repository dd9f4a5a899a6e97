"""What teachers find of queries and documents, and how far a student's scores are from that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from scriptbridge import encoders
from scriptbridge.encoders import specs

from .. import losses
from .. import teacher as teaching
from ..data import Query
from .lexical import Lexical
from .options import CROSS, LEXICAL, Translit

__all__ = ["Teachers", "joined"]


class _Teacher(Protocol):
    def scores(self, queries: NDArray[np.int64], passages: NDArray[np.int64]) -> NDArray[np.float32]:
        """Of passages (b, n) for queries (b,), by their numbers."""


class _Dense:
    """Cosines of a dense encoder's vectors, which are kept on disk."""

    def __init__(self, spec: str, queries: Sequence[str], passages: Sequence[str], cache: Path) -> None:
        self._queries = teaching.cached(spec, "queries", queries, cache)
        self._passages = teaching.cached(spec, "documents", passages, cache)

    def scores(self, queries: NDArray[np.int64], passages: NDArray[np.int64]) -> NDArray[np.float32]:
        cosines: NDArray[np.float32] = np.einsum(
            "bd,bnd->bn", self._queries[queries], self._passages[passages]
        )
        return cosines


class _Cross:
    """Scores of a cross-encoder, asked for anew with each batch."""

    def __init__(self, spec: str, queries: Sequence[str], passages: Sequence[str]) -> None:
        self._encoder = encoders.cross(specs.of_model(spec))
        self._queries, self._passages = queries, passages

    def scores(self, queries: NDArray[np.int64], passages: NDArray[np.int64]) -> NDArray[np.float32]:
        rows = [
            self._encoder.score(self._queries[query], [self._passages[number] for number in row])
            for query, row in zip(queries, passages, strict=True)
        ]
        return np.stack(rows).astype(np.float32)


class Teachers:
    """What teachers find of queries and documents, and how far a student's scores are from that."""

    def __init__(
        self, queries: Sequence[Query], passages: Sequence[str], options: Translit, cache: Path
    ) -> None:
        asked = [query.native or query.latin[0] for query in queries]
        self._options = options
        self._teachers: list[_Teacher] = [
            Lexical(asked, passages)
            if teacher == LEXICAL
            else _Cross(teacher.removeprefix(CROSS), asked, passages)
            if teacher.startswith(CROSS)
            else _Dense(teacher, asked, passages, cache)
            for teacher in options.teachers
        ]

    def loss(
        self,
        scores: torch.Tensor,
        queries: NDArray[np.int64],
        passages: NDArray[np.int64],
        temperature: float,
        mask: torch.Tensor,
    ) -> torch.Tensor:
        """Of the student's scores (b, n) of these passages (b, n), each query's own one first; the mask
        (b, n) has those that do not count.
        """
        options = self._options
        wanted = joined(
            [
                torch.from_numpy(teacher.scores(queries, passages)).to(scores.device)
                for teacher in self._teachers
            ],
            mask,
        )
        loss = torch.zeros((), device=scores.device)
        if options.kl_weight:
            kl = losses.listwise_kl(scores, wanted, temperature, options.teacher_temperature, mask)
            # Its gradients are those of a temperature of 1; InfoNCE's, beside it, are not.
            loss = loss + options.kl_weight * kl / temperature**2
        if options.margin_weight:
            wanted = wanted * (temperature / options.teacher_temperature)  # on the student's scale
            margin = losses.margin_mse(scores[:, 0], scores[:, 1:], wanted[:, 0], wanted[:, 1:], mask[:, 1:])
            loss = loss + options.margin_weight * margin
        return loss


def joined(scores: Sequence[torch.Tensor], mask: torch.Tensor) -> torch.Tensor:
    """One teacher's scores (b, n) of several's: their mean after normalisation, spread as theirs are.

    Normalised scores alone would reach from 0 to 1 in each row, several times as far as cosines do: at a
    temperature for cosines, all but the best candidate would count for nothing. Of one teacher, all scores
    are less by the row's least. mask (b, n) bool has those that do not count.

    >>> two = [torch.tensor([[0.5, 0.3, 0.1]]), torch.tensor([[0.90, 0.75, 0.70]])]
    >>> [round(each, 3) for each in joined(two, torch.zeros(1, 3, dtype=torch.bool))[0].tolist()]
    [0.3, 0.113, 0.0]
    """
    spread = torch.stack([losses.spread(each, mask) for each in scores]).mean(dim=0)  # (b, 1)
    return losses.average_teachers(scores, mask) * spread
