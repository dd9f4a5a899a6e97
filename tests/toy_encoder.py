"""Functions as encoders: a text is what letters it has, whatever their order."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scriptbridge import text

DIMENSION = 64
asked: list[str] = []  # every text that was encoded


def encode(texts: Sequence[str]) -> NDArray[np.float64]:
    """(n, 64): counts of normalised letter pairs, by their code points."""
    if "BROKEN_ENCODER" in os.environ:
        raise OSError("the model is gone")
    asked.extend(texts)
    return np.array([_vector(each) for each in texts])


def other(texts: Sequence[str]) -> NDArray[np.float64]:
    """Vectors of another length."""
    return encode(texts)[:, :32] + 1


def nan(texts: Sequence[str]) -> NDArray[np.float64]:
    """No numbers."""
    return encode(texts) * np.nan


def score(query: str, documents: Sequence[str]) -> list[float]:
    """A cross-encoder that likes short documents."""
    return [-float(len(each)) for each in documents]


def _vector(words: str) -> NDArray[np.float64]:
    vector = np.full(DIMENSION, 0.01)
    for term in text.terms(words):
        for one, two in zip(f"_{term}", f"{term}_", strict=True):
            vector[(ord(one) * 31 + ord(two)) % DIMENSION] += 1
    return vector
