"""Batches of a cross-encoder, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from scriptbridge.errors import TrainingError
from scriptbridge.gap.baselines import PlainIndex
from scriptbridge.text import terms

from .. import losses, models
from ..data import Examples, Query
from ..trainer import draws
from .options import TEMPERATURES, Translit
from .sampling import Passages, Wordings, sides
from .teachers import Teachers

__all__ = ["RERANKED", "Cross", "reranked"]

RERANKED = 20  # documents that a cross-encoder orders for each query of dev


class Cross:
    """Batches of a cross-encoder: the loss of each query's own document among its candidates."""

    def __init__(
        self,
        encoder: models.Cross,
        queries: Sequence[Query],
        passages: Passages,
        taught: Teachers,
        options: Translit,
    ) -> None:
        self._encoder = encoder
        self._options = options
        self._wordings = Wordings(queries, options.mix)
        self._passages = passages
        self._taught = taught
        self._longest = options.query_tokens + options.passage_tokens

    def loss(self, number: int, queries: NDArray[np.int64], rng: np.random.Generator) -> torch.Tensor:
        """Listwise or binary cross-entropy over the candidates of each query."""
        candidates = self._passages.candidates(queries, self._options.negatives, rng)  # (b, 1 + n)
        texts = [self._wordings.texts[row] for row in self._wordings.drawn(queries, rng)]
        places = np.argwhere(candidates >= 0)  # (pairs, 2)
        if len(places) == len(queries):
            raise TrainingError("a cross-encoder needs negatives, or batches with several documents")
        pairs = [(texts[i], self._passages.texts[candidates[i, j]]) for i, j in places]
        found = self._encoder.scores(pairs, self._longest)  # (pairs,)
        shape = candidates.shape
        at = torch.from_numpy(places).to(found.device)
        scores = found.new_zeros(shape).index_put((at[:, 0], at[:, 1]), found)  # (b, 1 + n)
        mask = torch.from_numpy(candidates < 0).to(found.device)
        relevant = torch.zeros_like(scores)
        relevant[:, 0] = 1
        options = self._options
        temperature = options.temperature or TEMPERATURES["cross"]
        if options.objective == "binary":
            loss = losses.binary_cross_entropy(scores, relevant, options.negatives, mask)
        else:
            loss = losses.listwise_cross_entropy(scores / temperature, relevant, mask)
        loss = options.label_weight * loss
        if not options.teachers:
            return loss
        taught = self._taught.loss(scores, queries, np.maximum(candidates, 0), temperature, mask)
        return loss + taught

    def judge(self, dev: Examples) -> Callable[[], float]:
        """nDCG@10 on dev, each query's documents as `reranked` lists them."""
        asked = reranked(dev, self._options.mix)

        def figure() -> float:
            # Positives come first: of equal scores they must come last.
            total = 0.0
            for pairs, positives in asked:
                scores = self._encoder.scores(pairs, self._longest).cpu().numpy()[::-1]
                total += models.ndcg(scores[None], [[len(pairs) - 1 - at for at in range(positives)]])
            return total / len(asked)

        return figure


def reranked(dev: Examples, mix: float) -> list[tuple[list[tuple[str, str]], int]]:
    """`RERANKED` pairs of each query of dev with a document, and how many are its positives, which are first.

    The others are the negatives given, then what BM25 finds by the native form, as what a cross-encoder is
    used for; where that is too little, any.
    """
    ids = sorted(dev.documents)
    index = PlainIndex((id, terms(document)) for id, document in dev.documents.items())
    asked = []
    for texts, queries in sides(dev, mix):
        for text, query in zip(texts, queries, strict=True):
            native = terms(query.native)
            near = [id for id, _ in index.rank(native, 2 * RERANKED)] if native else []
            rng = np.random.default_rng(draws(0, "dev", query.id))
            others = [ids[at] for at in rng.permutation(len(ids))[: RERANKED + len(query.positives)]]
            listed = list(dict.fromkeys([*query.positives, *query.negatives, *near, *others]))[:RERANKED]
            pairs = [(text, dev.documents[id]) for id in listed]
            asked.append((pairs, min(len(query.positives), RERANKED)))
    return asked
