"""An encoder whose query vectors are adapted by a low-rank residual: ``adapter:FILE``.

    q' = normalise( q + B A q + b )

with A (r, d) and B (d, r): Adapted Dense Retrieval (Khatry et al. 2023, arXiv:2310.05380), on the queries'
side alone, so that documents already indexed stay valid, and, unless the file says so, on queries in Latin
letters alone, so that native ones find what they found. The encoder, named in the file, may be behind an
API; beside it, this needs numpy alone. How A, B and b are learnt is in `train.adapter`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scriptbridge import text
from scriptbridge.errors import EncoderError

from . import rows, specs, weights
from .protocols import DenseEncoder

__all__ = ["KIND", "SHAPES", "Adapter", "in_latin", "save"]

KIND = "adapter"
SHAPES = {"down": ("<f4", 2), "up": ("<f4", 2), "bias": ("<f4", 1)}


def in_latin(query: str) -> bool:
    """Whether a query has Latin letters and no others."""
    scripts = {text.script_of(word) for word in text.terms(query)}
    return "Latn" in scripts and scripts <= {"Latn", "Zyyy"}


class Adapter:
    """The encoder that a file names, its queries adapted as the file says."""

    def __init__(
        self, path: str | Path, dense: Callable[[str], DenseEncoder], *, name: str | None = None
    ) -> None:
        """`dense` gives the encoder of a spec. EncoderError for a file or an encoder that cannot be used."""
        self.name = name or f"adapter:{path}"
        about, arrays = weights.read(Path(path).expanduser(), KIND, SHAPES)
        self._down, self._up, self._bias = (
            arrays["down"],
            arrays["up"],
            arrays["bias"],
        )  # (r, d), (d, r), (d,)
        self.dimension = len(self._bias)
        if self._down.shape != self._up.shape[::-1] or self._down.shape[1] != self.dimension:
            shapes = {name: each.shape for name, each in arrays.items()}
            raise EncoderError(f"{path}: arrays of {shapes} do not fit together")
        encoder = about.get("encoder")
        if not isinstance(encoder, str) or encoder.startswith(f"{KIND}:"):
            raise EncoderError(f"{path}: names no encoder that can be adapted: {encoder!r}")
        if not isinstance(latin_only := about.get("latin_only"), bool):
            raise EncoderError(f"{path}: does not say which queries are adapted")
        self.latin_only = latin_only
        self.encoder = dense(encoder)

    @classmethod
    def of(cls, spec: str, dense: Callable[[str], DenseEncoder]) -> Adapter:
        """The encoder that ``adapter:FILE`` names."""
        path, _ = specs.options(spec, {})
        return cls(path, dense, name=spec)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, d), rows of length 1."""
        vectors = self._of_encoder(self.encoder.encode_queries(texts))
        chosen = [at for at, query in enumerate(texts) if not self.latin_only or in_latin(query)]
        some = vectors[chosen]  # (c, d)
        some = some + (some @ self._down.T) @ self._up.T + self._bias
        found = vectors.copy()
        found[chosen] = rows.unit(some, [texts[at] for at in chosen], self.dimension, self.name)
        return found

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, d), rows of length 1, as the encoder gives them."""
        return self._of_encoder(self.encoder.encode_documents(texts))

    def _of_encoder(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        if vectors.shape[1] != self.dimension:
            raise EncoderError(
                f"{self.name}: {self.encoder.name} gives vectors of dimension {vectors.shape[1]:,}; "
                f"it was trained on {self.dimension:,}"
            )
        return vectors


def save(
    path: Path,
    encoder: str,
    down: NDArray[np.float32],
    up: NDArray[np.float32],
    bias: NDArray[np.float32],
    *,
    latin_only: bool = True,
) -> None:
    """Write what adapts the encoder of that spec: down (r, d), up (d, r), bias (d,)."""
    about = {"encoder": encoder, "latin_only": latin_only}
    weights.write(path, KIND, about, {"down": down, "up": up, "bias": bias})
