"""Encoders as systems: the documents' vectors in memory, and exact search of them."""

from __future__ import annotations

import numpy as np

from scriptbridge import encoders
from scriptbridge.encoders import DenseEncoder, SparseEncoder
from scriptbridge.vectors import largest

from .records import Collection, Ranking

__all__ = ["Dense", "Sparse"]


class Dense:
    """A dense encoder, and the cosine."""

    keeps_order = False

    def __init__(self, name: str, spec: str, collection: Collection) -> None:
        """Encode the collection; documents without text are left out, which no query should find."""
        self.name = name
        self._encoder = encoders.dense(spec)
        self.notes = _notes(name, self._encoder)
        texts = _texts(collection)
        self._ids = list(texts)
        self._vectors = self._encoder.encode_documents(list(texts.values()))  # (documents, dimensions)

    def search(self, text: str, k: int) -> Ranking:
        """The k nearest."""
        query = self._encoder.encode_queries([text])[0]  # (dimensions,)
        scores = self._vectors @ query  # (documents,)
        return [(self._ids[at], float(scores[at])) for at in largest(scores, k).tolist()]

    def close(self) -> None:
        """Let encoder and vectors go."""
        del self._encoder, self._vectors


class Sparse:
    """A sparse encoder, and the dot product; a document that shares no term with a query is not found."""

    keeps_order = False

    def __init__(self, name: str, spec: str, collection: Collection) -> None:
        """As `Dense`."""
        self.name = name
        self._encoder = encoders.sparse(spec)
        self.notes = _notes(name, self._encoder)
        texts = _texts(collection)
        self._ids = list(texts)
        rows = self._encoder.encode_documents(list(texts.values()))
        order = np.argsort(rows.indices, kind="stable")  # by terms, and by documents in each
        self._documents = np.repeat(np.arange(len(rows)), np.diff(rows.indptr))[order]  # (nnz,)
        self._weights = rows.values[order]  # (nnz,)
        self._starts = np.searchsorted(rows.indices[order], np.arange(rows.dimension + 1))  # of each term

    def search(self, text: str, k: int) -> Ranking:
        """The k best that share a term."""
        query = self._encoder.encode_queries([text])
        scores = np.zeros(len(self._ids), np.float32)
        for term, weight in zip(query.indices.tolist(), query.values, strict=True):
            postings = slice(self._starts[term], self._starts[term + 1])
            scores[self._documents[postings]] += weight * self._weights[postings]
        return [(self._ids[at], float(scores[at])) for at in largest(scores, k).tolist() if scores[at] > 0]

    def close(self) -> None:
        """Let encoder and postings go."""
        del self._encoder, self._documents, self._weights


def _texts(collection: Collection) -> dict[str, str]:
    """The documents with text, sorted by their ids, so that places order ties."""
    return {id: words for id, words in sorted(collection.documents.items()) if words.strip()}


def _notes(name: str, encoder: DenseEncoder | SparseEncoder) -> tuple[str, ...]:
    limit: int | None = getattr(encoder, "max_length", None)
    return () if limit is None else (f"{name} reads the first {limit:,} tokens of a text",)
