"""Recipe `align`: a query encoder that puts a Latin query where a teacher puts its native form.

No labels and no documents are needed, and the teacher's document vectors stay as they are: the student learns
the teacher's vectors of queries (LEAF, Vujanic & Rueckstiess 2025; ScalingNote, Huang et al. 2024; NanoVDR),
of Latin wordings as of the native queries themselves, which keeps these where they were (Query Drift
Compensation, Goswami et al. 2025).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scriptbridge import encoders, extras
from scriptbridge.encoders import DenseEncoder
from scriptbridge.errors import TrainingError
from scriptbridge.gap import noise

from . import losses, models
from .data import Examples
from .trainer import Metrics, Progress, Settings, draws
from .trainer import train as run

__all__ = ["Align", "cached", "noised", "train"]


@dataclass(frozen=True, slots=True)
class Align:
    """What the recipe is told beside the settings; their `batch_size` is not used.

    `teacher` is a dense encoder's spec, or a model's name or folder; "": what is trained, as it was before.
    Of the Latin wordings, the share `noise` is typed badly, anew each time: `vowels` is the rate of vowels
    left out, `typos` that of words with a slip. `info_nce_weight` weighs how the batch's own teacher vectors
    are told apart, at `temperature`.
    """

    teacher: str = ""
    latin_per_batch: int = 48
    native_per_batch: int = 16
    noise: float = 0.5
    vowels: float = 0.3
    typos: float = 0.1
    cosine_weight: float = 1.0
    mse_weight: float = 1.0
    info_nce_weight: float = 0.2
    temperature: float = 0.05
    query_tokens: int = 64
    dropout: float | None = 0.0

    def __post_init__(self) -> None:
        """TrainingError for what cannot be trained with."""
        for name in ("noise", "vowels", "typos"):
            if not 0 <= getattr(self, name) <= 1:
                raise TrainingError(f"{name} {getattr(self, name)!r} came; accepted: 0 to 1")
        for name in ("native_per_batch", "cosine_weight", "mse_weight", "info_nce_weight"):
            if getattr(self, name) < 0:
                raise TrainingError(f"{name} {getattr(self, name)!r} came; accepted: 0 and more")
        if self.latin_per_batch < 1 or self.query_tokens < 3 or not self.temperature > 0:
            raise TrainingError(
                f"latin_per_batch {self.latin_per_batch}, query_tokens {self.query_tokens}, temperature "
                f"{self.temperature} came; accepted: 1 and more, 3 and more, more than 0"
            )


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
    progress: Progress | None = None,
) -> Metrics:
    """Train `settings.model` to encode queries for the teacher's documents and save it in `out`.

    Documents and positives of the examples are not looked at. An epoch has seen every query with a Latin
    wording once. `cache` is the folder of teacher vectors, by default scriptbridge/teachers in the user's
    cache. `dev` chooses the step that is kept, where `settings.evaluate_every` says so: by nDCG@10 over the
    teacher's vectors of its documents, the mean of native and Latin queries, or, where it has none, by the
    mean cosine to the teacher's vectors. TrainingError for what cannot be trained with.
    """
    pairs = _Pairs(examples)
    options = replace(options, teacher=options.teacher or settings.model)
    rounds = _Rounds(pairs, options, settings.seed)
    size = options.latin_per_batch + options.native_per_batch
    settings = replace(settings, batch_size=size).counted(rounds.per_epoch)
    folder = Path(cache) if cache else _cache()
    targets = cached(options.teacher, "queries", pairs.native, folder)
    model = models.load(settings.model, "dense", settings)
    model = _fitted(model, pairs.native, targets, options)
    models.set_dropout(model, options.dropout)
    batch = _Batch(models.Bi(model, "dense"), pairs, targets, options)

    def step(number: int, generator: torch.Generator) -> torch.Tensor:
        seed = int(torch.randint(2**62, (), generator=generator))
        return batch.loss(*rounds.batch(number), seed)

    return run(
        settings,
        step,
        {"model": model},
        Path(out),
        lambda path: model.save(str(path), create_model_card=False),
        data=examples.fingerprint,
        options=asdict(options),
        about=_about(options),
        evaluate=_judge(batch.encoder, dev, options, folder) if dev and settings.evaluate_every else None,
        progress=progress,
    )


# ---- the teacher


def cached(teacher: str, role: str, texts: Sequence[str], folder: Path) -> NDArray[np.float32]:
    """The teacher's vectors (texts, d) of "queries" or "documents", rows of length 1, kept in the folder.

    They are asked for once: files are named by the teacher, its own files' sizes and times where it is a
    folder, and the texts.
    """
    spec = teacher if _has_prefix(teacher) else f"st:{teacher}"
    digest = hashlib.sha256(f"{spec}\n{role}\n{_state(teacher)}\n".encode())
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(f"{len(encoded)} ".encode() + encoded)
    path = folder / f"{digest.hexdigest()}.npy"
    if not path.exists():
        encoder: DenseEncoder = encoders.dense(spec)
        vectors = encoder.encode_queries(texts) if role == "queries" else encoder.encode_documents(texts)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".unfinished", delete=False) as file:
            np.save(file, vectors.astype(np.float32, copy=False))
        Path(file.name).replace(path)
    kept: NDArray[np.float32] = np.load(path)
    return kept


def _has_prefix(teacher: str) -> bool:
    return not Path(teacher).is_dir() and ":" in teacher


def _state(teacher: str) -> list[tuple[str, int, int]]:
    """Names, sizes and times of the files of a teacher that is a folder."""
    folder = Path(teacher.removeprefix("st:").partition("?")[0])
    if not folder.is_dir():
        return []
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "training" not in path.parts)
    return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "scriptbridge" / "teachers"


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


def _modules() -> Any:
    """Where sentence-transformers has its layers, which moved in version 6."""
    try:
        return import_module("sentence_transformers.sentence_transformer.modules")
    except ModuleNotFoundError:
        return import_module("sentence_transformers.models")


# ---- batches


class _Pairs:
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


class _Rounds:
    """Which queries each step takes: every one with Latin wordings once an epoch, native ones in turn."""

    def __init__(self, pairs: _Pairs, options: Align, seed: int) -> None:
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


class _Batch:
    def __init__(
        self, encoder: models.Bi, pairs: _Pairs, targets: NDArray[np.float32], options: Align
    ) -> None:
        self.encoder = encoder
        self._pairs = pairs
        self._targets = targets
        self._options = options

    def loss(self, latin: NDArray[np.int64], native: NDArray[np.int64], seed: int) -> torch.Tensor:
        """How far the student's vectors are from the teacher's."""
        options = self._options
        rng = Random(seed)
        texts = [noised(rng.choice(self._pairs.latin[row]), options, rng) for row in latin.tolist()]
        texts += [self._pairs.native[row] for row in native.tolist()]
        # Tokenising these takes a hundredth of a step.
        tokens = self.encoder.tokens(texts, "query", options.query_tokens)
        own = self.encoder.vectors(tokens, np.arange(len(texts)))  # (b, d)
        rows, columns = np.unique(np.concatenate([latin, native]), return_inverse=True)
        wanted = torch.from_numpy(self._targets[rows]).to(own.device)  # (m, d), each query once
        column = torch.from_numpy(columns).to(own.device)  # (b,)
        loss = losses.align(own, wanted[column], options.cosine_weight, options.mse_weight)
        if options.info_nce_weight:
            loss = loss + options.info_nce_weight * losses.info_nce(own, wanted, column, options.temperature)
        return loss


def noised(wording: str, options: Align, rng: Random) -> str:
    """The wording, typed badly as often as the options say."""
    if rng.random() >= options.noise:
        return wording
    words = (noise.drop_vowels(word, options.vowels, rng) for word in wording.split())
    return " ".join(noise.typos(word, options.typos, rng) for word in words)


# ---- dev


def _judge(encoder: models.Bi, dev: Examples, options: Align, folder: Path) -> Callable[[], float]:
    if not dev.documents:
        return _cosine(encoder, dev, options, folder)
    rows = {id: row for row, id in enumerate(dev.documents)}
    documents = cached(options.teacher, "documents", list(dev.documents.values()), folder)
    asked = []
    for side in ("native", "latin"):
        there = [query for query in dev.queries if getattr(query, side) and query.positives]
        if there:
            texts = [query.native if side == "native" else query.latin[0] for query in there]
            relevant = [[rows[id] for id in query.positives] for query in there]
            asked.append((encoder.tokens(texts, "query", options.query_tokens), relevant))
    if not asked:
        raise TrainingError("dev: no queries with positives")

    def figure() -> float:
        figures = [models.ndcg(encoder.encoded(texts) @ documents.T, relevant) for texts, relevant in asked]
        return sum(figures) / len(figures)

    return figure


def _cosine(encoder: models.Bi, dev: Examples, options: Align, folder: Path) -> Callable[[], float]:
    pairs = _Pairs(dev)
    targets = cached(options.teacher, "queries", pairs.native, folder)[pairs.with_latin]
    latin = encoder.tokens([pairs.latin[row][0] for row in pairs.with_latin], "query", options.query_tokens)
    native = encoder.tokens([pairs.native[row] for row in pairs.with_latin], "query", options.query_tokens)

    def figure() -> float:
        cosines = [(encoder.encoded(texts) * targets).sum(axis=1).mean() for texts in (latin, native)]
        return float(sum(cosines) / len(cosines))

    return figure


def _about(options: Align) -> str:
    return (
        "A query encoder for queries in native script and in Latin letters. It searches the document vectors "
        f"of `{options.teacher}`, which stay as they are: encode documents with that model, queries with "
        "this one. It was trained, without labels and documents, to give the Latin wordings of queries, and "
        "the queries themselves, the teacher's vectors of their native forms."
    )
