"""Batches of a bi-encoder, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from .. import losses, models
from ..data import Examples, Query
from .options import TEMPERATURES, Translit
from .renaming import Renaming
from .sampling import Passages, Wordings, sides
from .teachers import Teachers

__all__ = ["Bi"]


class Bi:
    """Batches of a bi-encoder: all documents of a batch are negatives of the other queries."""

    def __init__(
        self,
        encoder: models.Bi,
        queries: Sequence[Query],
        passages: Passages,
        taught: Teachers,
        options: Translit,
        steps: int,
    ) -> None:
        self.encoder = encoder
        self._options = options
        self._steps = steps
        self._wordings = Wordings(queries, options.mix)
        self._passages = passages
        self._taught = taught
        self._queries = encoder.tokens(self._wordings.texts, "query", options.query_tokens)
        self._documents = encoder.tokens(self._passages.texts, "document", options.passage_tokens)
        self._renaming = (
            Renaming(self._documents, options.renamed, encoder.model.tokenizer) if options.renamed else None
        )

    def loss(self, number: int, queries: NDArray[np.int64], rng: np.random.Generator) -> torch.Tensor:
        """InfoNCE over the batch, with what the options add to it."""
        options = self._options
        rows, columns, mask = self._passages.drawn(queries, options.negatives, rng)
        drawn = self._wordings.drawn(queries, rng)
        names = self._renaming.drawn(rng) if self._renaming else None
        asked = self.encoder.vectors(self._queries, drawn, names)
        found = self.encoder.vectors(self._documents, rows, names)
        temperature = options.temperature or TEMPERATURES[options.kind]
        own, others = torch.from_numpy(columns).to(asked.device), torch.from_numpy(mask).to(asked.device)
        loss = options.label_weight * losses.info_nce(asked, found, own, temperature, others)
        if options.teachers:
            candidates = np.concatenate([columns[:, None], _others(columns, len(rows))], axis=1)  # (b, m)
            scores = losses.dot(asked, found).gather(1, torch.from_numpy(candidates).to(asked.device))
            hidden = others.gather(1, torch.from_numpy(candidates).to(asked.device))
            loss = loss + self._taught.loss(scores, queries, rows[candidates], temperature, hidden)
        if options.kind == "sparse":
            share = min(1.0, 3 * (number + 1) / self._steps) ** 2
            loss = loss + share * options.query_flops * losses.flops(asked)
            loss = loss + share * options.passage_flops * losses.flops(found)
        if options.script_weight:
            loss = loss + options.script_weight * self._scripts(queries, rng)
        return loss

    def judge(self, dev: Examples) -> Callable[[], float]:
        """nDCG@10 on dev, all of whose documents are searched."""
        rows = {id: row for row, id in enumerate(dev.documents)}
        documents = self.encoder.tokens(
            list(dev.documents.values()), "document", self._options.passage_tokens
        )
        asked = [
            (
                self.encoder.tokens(texts, "query", self._options.query_tokens),
                [[rows[id] for id in query.positives] for query in queries],
            )
            for texts, queries in sides(dev, self._options.mix)
        ]

        def figure() -> float:
            figures = [models.ndcg(self.encoder.scores(texts, documents), wanted) for texts, wanted in asked]
            return sum(figures) / len(figures)

        return figure

    def _scripts(self, queries: NDArray[np.int64], rng: np.random.Generator) -> torch.Tensor:
        native, latin = self._wordings.native(queries), self._wordings.latin(queries, rng)
        both = (native >= 0) & (latin >= 0)
        if not both.any():
            return torch.zeros((), device=self.encoder.model.device)
        return losses.script_contrastive(
            self.encoder.vectors(self._queries, native[both]),
            self.encoder.vectors(self._queries, latin[both]),
            self._options.script_temperature,
        )


def _others(columns: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """The columns (b, size - 1) but each row's own one."""
    others = np.broadcast_to(np.arange(size - 1), (len(columns), size - 1))
    return others + (others >= columns[:, None])
