"""What an encoder is: one small protocol a kind. All of them take texts as they come, in any number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["CrossEncoder", "DenseEncoder", "SparseEncoder", "SparseRows"]


@dataclass(frozen=True, slots=True)
class SparseRows:
    """n rows of `dimension` columns, few of them not 0: compressed sparse rows, as SciPy's csr_array."""

    indptr: NDArray[np.int64]
    """(n + 1,): row i is `indices[indptr[i] : indptr[i + 1]]`, and the values beside them."""
    indices: NDArray[np.int32]
    """(nnz,): columns, ascending in each row."""
    values: NDArray[np.float32]
    """(nnz,)"""
    dimension: int

    def __len__(self) -> int:
        return len(self.indptr) - 1


class DenseEncoder(Protocol):
    """A text is a vector of length 1; two texts are as similar as their dot product says.

    EncoderError where a text has no such vector or the encoder fails; nothing is returned of half the texts.
    """

    @property
    def name(self) -> str:
        """The spec it was made from, which holds no secret."""
        ...

    @property
    def dimension(self) -> int:
        """d, the length of its vectors. Where only the encoder's own answer tells, this asks it once."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, d), rows of length 1."""
        ...

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, d), rows of length 1."""
        ...


class SparseEncoder(Protocol):
    """A text is a few weighted terms of a vocabulary; a row may be empty. Similarity is the dot product."""

    @property
    def name(self) -> str:
        """The spec it was made from."""
        ...

    @property
    def dimension(self) -> int:
        """The size of the vocabulary."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> SparseRows:
        """n rows."""
        ...

    def encode_documents(self, texts: Sequence[str]) -> SparseRows:
        """n rows."""
        ...


class CrossEncoder(Protocol):
    """Reads a query and a document together."""

    @property
    def name(self) -> str:
        """The spec it was made from."""
        ...

    def score(self, query: str, documents: Sequence[str]) -> NDArray[np.float32]:
        """(n,): how well each document answers the query, higher is better; finite, on a scale of its own."""
        ...
