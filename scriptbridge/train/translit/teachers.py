"""What teachers find of queries and documents, and how far a student's scores are from that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from .. import losses
from .. import teacher as teaching
from ..data import Query
from .options import Translit

__all__ = ["Teachers", "joined"]


class Teachers:
    """What teachers find of queries and documents, and how far a student's scores are from that."""

    def __init__(
        self, queries: Sequence[Query], passages: Sequence[str], options: Translit, cache: Path
    ) -> None:
        asked = [query.native or query.latin[0] for query in queries]
        self._options = options
        self._vectors = [
            (
                torch.from_numpy(teaching.cached(teacher, "queries", asked, cache)),
                torch.from_numpy(teaching.cached(teacher, "documents", passages, cache)),
            )
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
                torch.einsum("bd,bnd->bn", of_queries[queries], of_passages[passages]).to(scores.device)
                for of_queries, of_passages in self._vectors
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
