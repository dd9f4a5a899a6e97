"""Recipe `adapter`: a low-rank residual on the vectors of an encoder that cannot be trained.

Adapted Dense Retrieval (Khatry et al. 2023, arXiv:2310.05380) for queries alone: vectors of Latin wordings
are moved to where the encoder puts the native form, or to the documents that should be found. Only vectors
are needed, each asked for once, so that the encoder may be behind an API. The residual begins as no change at
all, and stays so where nothing it learns is better on dev.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray

from scriptbridge.encoders import adapter as encoder
from scriptbridge.encoders import specs
from scriptbridge.errors import TrainingError

from . import losses
from . import teacher as teaching
from .data import Examples
from .trainer import Metrics, Progress, Settings, check, draws
from .trainer import train as run

__all__ = ["EPOCHS", "FILE", "SETTINGS", "Adapter", "Residual", "train"]

FILE = "encoder.adapter"
"""The name of the result in the folder of a run."""
EPOCHS = 40
"""What is trained where settings have neither steps nor epochs; vectors are there, so a step is short."""
SETTINGS = {"learning_rate": 1e-2, "weight_decay": 0.0, "checkpoint_every": 500}
"""Settings that serve this recipe better than the general ones."""


@dataclass(frozen=True, slots=True)
class Adapter(teaching.Distillation):
    """What the recipe is told beside the settings; their `batch_size` is not used.

    `rank` is that of the residual, the vectors' dimension at most; None: full. Queries in Latin letters alone
    are adapted; where `native_per_batch` is above 0, all are, and native ones learn to stay.
    `document_weight` weighs how the batch's positive documents are told apart (InfoNCE at `temperature`),
    where the examples have any. Wordings are taken as they stand: an author such as "channel:4+typos=.1"
    writes them badly.
    """

    latin_per_batch: int = 192
    native_per_batch: int = 0
    rank: int | None = 64
    bias: bool = True
    document_weight: float = 0.0

    def __post_init__(self) -> None:
        """TrainingError for what cannot be trained with."""
        teaching.Distillation.__post_init__(self)
        check(self, ("rank", self.rank is None or self.rank >= 1, "1 and more, or None"))

    @property
    def latin_only(self) -> bool:
        """Whether native queries are left as they are."""
        return self.native_per_batch == 0


def train(
    examples: Examples,
    settings: Settings,
    options: Adapter,
    out: str | Path,
    *,
    dev: Examples | None = None,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> Metrics:
    """Adapt the encoder `settings.model`, a dense encoder's spec or a model's name or folder, and save what
    adapts it as `FILE` in `out`.

    `cache` and `dev` are as in `align.train`; dev is also what no change at all must fall short of. Documents
    and positives are looked at where `options.document_weight` says so. TrainingError for what cannot be
    trained with, EncoderError for an encoder that fails.
    """
    spec = specs.of_model(settings.model)
    folder = teaching.cache_folder(cache)
    pairs = teaching.Pairs(examples)
    rounds = teaching.Rounds(pairs, options, settings.seed)
    if settings.steps is None and settings.epochs is None:
        settings = replace(settings, epochs=EPOCHS)
    settings = replace(settings, batch_size=options.batch_size).counted(rounds.per_epoch)
    native = teaching.cached(spec, "queries", pairs.native, folder)  # (n, d)
    wordings = list(dict.fromkeys(each for some in pairs.latin for each in some))
    latin = teaching.cached(spec, "queries", wordings, folder)  # (w, d)
    row = {wording: at for at, wording in enumerate(wordings)}
    rows = [[row[each] for each in some] for some in pairs.latin]  # of each query's wordings
    documents = _Documents(examples, pairs.native, spec, folder) if options.document_weight else None
    residual = Residual(native.shape[1], options, settings.seed)

    def step(number: int, seed: int) -> torch.Tensor:
        rng = Random(seed)
        worded, plain = rounds.batch(number)
        chosen = [rng.choice(rows[query]) for query in worded.tolist()]
        own = residual.vectors(np.concatenate([latin[chosen], native[plain]]))  # (b, d)
        queries = np.concatenate([worded, plain])  # (b,)
        loss = teaching.distance(own, queries, native, options)
        if documents:
            loss = loss + options.document_weight * documents.loss(own, queries, options.temperature, rng)
        return loss

    judge = teaching.judge(dev, spec, folder, residual.ready(spec, folder)) if dev else None
    unchanged = judge() if judge else None

    def save(path: Path) -> None:
        if judge and unchanged is not None and not judge() > unchanged:
            residual.reset()
        residual.save(path / FILE, spec)

    return run(
        settings,
        step,
        residual.modules,
        Path(out),
        save,
        data=examples.fingerprint,
        origin=teaching.origin([spec]),
        options=asdict(options),
        about=_about(spec, unchanged, options.latin_only),
        evaluate=judge if settings.evaluate_every else None,
        progress=progress,
    )


class Residual:
    """`scriptbridge.encoders.adapter` with gradients.

    A begins as drawn and B and b as zeros, which is no change: LoRA begins so (Hu et al. 2022, section 4.1).
    """

    def __init__(self, dimension: int, options: Adapter, seed: int) -> None:
        self._latin_only = options.latin_only
        rank = min(options.rank or dimension, dimension)
        self.down = torch.nn.Linear(dimension, rank, bias=False)  # A (r, d)
        self.up = torch.nn.Linear(rank, dimension)  # B (d, r), b (d,)
        self.up.bias.requires_grad = options.bias
        generator = torch.Generator().manual_seed(draws(seed, "residual"))
        torch.nn.init.normal_(self.down.weight, std=dimension**-0.5, generator=generator)
        self.reset()

    @property
    def modules(self) -> dict[str, torch.nn.Module]:
        """What is trained."""
        return {"down": self.down, "up": self.up}

    def vectors(self, of_encoder: NDArray[np.float32]) -> torch.Tensor:
        """The encoder's vectors (b, d) adapted, rows of length 1, with gradients where they are on."""
        plain = torch.from_numpy(of_encoder).to(self.down.weight.device)
        return torch.nn.functional.normalize(plain + self.up(self.down(plain)), dim=1)

    def reset(self) -> None:
        """No change."""
        torch.nn.init.zeros_(self.up.weight)
        torch.nn.init.zeros_(self.up.bias)

    def ready(self, spec: str, folder: Path) -> teaching.Ready:
        """Texts' vectors by the encoder, once, and adapted whenever they are asked for."""

        def encoded(texts: Sequence[str]) -> Callable[[], NDArray[np.float32]]:
            of_encoder = teaching.cached(spec, "queries", texts, folder)
            left = [self._latin_only and not encoder.in_latin(each) for each in texts]  # (n,)

            def adapted() -> NDArray[np.float32]:
                with torch.no_grad():
                    found = self.vectors(of_encoder).float().cpu().numpy()
                return np.where(np.array(left)[:, None], of_encoder, found)

            return adapted

        return encoded

    def save(self, path: Path, spec: str) -> None:
        """Write the adapter's file."""
        down, up, bias = (
            each.detach().cpu().numpy() for each in (self.down.weight, self.up.weight, self.up.bias)
        )
        encoder.save(path, spec, down, up, bias, latin_only=self._latin_only)


class _Documents:
    """The encoder's vectors of the documents that queries should find."""

    def __init__(self, examples: Examples, native: Sequence[str], spec: str, folder: Path) -> None:
        found: dict[str, dict[str, None]] = {}
        for query in examples.queries:
            found.setdefault(query.native, {}).update(dict.fromkeys(query.positives))
        wanted = dict.fromkeys(id for each in found.values() for id in each)
        if not wanted:
            raise TrainingError("document_weight is above 0, but no query has a positive document")
        row = {id: at for at, id in enumerate(wanted)}
        self._rows = [[row[id] for id in found[text]] for text in native]  # of each query
        self._vectors = teaching.cached(spec, "documents", [examples.documents[id] for id in wanted], folder)

    def loss(
        self, own: torch.Tensor, queries: NDArray[np.int64], temperature: float, rng: Random
    ) -> torch.Tensor:
        """InfoNCE of a positive of each query among the batch's; a query's others are no negatives."""
        at = [place for place, row in enumerate(queries.tolist()) if self._rows[row]]
        if not at:
            return own.sum() * 0
        mine = [self._rows[queries[place]] for place in at]
        picked = [rng.choice(rows) for rows in mine]
        columns, positive = np.unique(picked, return_inverse=True)
        also = np.array([np.isin(columns, rows) for rows in mine])  # (b, m)
        documents, mask, place = (
            torch.from_numpy(each).to(own.device) for each in (self._vectors[columns], also, positive)
        )
        return losses.info_nce(own[at], documents, place, temperature, mask)


def _about(spec: str, unchanged: float | None, latin_only: bool) -> str:
    which = (
        "in Latin letters; native ones stay as they are" if latin_only else "in native script and in Latin"
    )
    kept = ""
    if unchanged is not None:
        kept = (
            f" On dev, the encoder unchanged has {unchanged:.4f}; the file changes nothing where what was "
            f"learnt is not better."
        )
    return (
        f"A low-rank residual, in the file `{FILE}`, on the query vectors of `{spec}`, for queries {which}. "
        f"Encode queries and documents with `adapter:{FILE}`, which asks that encoder and leaves the vectors "
        f"of documents as they are.{kept}"
    )
