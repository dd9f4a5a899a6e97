"""Recipe `align`: a query encoder that puts a Latin query where a teacher puts its native form.

No labels and no documents are needed, and the teacher's document vectors stay as they are: the student learns
the teacher's vectors of queries (LEAF, Vujanic & Rueckstiess 2025; ScalingNote, Huang et al. 2024; NanoVDR),
of Latin wordings as of the native queries themselves, which keeps these where they were (Query Drift
Compensation, Goswami et al. 2025).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scriptbridge import extras
from scriptbridge.encoders import specs
from scriptbridge.errors import TrainingError

from . import losses, models
from . import teacher as teaching
from .data import Examples
from .trainer import Metrics, Progress, Settings, check
from .trainer import train as run

__all__ = ["SETTINGS", "Align", "train"]


@dataclass(frozen=True, slots=True)
class Align(teaching.NoisyDistillation):
    """What the recipe is told beside the settings; their `batch_size` is not used.

    `teacher` is a dense encoder's spec, or a model's name or folder; "": what is trained, as it was before.
    `script_weight` weighs how the batch's teacher vectors are told apart from both sides, negatives in both
    scripts (TransliCo), at `temperature`; `kl_weight` and `margin_weight` how far a vector's scores with all
    of them are from what the teacher's own vector scores, listwise and by margins.
    """

    teacher: str = ""
    script_weight: float = 0.0
    kl_weight: float = 0.0
    margin_weight: float = 0.0
    query_tokens: int = 64
    dropout: float | None = 0.0

    def __post_init__(self) -> None:
        """TrainingError for what cannot be trained with."""
        teaching.NoisyDistillation.__post_init__(self)
        check(self, ("query_tokens", self.query_tokens >= 3, "3 and more"))


SETTINGS = {"learning_rate": 3e-4}
"""Settings that serve this recipe better than the general ones."""


def train(
    examples: Examples,
    settings: Settings,
    options: Align,
    out: str | Path,
    *,
    dev: Examples | None = None,
    cache: str | Path | None = None,
    router: bool = False,
    progress: Progress | None = None,
) -> Metrics:
    """Train `settings.model` to encode queries for the teacher's documents and save it in `out`.

    Documents and positives of the examples are not looked at. An epoch has seen every query with a Latin
    wording once. `cache` is the folder of teacher vectors, by default scriptbridge/teachers in the user's
    cache. `dev` chooses the step that is kept, where `settings.evaluate_every` says so: by nDCG@10 over the
    teacher's vectors of its documents, the mean of native and Latin queries, or, where it has none, by the
    mean cosine to the teacher's vectors. With `router`, what is saved encodes documents too, as the teacher
    does, which must be a model of sentence-transformers. TrainingError for what cannot be trained with.
    """
    pairs = teaching.Pairs(examples)
    options = replace(options, teacher=options.teacher or settings.model)
    rounds = teaching.Rounds(pairs, options, settings.seed)
    settings = replace(settings, batch_size=options.batch_size).counted(rounds.per_epoch)
    folder = teaching.cache_folder(cache)
    targets = teaching.cached(options.teacher, "queries", pairs.native, folder)
    model = models.load(settings.model, "dense", settings)
    origin = teaching.origin([options.teacher], model)  # devices differ in the layer that is fitted
    model = _fitted(model, pairs.native, targets, options)
    models.set_dropout(model, options.dropout)
    batch = _Batch(models.Bi(model, "dense"), pairs, targets, options)
    result = _routed(model, options.teacher, settings) if router else model

    def step(number: int, seed: int) -> torch.Tensor:
        return batch.loss(*rounds.batch(number), seed)

    return run(
        settings,
        step,
        {"model": model},
        Path(out),
        lambda path: result.save(str(path), create_model_card=False),
        data=examples.fingerprint,
        origin=origin,
        options=asdict(options) | ({"router": True} if router else {}),
        about=_about(options, router),
        evaluate=(
            teaching.judge(dev, options.teacher, folder, batch.ready)
            if dev and settings.evaluate_every
            else None
        ),
        progress=progress,
    )


# ---- the student


def _fitted(model: Any, native: Sequence[str], targets: NDArray[np.float32], options: Align) -> Any:
    """The model, with a linear layer behind it where its vectors are no longer or shorter than the teacher's.

    It begins as the best one for the native queries, by least squares.
    """
    encoder = models.Bi(model.eval(), "dense")
    one = encoder.tokens(native[:1], "query", options.query_tokens)
    dimension = encoder.encoded(one).shape[1]
    if dimension == targets.shape[1]:
        return model
    modules = _modules()
    some = np.linspace(0, len(native) - 1, min(len(native), 4 * dimension)).astype(int)
    own = encoder.encoded(encoder.tokens([native[row] for row in some], "query", options.query_tokens))
    weights = np.linalg.lstsq(own, targets[some], rcond=1e-3)[0].T  # (teacher's d, own d)
    layer = modules.Dense(
        dimension,
        targets.shape[1],
        bias=False,
        activation_function=torch.nn.Identity(),
        init_weight=torch.from_numpy(np.ascontiguousarray(weights, np.float32)),
    )
    package = extras.load("sentence_transformers", "train")
    fitted = package.SentenceTransformer(
        modules=[*model, layer, modules.Normalize()], device=str(model.device), prompts=model.prompts
    )
    return fitted.float()


def _routed(student: Any, teacher: str, settings: Settings) -> Any:
    """One model that encodes queries as the student and documents as the teacher."""
    spec = specs.of_model(teacher)
    if not spec.startswith("st:"):
        raise TrainingError(f"router: {teacher!r} cannot be saved; accepted is a model's name or folder")
    name, options = specs.options(
        spec, {"query_prompt": str, "document_prompt": str, "max_length": specs.count}
    )
    documents = models.load(name, "dense", settings)
    documents.max_seq_length = options.get("max_length", documents.max_seq_length)
    prompts = {
        "query": models.prompt(student, "query"),
        "document": options.get("document_prompt", models.prompt(documents, "document")),
    }
    router = _modules().Router.for_query_document(list(student), list(documents))
    package = extras.load("sentence_transformers", "train")
    return package.SentenceTransformer(modules=[router], device=str(student.device), prompts=prompts)


def _modules() -> Any:
    """Where sentence-transformers has its layers, which moved in version 6."""
    try:
        return import_module("sentence_transformers.sentence_transformer.modules")
    except ModuleNotFoundError:
        return import_module("sentence_transformers.models")


# ---- a batch


class _Batch:
    def __init__(
        self, encoder: models.Bi, pairs: teaching.Pairs, targets: NDArray[np.float32], options: Align
    ) -> None:
        self._encoder = encoder
        self._pairs = pairs
        self._targets = targets
        self._options = options

    def loss(self, latin: NDArray[np.int64], native: NDArray[np.int64], seed: int) -> torch.Tensor:
        """How far the student's vectors are from the teacher's."""
        options = self._options
        texts = self._pairs.texts(latin, native, options, Random(seed))
        # Tokenising these takes a hundredth of a step.
        tokens = self._encoder.tokens(texts, "query", options.query_tokens)
        own = self._encoder.vectors(tokens, np.arange(len(texts)))  # (b, d)
        rows = np.concatenate([latin, native])
        loss = teaching.distance(own, rows, self._targets, options)
        if options.script_weight:
            loss = loss + options.script_weight * _scripts_apart(own, rows, self._targets, options)
        if options.kl_weight or options.margin_weight:
            loss = loss + _scores_apart(own, rows, self._targets, options)
        return loss

    def ready(self, texts: Sequence[str]) -> Callable[[], NDArray[np.float32]]:
        """The texts tokenised; their vectors when they are asked for."""
        tokens = self._encoder.tokens(texts, "query", self._options.query_tokens)
        return lambda: self._encoder.encoded(tokens)


def _scripts_apart(
    own: torch.Tensor, rows: NDArray[np.int64], targets: NDArray[np.float32], options: Align
) -> torch.Tensor:
    """How well the vectors (b, d) and the teacher's of those rows (b,) are told apart, from both sides."""
    wanted, column = teaching.each_once(rows, targets, own.device)  # (queries, d), (b,)
    same = (column[:, None] == column) & ~torch.eye(len(column), dtype=torch.bool, device=own.device)
    return losses.script_contrastive(wanted[column], own, options.temperature, same)


def _scores_apart(
    own: torch.Tensor, rows: NDArray[np.int64], targets: NDArray[np.float32], options: Align
) -> torch.Tensor:
    """How far the scores with the teacher's vectors are from the teacher's own, listwise and by margins."""
    wanted, column = teaching.each_once(rows, targets, own.device)  # (queries, d), (b,)
    scores, taught = losses.dot(own, wanted), losses.dot(wanted[column], wanted)  # (b, queries)
    loss = torch.zeros((), device=own.device)
    if options.kl_weight:
        kl = losses.listwise_kl(scores, taught, options.temperature)
        loss = loss + options.kl_weight * kl / options.temperature**2
    if options.margin_weight:
        itself = torch.zeros_like(scores, dtype=torch.bool).scatter(1, column[:, None], True)
        first, there = scores.gather(1, column[:, None])[:, 0], taught.gather(1, column[:, None])[:, 0]
        loss = loss + options.margin_weight * losses.margin_mse(first, scores, there, taught, itself)
    return loss


def _about(options: Align, router: bool) -> str:
    documents = (
        "and encodes documents as that model does"
        if router
        else "which stay as they are: encode documents with that model, queries with this one"
    )
    return (
        "A query encoder for queries in native script and in Latin letters. It searches the document vectors "
        f"of `{options.teacher}`, {documents}. It was trained, without labels and documents, to give the "
        "Latin wordings of queries, and the queries themselves, the teacher's vectors of their native forms."
    )
