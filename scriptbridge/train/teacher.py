"""What students of a teacher's query vectors share: these vectors, kept on disk, and the queries of a batch;
how far a student is from its teacher, and how it is judged.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from scriptbridge import atomic, encoders
from scriptbridge.encoders import DenseEncoder, identity, specs
from scriptbridge.errors import TrainingError
from scriptbridge.gap import noise

from . import losses, models
from .data import Examples
from .trainer import draws

if TYPE_CHECKING:
    from .align import Align

__all__ = [
    "Pairs",
    "Ready",
    "Rounds",
    "cache_folder",
    "cached",
    "distance",
    "judge",
    "noised",
    "origin",
]

Ready = Callable[[Sequence[str]], Callable[[], NDArray[np.float32]]]
"""Makes texts ready once; what it gives encodes them, (n, d), as the student is by then."""


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
    except (OSError, ValueError, EOFError):
        return None
    return kept if kept.dtype == np.float32 and kept.ndim == 2 and len(kept) == count else None


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


class Rounds:
    """Which queries each step takes: every one with Latin wordings once an epoch, native ones in turn."""

    def __init__(self, pairs: Pairs, options: Align, seed: int) -> None:
        self._latin = _Turns(pairs.with_latin, options.latin_per_batch, draws(seed, "latin"))
        self._native = _Turns(np.arange(len(pairs.native)), options.native_per_batch, draws(seed, "native"))
        self.per_epoch = max(1, round(len(pairs.with_latin) / options.latin_per_batch))

    def batch(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The queries whose Latin, and those whose native form is learnt."""
        return self._latin.part(step), self._native.part(step)


class _Turns:
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


def noised(wording: str, options: Align, rng: Random) -> str:
    """The wording, typed badly as often as the options say."""
    if rng.random() >= options.noise:
        return wording
    words = (noise.drop_vowels(word, options.vowels, rng) for word in wording.split())
    return " ".join(noise.typos(word, options.typos, rng) for word in words)


# ---- how far a student is


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
    if options.script_weight:
        same = (column[:, None] == column) & ~torch.eye(len(column), dtype=torch.bool, device=own.device)
        both = losses.script_contrastive(wanted[column], own, options.temperature, same)
        loss = loss + options.script_weight * both
    if options.kl_weight or options.margin_weight:
        loss = loss + _scored_apart(own, wanted, column, options)
    return loss


def _scored_apart(
    own: torch.Tensor, wanted: torch.Tensor, column: torch.Tensor, options: Align
) -> torch.Tensor:
    """How far the scores with the teacher's vectors are from the teacher's own, listwise and by margins."""
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
