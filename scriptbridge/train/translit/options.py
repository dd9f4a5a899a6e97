"""What recipe `translit` is told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

from scriptbridge.errors import TrainingError

from .. import models
from ..trainer import check

__all__ = ["CROSS", "LEXICAL", "TEMPERATURES", "Translit"]

LEXICAL = "bm25"
CROSS = "cross:"
TEMPERATURES: Mapping[models.Kind, float] = {"dense": 0.02, "sparse": 1.0, "cross": 1.0}


@dataclass(frozen=True, slots=True)
class Translit:
    """What the recipe is told beside the settings.

    `kind` is dense, sparse or cross. `mix` is the share (0-1) of Latin queries in each batch. `negatives` is
    how many of each query's given or mined ones a batch takes; where a cross-encoder's are fewer, the other
    queries' documents fill up. `queries_per_document` of them share their document in a batch, which then has
    so many times `batch_size` queries: documents cost far more than queries, and are encoded once for
    all of theirs. `temperature` is .02 for cosines and 1 for the scores of sparse encoders and
    cross-encoders where None. `dropout` is the model's own where None; 0 takes half the time on a CPU.

    `near` documents make a batch, by the vectors of the model as it came, so that those of the other queries
    are hard negatives at no cost (topic-aware sampling, Hofstätter et al. 2021). `renamed` is the share (0-1)
    of subwords that trade names in each batch, in queries and documents alike: what keeps a model from
    knowing few documents by heart. Latin queries share no subwords with documents and would be taught wrong.

    A cross-encoder's `objective` is listwise, over a query's candidates, or binary, over each pair.

    `teachers` are dense encoders, by spec or name, cross-encoders after ``cross:``, or ``bm25``, whose scores
    of a query's native form and the batch's documents the student's are to follow: listwise by
    Kullback-Leibler divergence, and by their margins (Margin-MSE), so far as `kl_weight` and `margin_weight`
    say, which are added to the objective, weighed `label_weight`. The student's scores over `temperature`
    follow the teacher's over `teacher_temperature`, whatever the student's scale; those of bm25 are shares, 0
    to 1, of what it gives the query's own document, for which .15 does well. Several teachers are averaged
    after normalisation, and spread as their scores do.

    `script_weight` weighs the script-contrastive loss of the batch's queries in both scripts (TransliCo), at
    `script_temperature`; 0 leaves it out.

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
    near: bool = False
    renamed: float = 0.0
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
        """TrainingError for what cannot be trained with, and for what would be told in vain."""
        weights = ("label_weight", "script_weight", "kl_weight", "margin_weight")
        flops = ("query_flops", "passage_flops")
        temperatures = ("script_temperature", "teacher_temperature")
        check(
            self,
            ("kind", self.kind in models.CLASSES, ", ".join(models.CLASSES)),
            ("objective", self.objective in ("listwise", "binary"), "listwise, binary"),
            ("mix", 0 <= self.mix <= 1, "0 to 1"),
            ("temperature", self.temperature is None or 0 < self.temperature < math.inf, "more than 0"),
            ("query_tokens", self.query_tokens > 2, "3 and more"),
            ("passage_tokens", self.passage_tokens > 2, "3 and more"),
            ("negatives", self.negatives >= (self.kind == "cross"), "0 and more; of a cross-encoder 1"),
            ("queries_per_document", self.queries_per_document >= 1, "1 and more"),
            ("near", not self.near or self.kind == "dense", "of dense encoders"),
            ("renamed", 0 <= self.renamed <= 1, "0 to 1"),
            (
                "renamed",
                not self.renamed or (self.mix == 0 and self.kind != "cross"),
                "0 but with mix 0, of bi-encoders",
            ),
            *((name, 0 <= getattr(self, name) < math.inf, "0 and more") for name in (*weights, *flops)),
            *((name, getattr(self, name) > 0, "more than 0") for name in temperatures),
            (
                "teachers",
                bool(self.teachers) == bool(self.kl_weight or self.margin_weight),
                "encoders, with kl_weight or margin_weight above 0, and these with teachers",
            ),
        )
        if not any(getattr(self, name) for name in weights):
            raise TrainingError(f"all weights are 0; accepted: one of {', '.join(weights)} more")
        default = {each.name: each.default for each in fields(self)}
        follows = self.kind != "cross" or self.objective == "listwise" or self.teachers
        check(
            self,
            *(
                (name, bool(counts) or getattr(self, name) == default[name], f"{default[name]} {without}")
                for name, counts, without in (
                    ("objective", self.kind == "cross", "but of a cross-encoder"),
                    ("temperature", follows, "with the objective binary"),
                    ("script_weight", self.kind != "cross", "of a cross-encoder"),
                    ("script_temperature", self.script_weight, "without script_weight"),
                    ("teacher_temperature", self.teachers, "without teachers"),
                    *((name, self.kind == "sparse", "but of a sparse encoder") for name in flops),
                )
            ),
        )
