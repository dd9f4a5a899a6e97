"""What students of a teacher's query vectors share: these vectors, kept on disk, and the queries of a batch;
how far a student is from its teacher, and how it is judged.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray

from scriptbridge import atomic, encoders
from scriptbridge.encoders import DenseEncoder, identity, specs
from scriptbridge.errors import TrainingError
from scriptbridge.gap import noise

from . import losses, models
from .data import Examples
from .trainer import check, draws

__all__ = [
    "Distillation",
    "NoisyDistillation",
    "Pairs",
    "Ready",
    "Rounds",
    "add_noise",
    "cache_folder",
    "cached",
    "distance",
    "each_once",
    "judge",
    "origin",
]

Ready = Callable[[Sequence[str]], Callable[[], NDArray[np.float32]]]
"""Makes texts ready once; what it gives encodes them, (n, d), as the student is by then."""


@dataclass(frozen=True, slots=True)
class Distillation:
    """What every student is told: what makes a batch, and how far it is from its teacher.

    A batch has so many Latin and native queries. `info_nce_weight` weighs how the batch's own teacher vectors
    are told apart, at `temperature`, beside the cosine and the squared distance to them.
    """

    latin_per_batch: int = 48
    native_per_batch: int = 16
    cosine_weight: float = 1.0
    mse_weight: float = 1.0
    info_nce_weight: float = 0.2
    temperature: float = 0.05

    def __post_init__(self) -> None:
        """TrainingError for what cannot be trained with; weights are the fields that are named so."""
        weights = {each.name: getattr(self, each.name) for each in fields(self) if "_weight" in each.name}
        check(
            self,
            ("latin_per_batch", self.latin_per_batch >= 1, "1 and more"),
            ("native_per_batch", self.native_per_batch >= 0, "0 and more"),
            ("temperature", 0 < self.temperature < math.inf, "more than 0"),
            *((name, 0 <= weight < math.inf, "0 and more") for name, weight in weights.items()),
        )
        if not any(weights.values()):
            raise TrainingError(f"all weights are 0; accepted: one of {', '.join(weights)} more")

    @property
    def batch_size(self) -> int:
        """Queries of a batch."""
        return self.latin_per_batch + self.native_per_batch


@dataclass(frozen=True, slots=True)
class NoisyDistillation(Distillation):
    """`Distillation` of Latin wordings, the share `noise` of which is typed badly, anew each time.

    `vowels` is the rate of vowels left out, `typos` that of words with a slip.
    """

    noise: float = 0.5
    vowels: float = 0.3
    typos: float = 0.1

    def __post_init__(self) -> None:
        """TrainingError for what cannot be trained with."""
        Distillation.__post_init__(self)
        check(
            self, *((name, 0 <= getattr(self, name) <= 1, "0 to 1") for name in ("noise", "vowels", "typos"))
        )


# ---- its vectors


def cached(teacher: str, role: str, texts: Sequence[str], folder: Path) -> NDArray[np.float32]:
    """The teacher's vectors (texts, d) of "queries" or "documents", rows of length 1, kept in the folder.

    They are asked for once: files are named by the teacher's spec, its own files' sizes and times, its
    precision, and the texts. One that cannot be read is made anew; TrainingError where it cannot be written.
    """
    name = specs.of_model(teacher)
    state = f"{identity.state(name)} {identity.precision(name)}"
    digest = hashlib.sha256(f"{name}\n{role}\n{state}\n".encode())
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(f"{len(encoded)} ".encode() + encoded)
    path = folder / f"{digest.hexdigest()}.npy"
    if (kept := _read(path, len(texts))) is not None:
        return kept
    encoder: DenseEncoder = encoders.dense(name)
    vectors = encoder.encode_queries(texts) if role == "queries" else encoder.encode_documents(texts)
    vectors = vectors.astype(np.float32, copy=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic.replacing(path) as file:
            np.save(file, vectors)
    except OSError as error:
        raise TrainingError(
            f"{path}: a teacher's vectors cannot be kept: {error.strerror or error}"
        ) from error
    return vectors


def _read(path: Path, count: int) -> NDArray[np.float32] | None:
    """The vectors (count, d) in that file; None where there is none, or it is damaged."""
    try:
        kept: NDArray[np.float32] = np.load(path)
        fits = kept.dtype == np.float32 and kept.ndim == 2 and len(kept) == count
        unit = fits and bool((np.abs(np.linalg.norm(kept, axis=1) - 1) < 1e-3).all())
    except Exception:  # a damaged header may say anything
        return None
    return kept if unit else None


def origin(teachers: Sequence[str], model: torch.nn.Module | None = None) -> dict[str, str]:
    """What training begins with, each with a digest: the model as it was loaded, the files of teachers."""
    found = {} if model is None else {"model": models.fingerprint(model)}
    return found | {teacher: identity.content(specs.of_model(teacher)) for teacher in teachers}


def cache_folder(cache: str | Path | None) -> Path:
    """The folder of teachers' vectors: that one, or scriptbridge/teachers in the user's cache."""
    if cache:
        return Path(cache)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "scriptbridge" / "teachers"


# ---- batches of queries and their Latin wordings


class Pairs:
    """Native queries, each text once, and the Latin wordings of each."""

    def __init__(self, examples: Examples) -> None:
        wordings: dict[str, dict[str, None]] = {}
        for query in examples.queries:
            if query.native:
                wordings.setdefault(query.native, {}).update(dict.fromkeys(query.latin))
        self.native = list(wordings)
        self.latin = [tuple(each) for each in wordings.values()]
        self.with_latin = np.flatnonzero([bool(each) for each in self.latin])
        if not self.native:
            raise TrainingError("no native queries: align learns where the teacher puts them")
        if not len(self.with_latin):
            raise TrainingError(
                "no native query has a Latin wording; an author such as 'channel:4' writes them"
            )

    def texts(
        self, latin: NDArray[np.int64], native: NDArray[np.int64], options: NoisyDistillation, rng: Random
    ) -> list[str]:
        """A Latin wording of each query in `latin`, some typed badly, and those in `native` as they are."""
        worded = (rng.choice(self.latin[row]) for row in latin.tolist())
        noisy = [add_noise(wording, options, rng) for wording in worded]
        return noisy + [self.native[row] for row in native.tolist()]


class Rounds:
    """Which queries each step takes: every one with Latin wordings once an epoch, native ones in turn."""

    def __init__(self, pairs: Pairs, options: Distillation, seed: int) -> None:
        self._latin = _Cycle(pairs.with_latin, options.latin_per_batch, draws(seed, "latin"))
        self._native = _Cycle(np.arange(len(pairs.native)), options.native_per_batch, draws(seed, "native"))
        self.per_epoch = max(1, round(len(pairs.with_latin) / options.latin_per_batch))

    def batch(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The queries whose Latin, and those whose native form is learnt."""
        return self._latin.part(step), self._native.part(step)


class _Cycle:
    """Numbers in random order, over and over, in parts of one size; of their orders, two are in memory."""

    def __init__(self, numbers: NDArray[np.int64], size: int, seed: int) -> None:
        self._numbers, self._size, self._seed = numbers, size, seed
        self._orders: dict[int, NDArray[np.int64]] = {}

    def part(self, step: int) -> NDArray[np.int64]:
        places = np.arange(step * self._size, (step + 1) * self._size)
        rounds = places // len(self._numbers)
        if len(places):
            wanted = range(int(rounds[0]), int(rounds[-1]) + 1)
            self._orders = {number: self._orders.get(number, self._order(number)) for number in wanted}
        picked = [
            self._orders[turn][place]
            for turn, place in zip(rounds.tolist(), places % len(self._numbers), strict=True)
        ]
        return np.array(picked, np.int64)

    def _order(self, number: int) -> NDArray[np.int64]:
        return np.random.default_rng(draws(self._seed, number)).permutation(self._numbers)


def add_noise(wording: str, options: NoisyDistillation, rng: Random) -> str:
    """The wording, typed badly as often as the options say."""
    if rng.random() >= options.noise:
        return wording
    words = (noise.drop_vowels(word, options.vowels, rng) for word in wording.split())
    return " ".join(noise.typos(word, options.typos, rng) for word in words)


# ---- how far a student is


def distance(
    own: torch.Tensor, rows: NDArray[np.int64], targets: NDArray[np.float32], options: Distillation
) -> torch.Tensor:
    """How far the student's vectors (b, d) are from those rows (b,) of the teacher's (m, d), a scalar."""
    wanted, column = each_once(rows, targets, own.device)
    loss = losses.align(own, wanted[column], options.cosine_weight, options.mse_weight)
    if options.info_nce_weight:
        loss = loss + options.info_nce_weight * losses.info_nce(own, wanted, column, options.temperature)
    return loss


def each_once(
    rows: NDArray[np.int64], targets: NDArray[np.float32], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Those rows (b,) of the teacher's vectors (m, d), each once, (queries, d), and where each is, (b,)."""
    chosen, columns = np.unique(rows, return_inverse=True)
    return torch.from_numpy(targets[chosen]).to(device), torch.from_numpy(columns).to(device)


def judge(dev: Examples, teacher: str, folder: Path, ready: Ready) -> Callable[[], float]:
    """The figure, the higher the better, of a student of the teacher whose vectors are kept in `folder`.

    nDCG@10 over the teacher's vectors of the documents, the mean of native and Latin queries; where there are
    no documents, the mean cosine to the teacher's vectors of the native queries.
    """
    return _found(dev, teacher, folder, ready) if dev.documents else _near(dev, teacher, folder, ready)


def _found(dev: Examples, teacher: str, folder: Path, ready: Ready) -> Callable[[], float]:
    rows = {id: row for row, id in enumerate(dev.documents)}
    documents = cached(teacher, "documents", list(dev.documents.values()), folder)  # (m, d)
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
    targets = cached(teacher, "queries", [query.native for query in there], folder)  # (n, d)
    sides = [ready([query.latin[0] for query in there]), ready([query.native for query in there])]

    def figure() -> float:
        return float(np.mean([(encoded() * targets).sum(axis=1).mean() for encoded in sides]))

    return figure
