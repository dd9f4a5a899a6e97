"""A Python function, or an object with two methods, as an encoder: ``module:function``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scriptbridge.errors import EncoderError
from scriptbridge.functions import described, foreign, imported, raised

from . import rows
from .protocols import SparseRows

__all__ = ["Cross", "Dense", "Sparse"]

BATCH = 256  # texts for each call: enough for a function to sort into batches of its own


class Dense:
    """A function of a list of texts that gives (n, d) numbers, rows of any length but 0."""

    def __init__(self, spec: str, progress: rows.Progress | None = None) -> None:
        """EncoderError where there is no such function; it is not called yet."""
        self.name = spec
        self._queries, self._documents = _pair(spec)
        self._dimension: int | None = None
        self._progress = progress or rows.terminal(spec)

    @property
    def dimension(self) -> int:
        """d; the function is asked to encode one text where it has encoded none."""
        return self._dimension or self._batch(self._documents, ["a"]).shape[1]

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, d), rows of length 1; EncoderError where the function fails or gives something else."""
        return self._encoded(self._queries, texts)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `encode_queries`, by the object's encode_documents where it has one."""
        return self._encoded(self._documents, texts)

    def _encoded(self, function: Callable[[list[str]], Any], texts: Sequence[str]) -> NDArray[np.float32]:
        texts = rows.texts_of(texts, self.name)
        parts = rows.encoded(
            texts, rows.batches(texts, BATCH), partial(self._batch, function), self._progress
        )
        return rows.stacked(parts, len(texts), lambda: self.dimension)

    def _batch(self, function: Callable[[list[str]], Any], texts: list[str]) -> NDArray[np.float32]:
        vectors = rows.unit(_called(self.name, function, texts), texts, self._dimension, self.name)
        self._dimension = vectors.shape[1]
        return vectors


class Sparse:
    """A function of a list of texts that gives a SciPy sparse array (n, vocabulary), or SparseRows."""

    def __init__(self, spec: str, progress: rows.Progress | None = None) -> None:
        """EncoderError where there is no such function; it is not called yet."""
        self.name = spec
        self._queries, self._documents = _pair(spec)
        self._dimension: int | None = None
        self._progress = progress or rows.terminal(spec)

    @property
    def dimension(self) -> int:
        """The size of the vocabulary; the function is asked to encode one text where it has encoded none."""
        return self._dimension or self._batch(self._documents, ["a"]).dimension

    def encode_queries(self, texts: Sequence[str]) -> SparseRows:
        """n rows; EncoderError where the function fails or gives something else."""
        return self._encoded(self._queries, texts)

    def encode_documents(self, texts: Sequence[str]) -> SparseRows:
        """As `encode_queries`, by the object's encode_documents where it has one."""
        return self._encoded(self._documents, texts)

    def _encoded(self, function: Callable[[list[str]], Any], texts: Sequence[str]) -> SparseRows:
        texts = rows.texts_of(texts, self.name)
        parts = rows.encoded(
            texts, rows.batches(texts, BATCH), partial(self._batch, function), self._progress
        )
        return rows.sparse(parts, texts, lambda: self.dimension, self.name)

    def _batch(self, function: Callable[[list[str]], Any], texts: list[str]) -> SparseRows:
        found = _compressed(_called(self.name, function, texts), self.name)
        came, expected = (len(found), found.dimension), (len(texts), self._dimension or found.dimension)
        if came != expected:
            raise EncoderError(f"{self.name} gave rows of shape {came}; expected is {expected}")
        self._dimension = found.dimension
        return found


def _compressed(came: Any, who: str) -> SparseRows:
    if isinstance(came, SparseRows):
        return came
    if not hasattr(came, "tocsr"):
        raise EncoderError(
            f"{who} gave {type(came).__name__}; accepted are SciPy sparse arrays (texts, vocabulary)"
        )
    csr = came.tocsr(copy=True)
    csr.sum_duplicates()  # which also sorts
    return SparseRows(
        csr.indptr.astype(np.int64),
        csr.indices.astype(np.int32),
        csr.data.astype(np.float32),
        csr.shape[1],
    )


class Cross:
    """A function of a query and a list of documents that gives a score each."""

    def __init__(self, spec: str) -> None:
        """EncoderError where there is no such function."""
        self.name = spec
        self._score = _callable(spec, imported(spec, EncoderError))

    def score(self, query: str, documents: Sequence[str]) -> NDArray[np.float32]:
        """(n,), higher is better; EncoderError where the function fails or gives something else."""
        documents = rows.texts_of(documents, self.name)
        if not documents:
            return np.empty(0, np.float32)
        return rows.scores(_called(self.name, self._score, query, documents), documents, self.name)


def _pair(spec: str) -> tuple[Callable[[list[str]], Any], Callable[[list[str]], Any]]:
    """What encodes queries, and what documents."""
    found = imported(spec, EncoderError)
    if hasattr(found, "encode_queries") and hasattr(found, "encode_documents"):
        return _callable(spec, found.encode_queries), _callable(spec, found.encode_documents)
    return _callable(spec, found), _callable(spec, found)


def _callable(spec: str, found: Any) -> Callable[..., Any]:
    if isinstance(found, type) or not callable(found):
        raise EncoderError(f"{spec}: {described(found)} is no function")
    return found  # type: ignore[no-any-return]


def _called(spec: str, function: Callable[..., Any], *arguments: Any) -> Any:
    with foreign(lambda why: EncoderError(f"{spec} raised {raised(why)}")):
        return function(*arguments)
