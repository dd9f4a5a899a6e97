"""What students of a teacher's query vectors share: how far they are from these, and how they are judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from scriptbridge.errors import TrainingError

from . import align, losses, models
from .align import Align
from .data import Examples

__all__ = ["Ready", "distance", "judge", "spec"]

Ready = Callable[[Sequence[str]], Callable[[], NDArray[np.float32]]]
"""Makes texts ready once; what it gives encodes them, (n, d), as the student is by then."""


def spec(teacher: str) -> str:
    """The spec of a teacher that may be a model's bare name or folder."""
    return teacher if align._has_prefix(teacher) else f"st:{teacher}"


def distance(
    own: torch.Tensor, rows: NDArray[np.int64], targets: NDArray[np.float32], options: Align
) -> torch.Tensor:
    """How far the student's vectors (b, d) are from those rows (b,) of the teacher's (m, d), a scalar."""
    chosen, columns = np.unique(rows, return_inverse=True)
    wanted = torch.from_numpy(targets[chosen]).to(own.device)  # (queries, d), each once
    column = torch.from_numpy(columns).to(own.device)  # (b,)
    loss = losses.align(own, wanted[column], options.cosine_weight, options.mse_weight)
    if options.info_nce_weight:
        loss = loss + options.info_nce_weight * losses.info_nce(own, wanted, column, options.temperature)
    return loss


def judge(dev: Examples, teacher: str, folder: Path, ready: Ready) -> Callable[[], float]:
    """The figure, the higher the better, of a student of the teacher whose vectors are kept in `folder`.

    nDCG@10 over the teacher's vectors of the documents, the mean of native and Latin queries; where there are
    no documents, the mean cosine to the teacher's vectors of the native queries.
    """
    return _found(dev, teacher, folder, ready) if dev.documents else _near(dev, teacher, folder, ready)


def _found(dev: Examples, teacher: str, folder: Path, ready: Ready) -> Callable[[], float]:
    rows = {id: row for row, id in enumerate(dev.documents)}
    documents = align.cached(teacher, "documents", list(dev.documents.values()), folder)  # (m, d)
    asked = []
    for side in ("native", "latin"):
        there = [query for query in dev.queries if getattr(query, side) and query.positives]
        if there:
            texts = [query.native if side == "native" else query.latin[0] for query in there]
            asked.append((ready(texts), [[rows[id] for id in query.positives] for query in there]))
    if not asked:
        raise TrainingError("dev: no queries with positives")

    def figure() -> float:
        return float(np.mean([models.ndcg(encoded() @ documents.T, relevant) for encoded, relevant in asked]))

    return figure


def _near(dev: Examples, teacher: str, folder: Path, ready: Ready) -> Callable[[], float]:
    there = [query for query in dev.queries if query.native and query.latin]
    if not there:
        raise TrainingError("dev: no query with a native and a Latin form")
    targets = align.cached(teacher, "queries", [query.native for query in there], folder)  # (n, d)
    sides = [ready([query.latin[0] for query in there]), ready([query.native for query in there])]

    def figure() -> float:
        return float(np.mean([(encoded() * targets).sum(axis=1).mean() for encoded in sides]))

    return figure
