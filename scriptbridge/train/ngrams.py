"""Recipe `ngrams`: recipe `align` with a student of a few megabytes that needs numpy alone.

The student, `scriptbridge.encoders.ngrams`, is trained to give the Latin wordings of queries, and the queries
themselves, the teacher's vectors of their native forms. That a far smaller query encoder can search a large
one's documents is what LEAF (Vujanic & Rueckstiess 2025) and NanoVDR (2026) show.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray

from scriptbridge.encoders import ngrams as encoder
from scriptbridge.encoders import specs
from scriptbridge.errors import TrainingError

from . import teacher as teaching
from .data import Examples
from .trainer import Metrics, Progress, Settings, check
from .trainer import train as run

__all__ = ["EPOCHS", "FILE", "SETTINGS", "Ngrams", "Student", "train"]

FILE = "encoder.ngrams"
"""The name of the result in the folder of a run."""
EPOCHS = 40
"""What is trained where settings have neither steps nor epochs: the table begins as zeros."""
SETTINGS = {"learning_rate": 5e-3, "weight_decay": 0.0, "checkpoint_every": 500}
"""Settings that serve this recipe better than the general ones."""


@dataclass(frozen=True, slots=True)
class Ngrams(teaching.NoisyDistillation):
    """What the recipe is told beside the settings; their `batch_size` is not used.

    The table has `buckets` (a power of 2) rows of `width` numbers, a byte each in the file; n-grams have
    `shortest` to `longest` characters. The share `dropout` of a batch's n-grams is left out.
    """

    latin_per_batch: int = 192
    native_per_batch: int = 64
    buckets: int = 1 << 16
    width: int = 128
    shortest: int = 2
    longest: int = 5
    dropout: float = 0.1

    def __post_init__(self) -> None:
        """TrainingError for what cannot be trained with."""
        teaching.NoisyDistillation.__post_init__(self)
        check(
            self,
            ("buckets", self.buckets > 1 and not self.buckets & (self.buckets - 1), "powers of 2"),
            ("width", self.width > 0, "1 and more"),
            ("shortest", 2 <= self.shortest <= self.longest, "2 and more, at most `longest`"),
            ("dropout", 0 <= self.dropout < 1, "0 and more, less than 1"),
        )


def train(
    examples: Examples,
    settings: Settings,
    options: Ngrams,
    out: str | Path,
    *,
    dev: Examples | None = None,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> Metrics:
    """Train a student of the teacher `settings.model`, a dense encoder's spec or a model's name or folder,
    and save it as `FILE` in `out`.

    Documents and positives of the examples are not looked at. `cache` and `dev` are as in `align.train`.
    TrainingError for what cannot be trained with, EncoderError for a teacher that fails.
    """
    pairs = teaching.Pairs(examples)
    rounds = teaching.Rounds(pairs, options, settings.seed)
    if settings.steps is None and settings.epochs is None:
        settings = replace(settings, epochs=EPOCHS)
    settings = replace(settings, batch_size=options.batch_size).counted(rounds.per_epoch)
    folder = teaching.cache_folder(cache)
    teacher = specs.of_model(settings.model)
    targets = teaching.cached(teacher, "queries", pairs.native, folder)
    if (size := encoder.size(options.buckets, options.width, targets.shape[1])) > encoder.LARGEST:
        raise TrainingError(
            f"buckets {options.buckets:,}, width {options.width}: {size:,} bytes; "
            f"accepted: {encoder.LARGEST:,}"
        )
    student = Student(options, targets, settings.seed)

    def step(number: int, seed: int) -> torch.Tensor:
        latin, native = rounds.batch(number)
        own = student.vectors(student.bags(pairs.texts(latin, native, options, Random(seed))))  # (b, d)
        return teaching.distance(own, np.concatenate([latin, native]), targets, options)

    return run(
        settings,
        step,
        student.modules,
        Path(out),
        lambda path: student.save(path / FILE, teacher),
        data=examples.fingerprint,
        origin=teaching.origin([teacher]),
        options=asdict(options),
        about=_about(teacher),
        evaluate=teaching.judge(dev, teacher, folder, student.ready)
        if dev and settings.evaluate_every
        else None,
        progress=progress,
    )


class Student:
    """`scriptbridge.encoders.ngrams` with gradients, in float32.

    The table begins as zeros, so that n-grams never seen say nothing; the projection as the directions that
    the teacher's vectors differ most in, and the bias as their mean, the best guess without words.
    """

    def __init__(self, options: Ngrams, targets: NDArray[np.float32], seed: int) -> None:
        self._options = options
        mean = targets.mean(axis=0)  # (d,)
        self.table = torch.nn.EmbeddingBag(options.buckets, options.width, mode="sum")
        self.projection = torch.nn.Linear(options.width, len(mean))
        with torch.no_grad():
            self.table.weight.zero_()
            self.projection.weight.copy_(torch.from_numpy(_directions(targets - mean, options.width, seed)))
            self.projection.bias.copy_(torch.from_numpy(mean))

    @property
    def modules(self) -> dict[str, torch.nn.Module]:
        """What is trained."""
        return {"table": self.table, "projection": self.projection}

    def bags(self, texts: Sequence[str]) -> encoder.Bags:
        """The texts' n-grams."""
        return encoder.bags(texts, self._options.buckets, self._options.shortest, self._options.longest)

    def vectors(self, bags: encoder.Bags) -> torch.Tensor:
        """(n, d), rows of length 1, with gradients where they are on."""
        device = self.table.weight.device
        ids = torch.from_numpy(bags.ids).to(device)  # (n-grams,)
        starts = torch.from_numpy(bags.word_starts).to(device)  # (words,)
        counts = torch.from_numpy(np.diff(bags.text_starts)).to(device)  # (n,)
        lengths = torch.from_numpy(bags.lengths()).to(device)  # (words,)
        kept = torch.nn.functional.dropout(
            torch.ones(ids.shape, device=device), self._options.dropout, self.table.training
        )
        words = torch.tanh(self.table(ids, starts, kept) / lengths.sqrt()[:, None])  # (words, k)
        texts = torch.repeat_interleave(torch.arange(len(counts), device=device), counts)  # (words,)
        pooled = words.new_zeros(len(counts), words.shape[1]).index_add(0, texts, words)  # (n, k)
        own = self.projection(pooled / counts.clamp(min=1).sqrt()[:, None])
        return torch.nn.functional.normalize(own, dim=1)

    def ready(self, texts: Sequence[str]) -> Callable[[], NDArray[np.float32]]:
        """The texts' vectors, as the student is when they are asked for."""
        bags = self.bags(texts)

        def encoded() -> NDArray[np.float32]:
            with torch.no_grad():
                return np.asarray(self.vectors(bags).float().cpu().numpy())

        return encoded

    def save(self, path: Path, teacher: str) -> None:
        """Write the encoder's file."""
        table, projection, bias = (
            each.detach().cpu().numpy()
            for each in (self.table.weight, self.projection.weight, self.projection.bias)
        )
        lengths = self._options.shortest, self._options.longest
        encoder.save(path, teacher, lengths, table, projection.T, bias)


def _directions(centred: NDArray[np.float32], width: int, seed: int) -> NDArray[np.float32]:
    """(d, width) columns of length 1: the main directions of the rows (n, d), then any."""
    d = centred.shape[1]
    drawn = np.random.default_rng(seed).standard_normal((max(d, width), max(d, width)))[:d]
    vectors = np.linalg.eigh(centred.T.astype(np.float64) @ centred)[1]  # (d, d), the main ones last
    columns = np.concatenate([vectors[:, ::-1], drawn], axis=1)[:, :width]
    return np.asarray(columns / np.linalg.norm(columns, axis=0), np.float32)


def _about(teacher: str) -> str:
    return (
        f"A query encoder of character n-grams, in the file `{FILE}`, for queries in native script and in "
        f"Latin letters. It searches the document vectors of `{teacher}`, which stay as they are: encode "
        f"documents with that encoder, queries with `ngrams:{FILE}`, which needs scriptbridge and numpy "
        f"alone. It was trained, without labels and documents, to give the Latin wordings of queries, and "
        f"the queries themselves, the teacher's vectors of their native forms."
    )
