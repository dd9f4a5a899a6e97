"""Recipe `translit`: contrastive fine-tuning on queries in native script, in Latin, or in both.

Chari, Ounis & MacAvaney, SIGIR 2025: dense and sparse bi-encoders and cross-encoders that are trained on
transliterated queries find as much for them as for native ones; those trained on both keep both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from scriptbridge.errors import TrainingError

from . import losses, models
from . import teacher as teaching
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
    queries' documents fill up. `queries_per_document` of them share their document in a batch, which then has
    so many times `batch_size` queries: documents cost far more than queries, and are encoded once for
    all of theirs. `temperature` is .02 for cosines and 1 for the scores of sparse encoders and
    cross-encoders where None. `dropout` is the model's own where None; 0 takes half the time on a CPU.

    A cross-encoder's `objective` is listwise, over a query's candidates, or binary, over each pair.

    `teachers` are dense encoders, by spec or name, whose scores of a query's native form and the batch's
    documents the student's are to follow: listwise by Kullback-Leibler divergence, at `temperature` and
    `teacher_temperature`, and by their margins (Margin-MSE), so far as `kl_weight` and `margin_weight` say,
    which are added to the objective, weighed `label_weight`. Several teachers are averaged after
    normalisation. `script_weight` weighs the script-contrastive loss of the batch's queries in both scripts
    (TransliCo), 0 leaves it out.

    `query_flops` and `passage_flops` weigh what keeps sparse vectors sparse, rising with the
    square of the step over the first third, as SPLADE's do (Formal et al. 2021, v2).
    """

    kind: models.Kind = "dense"
    mix: float = 0.5
    temperature: float | None = None
    query_tokens: int = 64
    passage_tokens: int = 256
    negatives: int = 1
    queries_per_document: int = 1
    dropout: float | None = None
    objective: Literal["listwise", "binary"] = "listwise"
    query_flops: float = 5e-5
    passage_flops: float = 3e-5
    script_weight: float = 0.0
    script_temperature: float = 0.05
    teachers: tuple[str, ...] = ()
    label_weight: float = 1.0
    kl_weight: float = 0.0
    margin_weight: float = 0.0
    teacher_temperature: float = 0.02

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
            ("queries_per_document", self.queries_per_document >= 1, "1 and more"),
            ("script_weight", self.script_weight >= 0, "0 and more"),
            ("script_temperature", self.script_temperature > 0, "more than 0"),
            ("label_weight", self.label_weight >= 0, "0 and more"),
            ("kl_weight", self.kl_weight >= 0, "0 and more"),
            ("margin_weight", self.margin_weight >= 0, "0 and more"),
            ("teacher_temperature", self.teacher_temperature > 0, "more than 0"),
            (
                "teachers",
                bool(self.teachers) == bool(self.kl_weight or self.margin_weight),
                "dense encoders, with kl_weight or margin_weight above 0, and these with teachers",
            ),
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
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> Metrics:
    """Fine-tune `settings.model` on the examples and save it, for sentence-transformers, in `out`.

    `dev` examples, all of whose documents are searched, choose the step that is kept, by nDCG@10, where
    `settings.evaluate_every` says so: of native queries where `mix` is 0, of Latin ones where it is 1, else
    the mean of both. `cache` is the folder of teachers' vectors, by default scriptbridge/teachers in the
    user's cache. TrainingError for examples, a model or settings that cannot be trained with.
    """
    examples = _usable(examples, options.mix)
    rounds = _Rounds(examples, settings, options.queries_per_document)
    settings = settings.counted(rounds.per_epoch)
    model = models.load(settings.model, options.kind, settings)
    models.set_dropout(model, options.dropout)
    origin = teaching.origin(options.teachers, model)
    assert settings.steps is not None
    passages = _Passages(examples)
    taught = _Taught(examples.queries, passages.texts, options, teaching.cache_folder(cache))
    batch: _Bi | _Cross = (
        _Cross(models.Cross(model, settings.model), examples.queries, passages, taught, options)
        if options.kind == "cross"
        else _Bi(models.Bi(model, options.kind), examples.queries, passages, taught, options, settings.steps)
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
        origin=origin,
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


def batches(documents: Sequence[str], size: int, seed: int, together: int = 1) -> list[NDArray[np.int64]]:
    """Queries, by number, in batches of `size` documents in random order, `together` of a document at most.

    `documents` has each query's. Where documents are too few for that, the last batches repeat some. What
    does not fill a batch is left out, unless it is all there is.
    """
    order = np.random.default_rng(draws(seed, "batches")).permutation(len(documents))
    full: list[list[list[int]]] = []
    filling: list[tuple[list[list[int]], set[str]]] = []
    for group in _groups(order.tolist(), documents, together):
        document = documents[group[0]]
        place = next((i for i, (_, taken) in enumerate(filling) if document not in taken), None)
        if place is None:
            place = len(filling)
            filling.append(([], set()))
        groups, taken = filling[place]
        groups.append(group)
        taken.add(document)
        if len(groups) == size:
            del filling[place]
            full.append(groups)
    rest = [group for groups, _ in filling for group in groups]
    full += [rest[start : start + size] for start in range(0, len(rest) - size + 1, size)]
    return [np.array(list(chain.from_iterable(each)), np.int64) for each in full or [rest]]


def _groups(order: Sequence[int], documents: Sequence[str], most: int) -> list[list[int]]:
    """Queries of one document, as many as there are but for `most` at most, by which comes first."""
    groups: list[list[int]] = []
    filling: dict[str, list[int]] = {}
    for query in order:
        group = filling.get(documents[query])
        if group is None or len(group) == most:
            group = filling[documents[query]] = []
            groups.append(group)
        group.append(query)
    return groups


class _Rounds:
    """The batches of all epochs; those of one are in memory."""

    def __init__(self, examples: Examples, settings: Settings, together: int) -> None:
        self._documents = [min(query.positives) for query in examples.queries]
        self._settings = settings
        self._together = together
        self._epoch = 0
        self._batches = self._of(0)
        self.per_epoch = len(self._batches)

    def batch(self, step: int) -> NDArray[np.int64]:
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._batches = epoch, self._of(epoch)
        return self._batches[place]

    def _of(self, epoch: int) -> list[NDArray[np.int64]]:
        seed = draws(self._settings.seed, "epoch", epoch)
        return batches(self._documents, self._settings.batch_size, seed, self._together)


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


class _Taught:
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
        found = [
            torch.einsum("bd,bnd->bn", of_queries[queries], of_passages[passages]).to(scores.device)
            for of_queries, of_passages in self._vectors
        ]
        wanted = losses.average_teachers(found, mask) if len(found) > 1 else found[0]
        loss = torch.zeros((), device=scores.device)
        if options.kl_weight:
            kl = losses.listwise_kl(scores, wanted, temperature, options.teacher_temperature, mask)
            # Its gradients are those of a temperature of 1; InfoNCE's, beside it, are not.
            loss = loss + options.kl_weight * kl / temperature**2
        if options.margin_weight:
            margin = losses.margin_mse(scores[:, 0], scores[:, 1:], wanted[:, 0], wanted[:, 1:], mask[:, 1:])
            loss = loss + options.margin_weight * margin
        return loss


class _Bi:
    """Batches of a bi-encoder: all documents of a batch are negatives of the other queries."""

    def __init__(
        self,
        encoder: models.Bi,
        queries: Sequence[Query],
        passages: _Passages,
        taught: _Taught,
        options: Translit,
        steps: int,
    ) -> None:
        self.encoder = encoder
        self._options = options
        self._steps = steps
        self._wordings = _Wordings(queries, options.mix)
        self._passages = passages
        self._taught = taught
        self._queries = encoder.tokens(self._wordings.texts, "query", options.query_tokens)
        self._documents = encoder.tokens(self._passages.texts, "document", options.passage_tokens)

    def loss(self, number: int, queries: NDArray[np.int64], rng: np.random.Generator) -> torch.Tensor:
        """InfoNCE over the batch, with what the options add to it."""
        options = self._options
        rows, columns, mask = self._passages.drawn(queries, options.negatives, rng)
        asked = self.encoder.vectors(self._queries, self._wordings.drawn(queries, rng))
        found = self.encoder.vectors(self._documents, rows)
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

    def __init__(
        self,
        encoder: models.Cross,
        queries: Sequence[Query],
        passages: _Passages,
        taught: _Taught,
        options: Translit,
    ) -> None:
        if not options.negatives:
            raise TrainingError("negatives 0 came; a cross-encoder needs 1 and more")
        self._encoder = encoder
        self._options = options
        self._wordings = _Wordings(queries, options.mix)
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
        if not options.teachers:
            return loss
        taught = self._taught.loss(scores, queries, np.maximum(candidates, 0), temperature, mask)
        return options.label_weight * loss + taught

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


def _others(columns: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """The columns (b, size - 1) but each row's own one."""
    others = np.broadcast_to(np.arange(size - 1), (len(columns), size - 1))
    return others + (others >= columns[:, None])


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
