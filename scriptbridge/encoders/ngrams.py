"""Queries as hashed character n-grams, in the space of a large encoder, by numpy alone: ``ngrams:FILE``.

A word, with its edges, is the bag of its character n-grams and of itself (fastText: Bojanowski et al., TACL
2017), each of which is a row of one table by its hash (Weinberger et al., ICML 2009). With rows e_g and the
words w of a query::

    h_w = tanh( Σ_{g in w} e_g / √|w| )          q = normalise( W Σ_w h_w / √words + b )

Words are those of `scriptbridge.text`, so that all keyboards write one word. The tanh lets n-grams of a word
decide together, and a word count by how much its row has learnt to say. What it learns, from the vectors that
a large encoder gives queries, is in `train.ngrams`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scriptbridge import text
from scriptbridge.errors import EncoderError

from . import rows, specs, weights

__all__ = ["KIND", "LARGEST", "SHAPES", "Bags", "Ngrams", "bags", "save", "size"]

KIND = "ngrams"
LARGEST = 10_000_000  # bytes of a file
SHAPES = {"table": ("|i1", 2), "scales": ("<f2", 1), "projection": ("<f2", 2), "bias": ("<f4", 1)}
LONGEST_TEXT = 256  # words that are read, far more than queries have
BATCH = 32  # texts whose n-grams are in memory together: what caches hold

_EDGE = 0x20
_BASE = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: multiples of it lie far apart (Knuth, § 6.4)
_MIX = np.uint64(0xBF58476D1CE4E5B9)  # of splitmix64's finalizer
_WORD = np.uint64(0x94D049BB133111EB)
_HALF = np.uint64(32)


@dataclass(frozen=True, slots=True)
class Bags:
    """Texts as words as n-grams: word i is `ids[word_starts[i] : word_starts[i + 1]]`, to the end for the
    last; text j is the words `text_starts[j] : text_starts[j + 1]`, perhaps none.
    """

    ids: NDArray[np.int64]  # (n-grams,): rows of the table
    word_starts: NDArray[np.int64]  # (words,)
    text_starts: NDArray[np.int64]  # (texts + 1,)

    def lengths(self) -> NDArray[np.int64]:
        """(words,): n-grams of each word, one at least."""
        return np.diff(self.word_starts, append=len(self.ids))


def bags(texts: Sequence[str], buckets: int, shortest: int, longest: int) -> Bags:
    """The n-grams of `shortest` to `longest` characters, edges counted, and the whole words, of these texts.

    `buckets`, a power of 2, is how many ids there are.
    """
    words = [text.terms(each)[:LONGEST_TEXT] for each in texts]
    text_starts = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(each) for each in words], out=text_starts[1:])
    if not text_starts[-1]:
        return Bags(np.empty(0, np.int64), np.empty(0, np.int64), text_starts)
    line = f" {' '.join([word for each in words for word in each])} "
    letters = np.frombuffer(line.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)  # (c,)
    edges = np.flatnonzero(letters == _EDGE)  # (words + 1,)
    starts, ends = edges[:-1], edges[1:]
    # Column n - shortest of the row of a place has the n-gram that begins there, and the last one the word.
    hashes = np.zeros((len(letters), longest - shortest + 2), np.uint64)
    rolled = letters
    for n in range(2, longest + 1):
        rolled = rolled[:-1] * _BASE + letters[n - 1 :]
        if n >= shortest:
            hashes[: len(rolled), n - shortest] = rolled
    pairs = _mixed(letters[:-1] * _BASE + letters[1:])
    hashes[starts, -1] = np.add.reduceat(pairs, starts) * _WORD
    word_of = np.repeat(np.arange(len(starts)), ends - starts)  # (c - 1,): an edge begins the word after it
    room = ends[word_of] - np.arange(len(word_of)) + 1  # characters to the word's end, its edge counted
    there = np.zeros(hashes.shape, bool)
    there[:-1, :-1] = np.arange(shortest, longest + 1) <= room[:, None]
    there[starts, -1] = True
    counts = np.add.reduceat(there.sum(axis=1), starts)  # (words,)
    shift = np.uint64(64 - buckets.bit_length() + 1)
    ids = (_mixed(hashes[there]) >> shift).astype(np.int64)
    return Bags(ids, np.cumsum(counts) - counts, text_starts)


def _mixed(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Every bit of a hash depending on all of it."""
    hashes = (hashes ^ (hashes >> _HALF)) * _MIX
    return (hashes ^ (hashes >> _HALF)) * _BASE


class Ngrams:
    """The encoder of a file; queries only, for documents are the teacher's business."""

    def __init__(self, path: str | Path, *, name: str | None = None) -> None:
        """EncoderError for a file that cannot be used."""
        self.name = name or f"ngrams:{path}"
        about, arrays = weights.read(Path(path).expanduser(), KIND, SHAPES)
        self._table = arrays["table"]  # (buckets, k) int8
        self._scales = arrays["scales"].astype(np.float32)  # (buckets,): of the rows
        self._projection = arrays["projection"].astype(np.float32)  # (k, d)
        self._bias: NDArray[np.float32] = arrays["bias"].astype(np.float32)  # (d,)
        buckets, k = self._table.shape
        self.dimension = len(self._bias)
        try:
            self.teacher = str(about["teacher"])
            self._lengths = int(about["shortest"]), int(about["longest"])
        except (KeyError, TypeError, ValueError) as error:
            raise EncoderError(f"{path}: not what such a file says of itself ({error!r})") from error
        if (
            buckets < 2
            or buckets & (buckets - 1)
            or self._scales.shape != (buckets,)
            or self._projection.shape != (k, self.dimension)
            or not 2 <= self._lengths[0] <= self._lengths[1]
        ):
            shapes = {name: each.shape for name, each in arrays.items()}
            raise EncoderError(f"{path}: arrays of {shapes}, n-grams of {self._lengths} do not fit together")

    @classmethod
    def of(cls, spec: str) -> Ngrams:
        """The encoder that ``ngrams:FILE`` names."""
        path, _ = specs.options(spec, {})
        return cls(path, name=spec)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, d), rows of length 1; a text without words has the bias alone."""
        texts = rows.texts_of(texts, self.name)
        parts = [self._batch(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, self.dimension), np.float32)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """EncoderError: the teacher encodes documents."""
        raise EncoderError(f"{self.name} encodes queries only; its documents are encoded by {self.teacher}")

    def _batch(self, texts: list[str]) -> NDArray[np.float32]:
        found = bags(texts, len(self._table), *self._lengths)
        pooled = np.zeros((len(texts), self._table.shape[1]), np.float32)  # (n, k)
        if len(found.ids):
            grams = self._table[found.ids] * self._scales[found.ids, None]  # (n-grams, k)
            words = np.add.reduceat(grams, found.word_starts)  # (words, k)
            words /= np.sqrt(found.lengths(), dtype=np.float32)[:, None]
            np.tanh(words, out=words)
            counts = np.diff(found.text_starts)  # (n,)
            some = counts > 0
            pooled[some] = np.add.reduceat(words, found.text_starts[:-1][some])
            pooled[some] /= np.sqrt(counts[some], dtype=np.float32)[:, None]
        return rows.unit(pooled @ self._projection + self._bias, texts, self.dimension, self.name)


def size(buckets: int, width: int, dimension: int) -> int:
    """Bytes of the arrays of such an encoder's file."""
    return buckets * (width + 2) + (2 * width + 4) * dimension


def save(
    path: Path,
    teacher: str,
    lengths: tuple[int, int],
    table: NDArray[np.float32],
    projection: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> None:
    """Write an encoder: table (buckets, k), projection (k, d), bias (d,); rows of the table become int8.

    Each row's largest number is 127 of its own steps, so none is off by more than 1/254 of it.
    """
    scales = (np.abs(table).max(axis=1) / 127).astype(np.float16)  # (buckets,)
    steps = np.maximum(scales.astype(np.float32), np.finfo(np.float16).smallest_subnormal)
    arrays = {
        "table": np.clip(np.rint(table / steps[:, None]), -127, 127).astype(np.int8),
        "scales": scales,
        "projection": projection.astype(np.float16),
        "bias": bias.astype(np.float32),
    }
    about = {"teacher": teacher, "shortest": lengths[0], "longest": lengths[1]}
    weights.write(path, KIND, about, arrays)
