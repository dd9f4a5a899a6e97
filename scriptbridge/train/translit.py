"""Recipe `translit`: contrastive fine-tuning on queries in native script, in Latin, or in both.

Chari, Ounis & MacAvaney, SIGIR 2025: dense and sparse bi-encoders and cross-encoders that are trained on
transliterated queries find as much for them as for native ones; those trained on both keep both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from scriptbridge.errors import TrainingError

from . import losses, models
from .data import Examples, Query
from .trainer import Metrics, Progress, Settings, draws
from .trainer import train as run

__all__ = ["PAPER", "Translit", "batches", "train"]

PAPER = {"epochs": 1.0, "learning_rate": 1e-5}
"""Settings of the paper (section 4); its temperature and lengths are the defaults of `Translit`."""
TEMPERATURES: Mapping[models.Kind, float] = {"dense": 0.02, "sparse": 1.0, "cross": 1.0}

RERANKED = 20  # documents that a cross-encoder orders for each query of dev


@dataclass(frozen=True, slots=True)
class Translit:
    """What the recipe is told beside the settings.

    `kind` is dense, sparse or cross. `mix` is the share (0-1) of Latin queries in each batch. `negatives` is
    how many of each query's given or mined ones a batch takes; where a cross-encoder's are fewer, the other
    queries' documents fill up. `temperature` is .02 for cosines and 1 for the scores of sparse encoders and
    cross-encoders where None. `dropout` is the model's own where None; 0 takes half the time on a CPU.

    A cross-encoder's `objective` is listwise, over a query's candidates, or binary, over each pair.
    `script_weight` weighs the script-contrastive loss of the batch's queries in both scripts (TransliCo), 0
    leaves it out. `query_flops` and `passage_flops` weigh what keeps sparse vectors sparse, rising with the
    square of the step over the first third, as SPLADE's do (Formal et al. 2021, v2).
    """

    kind: models.Kind = "dense"
    mix: float = 0.5
    temperature: float | None = None
    query_tokens: int = 64
    passage_tokens: int = 256
    negatives: int = 1
    dropout: float | None = None
    objective: Literal["listwise", "binary"] = "listwise"
    query_flops: float = 5e-5
    passage_flops: float = 3e-5
    script_weight: float = 0.0
    script_temperature: float = 0.05

    def __post_init__(self) -> None:
        """TrainingError for what cannot be trained with."""
        for name, holds, accepted in (
            ("kind", self.kind in models.CLASSES, ", ".join(models.CLASSES)),
            ("objective", self.objective in ("listwise", "binary"), "listwise, binary"),
            ("mix", 0 <= self.mix <= 1, "0 to 1"),
            ("temperature", self.temperature is None or self.temperature > 0, "more than 0"),
            ("query_tokens", self.query_tokens > 2, "3 and more"),
            ("passage_tokens", self.passage_tokens > 2, "3 and more"),
            ("negatives", self.negatives >= 0, "0 and more"),
            ("script_weight", self.script_weight >= 0, "0 and more"),
            ("script_temperature", self.script_temperature > 0, "more than 0"),
        ):
            if not holds:
                raise TrainingError(f"{name} {getattr(self, name)!r} came; accepted: {accepted}")


def train(
    examples: Examples,
    settings: Settings,
    options: Translit,
    out: str | Path,
    *,
    dev: Examples | None = None,
    progress: Progress | None = None,
) -> Metrics:
    """Fine-tune `settings.model` on the examples and save it, for sentence-transformers, in `out`.

    `dev` examples, all of whose documents are searched, choose the step that is kept, by nDCG@10, where
    `settings.evaluate_every` says so: of native queries where `mix` is 0, of Latin ones where it is 1, else
    the mean of both. TrainingError for examples, a model or settings that cannot be trained with.
    """
    examples = _usable(examples, options.mix)
    rounds = _Rounds(examples, settings)
    settings = settings.counted(rounds.per_epoch)
    model = models.load(settings.model, options.kind, settings)
    models.set_dropout(model, options.dropout)
    assert settings.steps is not None
    batch: _Bi | _Cross = (
        _Cross(models.Cross(model, settings.model), examples, options)
        if options.kind == "cross"
        else _Bi(models.Bi(model, options.kind), examples, options, settings.steps)
    )

    def step(number: int, generator: torch.Generator) -> torch.Tensor:
        seed = int(torch.randint(2**62, (), generator=generator))
        return batch.loss(number, rounds.batch(number), np.random.default_rng(seed))

    return run(
        settings,
        step,
        {"model": model},
        Path(out),
        lambda folder: model.save(str(folder), create_model_card=False),
        data=examples.fingerprint,
        options=asdict(options),
        about=_about(options),
        evaluate=batch.judge(dev) if dev and settings.evaluate_every else None,
        progress=progress,
    )


def _usable(examples: Examples, mix: float) -> Examples:
    """The queries that such a mix can ask; TrainingError where a side is empty."""
    with_positives = [query for query in examples.queries if query.positives]
    if not with_positives:
        raise TrainingError("no query has a positive document; align needs none")
    if mix < 1 and not any(query.native for query in with_positives):
        raise TrainingError(f"mix {mix} came, but there are no native queries; accepted: 1")
    if mix > 0 and not any(query.latin for query in with_positives):
        raise TrainingError(f"mix {mix} came, but no query has a Latin wording; accepted: 0, or an author")
    asked = tuple(
        query for query in with_positives if (mix < 1 and query.native) or (mix > 0 and query.latin)
    )
    return replace(examples, queries=asked)


# ---- which queries make a batch


def batches(documents: Sequence[str], size: int, seed: int) -> list[NDArray[np.int64]]:
    """Queries, by number, in batches of `size` in random order, no two of a batch of the same document.

    `documents` has each query's. Where documents are too few for that, the last batches repeat some. What
    does not fill a batch is left out, unless it is all there is.
    """
    order = np.random.default_rng(draws(seed, "batches")).permutation(len(documents))
    full: list[list[int]] = []
    filling: list[tuple[list[int], set[str]]] = []
    for query in order.tolist():
        place = next((i for i, (_, taken) in enumerate(filling) if documents[query] not in taken), None)
        if place is None:
            place = len(filling)
            filling.append(([], set()))
        queries, taken = filling[place]
        queries.append(query)
        taken.add(documents[query])
        if len(queries) == size:
            del filling[place]
            full.append(queries)
    rest = [query for queries, _ in filling for query in queries]
    full += [rest[start : start + size] for start in range(0, len(rest) - size + 1, size)]
    return [np.array(each, np.int64) for each in full or [rest]]


class _Rounds:
    """The batches of all epochs; those of one are in memory."""

    def __init__(self, examples: Examples, settings: Settings) -> None:
        self._documents = [min(query.positives) for query in examples.queries]
        self._settings = settings
        self._epoch = 0
        self._batches = self._of(0)
        self.per_epoch = len(self._batches)

    def batch(self, step: int) -> NDArray[np.int64]:
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._batches = epoch, self._of(epoch)
        return self._batches[place]

    def _of(self, epoch: int) -> list[NDArray[np.int64]]:
        return batches(self._documents, self._settings.batch_size, draws(self._settings.seed, "epoch", epoch))


# ---- a batch


class _Wordings:
    """Native queries and their Latin wordings as the rows of one list of texts."""

    def __init__(self, queries: Sequence[Query], mix: float) -> None:
        self.texts: list[str] = []
        self._mix = mix
        self._native = np.full(len(queries), -1)
        self._latin = np.zeros((len(queries), 2), np.int64)  # from, to
        for number, query in enumerate(queries):
            if query.native:
                self._native[number] = len(self.texts)
                self.texts.append(query.native)
            start = len(self.texts)
            self.texts += query.latin
            self._latin[number] = start, len(self.texts)

    def drawn(self, queries: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """A row for each query: `mix` of them Latin, or as near to that as their wordings allow."""
        native, latin = self._native[queries], self.latin(queries, rng)
        wanted = int(self._mix * len(queries) + rng.random())
        # Latin ones first: those that have nothing else, then at random; last those without.
        order = np.lexsort((rng.random(len(queries)), latin < 0, native >= 0))
        rows = native.copy()
        asked = order[:wanted]
        rows[asked] = np.where(latin[asked] >= 0, latin[asked], native[asked])
        return np.where(rows >= 0, rows, latin)

    def latin(self, queries: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """The row of a Latin wording of each query, -1 where there is none."""
        start, end = self._latin[queries].T
        return np.where(end > start, start + (rng.random(len(queries)) * (end - start)).astype(np.int64), -1)

    def native(self, queries: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of each native query, -1 where there is none."""
        return self._native[queries]


class _Passages:
    """Documents as rows of a list of texts; documents of one text share a row."""

    def __init__(self, examples: Examples) -> None:
        rows: dict[str, int] = {}
        self._rows = {id: rows.setdefault(each, len(rows)) for id, each in examples.documents.items()}
        self.texts = list(rows)
        self._positives = [self._of(query.positives) for query in examples.queries]
        self._negatives = [
            np.setdiff1d(self._of(query.negatives), positives)
            for query, positives in zip(examples.queries, self._positives, strict=True)
        ]

    def drawn(
        self, queries: NDArray[np.int64], negatives: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """A positive and some negatives for each query: the rows of documents (m,), the column of each
        query's own one (b,), and the mask of its other positives (b, m).
        """
        own = [int(rng.choice(self._positives[query])) for query in queries]
        more = [
            rng.choice(there, min(negatives, len(there)), replace=False)
            for query in queries
            if len(there := self._negatives[query])
        ]
        rows = np.unique(np.concatenate([own, *more]).astype(np.int64))
        columns = np.searchsorted(rows, own)
        mask = np.stack([np.isin(rows, self._positives[query]) for query in queries])
        mask[np.arange(len(queries)), columns] = False
        return rows, columns, mask

    def candidates(
        self, queries: NDArray[np.int64], negatives: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """A positive and then negatives of each query, (b, 1 + negatives), -1 where there are no more.

        Where a query's own negatives are too few, positives of the others fill up.
        """
        own = np.array([rng.choice(self._positives[query]) for query in queries])
        found = np.full((len(queries), 1 + negatives), -1)
        found[:, 0] = own
        for row, query in enumerate(queries):
            near = rng.permutation(self._negatives[query])
            others = rng.permutation(np.setdiff1d(own, [*self._positives[query], *near]))
            taken = np.concatenate([near, others])[:negatives]
            found[row, 1 : 1 + len(taken)] = taken
        return found

    def _of(self, ids: Sequence[str]) -> NDArray[np.int64]:
        return np.unique([self._rows[id] for id in ids]).astype(np.int64)


class _Bi:
    """Batches of a bi-encoder: all documents of a batch are negatives of the other queries."""

    def __init__(self, encoder: models.Bi, examples: Examples, options: Translit, steps: int) -> None:
        self.encoder = encoder
        self._options = options
        self._steps = steps
        self._wordings = _Wordings(examples.queries, options.mix)
        self._passages = _Passages(examples)
        self._queries = encoder.tokens(self._wordings.texts, "query", options.query_tokens)
        self._documents = encoder.tokens(self._passages.texts, "document", options.passage_tokens)

    def loss(self, number: int, queries: NDArray[np.int64], rng: np.random.Generator) -> torch.Tensor:
        """InfoNCE over the batch, with what the options add to it."""
        options = self._options
        rows, columns, mask = self._passages.drawn(queries, options.negatives, rng)
        asked = self.encoder.vectors(self._queries, self._wordings.drawn(queries, rng))
        found = self.encoder.vectors(self._documents, rows)
        loss = losses.info_nce(
            asked,
            found,
            torch.from_numpy(columns).to(asked.device),
            options.temperature or TEMPERATURES[options.kind],
            torch.from_numpy(mask).to(asked.device),
        )
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
            for texts, queries in _sides(dev, self._options.mix)
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


class _Cross:
    """Batches of a cross-encoder: the loss of each query's own document among its candidates."""

    def __init__(self, encoder: models.Cross, examples: Examples, options: Translit) -> None:
        if not options.negatives:
            raise TrainingError("negatives 0 came; a cross-encoder needs 1 and more")
        self._encoder = encoder
        self._options = options
        self._wordings = _Wordings(examples.queries, options.mix)
        self._passages = _Passages(examples)
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
        if self._options.objective == "binary":
            return losses.binary_cross_entropy(scores, relevant, self._options.negatives, mask)
        temperature = self._options.temperature or TEMPERATURES["cross"]
        return losses.listwise_cross_entropy(scores / temperature, relevant, mask)

    def judge(self, dev: Examples) -> Callable[[], float]:
        """nDCG@10 on dev where each query's positives stand among `RERANKED` documents."""
        ids = sorted(dev.documents)
        asked = []
        for texts, queries in _sides(dev, self._options.mix):
            for text, query in zip(texts, queries, strict=True):
                rng = np.random.default_rng(draws(0, "dev", query.id))
                others = [ids[at] for at in rng.permutation(len(ids))[: RERANKED + len(query.positives)]]
                listed = dict.fromkeys([*query.positives, *query.negatives, *others])
                asked.append(
                    (
                        [(text, dev.documents[id]) for id in list(listed)[:RERANKED]],
                        range(min(len(query.positives), RERANKED)),
                    )
                )

        def figure() -> float:
            # Positives come first: of equal scores they must come last.
            total = 0.0
            for pairs, wanted in asked:
                scores = self._encoder.scores(pairs, self._longest).cpu().numpy()[::-1]
                total += models.ndcg(scores[None], [[len(pairs) - 1 - place for place in wanted]])
            return total / len(asked)

        return figure


def _sides(dev: Examples, mix: float) -> list[tuple[list[str], list[Query]]]:
    """Native and Latin queries of dev with their texts, those of the sides that `mix` trains on."""
    sides = []
    if mix < 1 and (native := [query for query in dev.queries if query.native and query.positives]):
        sides.append(([query.native for query in native], native))
    if mix > 0 and (latin := [query for query in dev.queries if query.latin and query.positives]):
        sides.append(([query.latin[0] for query in latin], latin))
    if not sides:
        raise TrainingError(f"dev: no queries with positives of the kind that mix {mix} trains on")
    return sides


def _about(options: Translit) -> str:
    kind = {"dense": "dense bi-encoder", "sparse": "sparse bi-encoder", "cross": "cross-encoder"}[
        options.kind
    ]
    return (
        f"A {kind} for queries in native script and in Latin letters, fine-tuned on examples with a share of "
        f"{options.mix:g} Latin queries (Chari, Ounis & MacAvaney, SIGIR 2025)."
    )
