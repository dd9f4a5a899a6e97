"""Recipe `translit`: contrastive fine-tuning on queries in native script, in Latin, or in both.

Chari, Ounis & MacAvaney, SIGIR 2025: dense and sparse bi-encoders and cross-encoders that are trained on
transliterated queries find as much for them as for native ones; those trained on both keep both.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scriptbridge.errors import TrainingError

from .. import models
from .. import teacher as teaching
from ..data import Examples
from ..trainer import Metrics, Progress, Settings
from ..trainer import train as run
from .bi import Bi
from .cross import Cross
from .options import CROSS, Translit
from .sampling import Passages, Rounds
from .teachers import Teachers

__all__ = ["PAPER", "Translit", "train"]

PAPER = {"epochs": 1.0, "learning_rate": 1e-5}
"""Settings of the paper (section 4); its temperature and lengths are the defaults of `Translit`."""


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
    model = models.load(settings.model, options.kind, settings)
    origin = teaching.origin([each.removeprefix(CROSS) for each in options.teachers], model)
    passages = Passages(examples)
    vectors = passages.by_document(_encoded(model, passages, options)) if options.near else None
    rounds = Rounds(examples, settings, options.queries_per_document, vectors)
    settings = settings.counted(rounds.per_epoch)
    models.set_dropout(model, options.dropout)
    assert settings.steps is not None
    taught = Teachers(examples.queries, passages.texts, options, teaching.cache_folder(cache))
    batch: Bi | Cross = (
        Cross(models.Cross(model, settings.model), examples.queries, passages, taught, options)
        if options.kind == "cross"
        else Bi(models.Bi(model, options.kind), examples.queries, passages, taught, options, settings.steps)
    )

    def step(number: int, seed: int) -> torch.Tensor:
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


def _encoded(model: Any, passages: Passages, options: Translit) -> NDArray[np.float32]:
    encoder = models.Bi(model, options.kind)
    return encoder.encoded(encoder.tokens(passages.texts, "document", options.passage_tokens))


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


def _about(options: Translit) -> str:
    kind = {"dense": "dense bi-encoder", "sparse": "sparse bi-encoder", "cross": "cross-encoder"}[
        options.kind
    ]
    return (
        f"A {kind} for queries in native script and in Latin letters, fine-tuned on examples with a share of "
        f"{options.mix:g} Latin queries (Chari, Ounis & MacAvaney, SIGIR 2025)."
    )
