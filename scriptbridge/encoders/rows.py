"""What every encoder does with many texts: batches, longest first, progress, and checks of what came back."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from scriptbridge.errors import EncoderError
from scriptbridge.functions import raised

from .protocols import SparseRows

__all__ = [
    "Progress",
    "TextError",
    "batches",
    "encoded",
    "scores",
    "sparse",
    "stacked",
    "terminal",
    "texts_of",
    "unit",
]

Rows = TypeVar("Rows")

Progress = Callable[[int, int], None]
"""Told how many texts are done, of how many; first with 0."""

QUOTED = 60  # characters of a text in a message


class TextError(EncoderError):
    """An encoder gave no usable vector for `text`."""

    def __init__(self, message: str, text: str) -> None:
        super().__init__(message)
        self.text = text


def texts_of(texts: Sequence[str], name: str) -> list[str]:
    """The texts as a list; EncoderError where they are none."""
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise EncoderError(f"{name}: encodes lists of texts; got {repr(texts)[:QUOTED]}")
    return list(texts)


def terminal(name: str) -> Progress:
    """Progress in one line of stderr, where that is a terminal and there is a second's work or more."""
    begun = shown = time.monotonic()

    def progress(done: int, of: int) -> None:
        nonlocal begun, shown
        now = time.monotonic()
        if done == 0:
            begun = shown = now
        elif done == of and shown > begun:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        elif now - begun > 1 and now - shown > 0.1:
            print(f"\r\x1b[K{name}: {done:,} of {of:,} texts", end="", file=sys.stderr, flush=True)
            shown = now

    return progress if sys.stderr.isatty() else lambda done, of: None


def batches(texts: Sequence[str], size: int, characters: int | None = None) -> Iterator[NDArray[np.intp]]:
    """Places of the texts, longest first, `size` at most together, and of `characters` at most.

    Texts of one length make the least padding, and the longest first say at once whether memory is enough. A
    text of more than `characters` comes alone.
    """
    lengths = np.fromiter(map(len, texts), np.intp, len(texts))
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        end = min(start + size, len(order))
        if characters is not None:
            total = accumulate(lengths[order[start:end]].tolist())
            end = start + max(1, sum(each <= characters for each in total))
        yield order[start:end]
        start = end


def encoded(
    texts: Sequence[str],
    groups: Iterator[NDArray[np.intp]],
    encode: Callable[[list[str]], Rows],
    progress: Progress,
) -> Iterator[tuple[NDArray[np.intp], Rows]]:
    """Places of each group of texts, and what `encode` makes of these."""
    done = 0
    progress(done, len(texts))
    for places in groups:
        yield places, encode([texts[at] for at in places])
        done += len(places)
        progress(done, len(texts))


def stacked(
    parts: Iterable[tuple[NDArray[np.intp], NDArray[np.float32]]], count: int, dimension: Callable[[], int]
) -> NDArray[np.float32]:
    """(count, d): rows of each part, put where its texts stand; `dimension` is asked if there are none."""
    rows: NDArray[np.float32] | None = None
    for places, part in parts:  # part: (b, d)
        if rows is None:
            rows = np.empty((count, part.shape[1]), np.float32)
        rows[places] = part
    return np.empty((0, dimension()), np.float32) if rows is None else rows


def unit(vectors: object, texts: Sequence[str], dimension: int | None, who: str) -> NDArray[np.float32]:
    """(n, d) rows of length 1 of what `who` gave for n texts; EncoderError says what does not fit.

    `dimension` is what d must be, None if that is not known yet.
    """
    array = _numbers(vectors, who)
    if array.ndim != 2 or array.shape[1] == 0:
        raise EncoderError(f"{who} gave an array of shape {array.shape}; accepted is (texts, dimension)")
    if len(array) != len(texts):
        raise EncoderError(f"{who} gave {len(array):,} vectors for {len(texts):,} texts")
    if dimension is not None and array.shape[1] != dimension:
        raise EncoderError(f"{who} gave vectors of dimension {array.shape[1]:,}; expected are {dimension:,}")
    array = array.astype(np.float64)
    largest = np.abs(array).max(axis=1)  # (n,)
    usable = np.isfinite(largest) & (largest > 0)
    if not usable.all():
        at = int(np.argmin(usable))
        what = "a vector of zeros" if largest[at] == 0 else "NaN or infinite numbers"
        raise TextError(f"{who} gave {what} for the text {texts[at][:QUOTED]!r}", texts[at])
    array = np.ldexp(array, -np.frexp(largest)[1][:, None])  # exact, and no square over- or underflows
    return np.asarray(array / np.linalg.norm(array, axis=1, keepdims=True), np.float32)


def scores(numbers: object, documents: Sequence[str], who: str) -> NDArray[np.float32]:
    """(n,) of what `who` gave for n documents; EncoderError says what does not fit."""
    array = _numbers(numbers, who)
    if array.shape != (len(documents),):
        raise EncoderError(f"{who} gave scores of shape {array.shape} for {len(documents):,} documents")
    if not (finite := np.isfinite(array)).all():
        at = int(np.argmin(finite))
        raise EncoderError(f"{who} gave {array[at]} for the document {documents[at][:QUOTED]!r}")
    return np.asarray(array, np.float32)


def sparse(
    parts: Iterable[tuple[NDArray[np.intp], SparseRows]],
    texts: Sequence[str],
    dimension: Callable[[], int],
    who: str,
) -> SparseRows:
    """The rows of each part, put where its texts stand; EncoderError names a text whose row is not finite."""
    rows: list[tuple[NDArray[np.int32], NDArray[np.float32]]] = [_EMPTY] * len(texts)
    for places, part in parts:
        for row, at in enumerate(places.tolist()):
            span = slice(part.indptr[row], part.indptr[row + 1])
            if not np.isfinite(part.values[span]).all():
                raise EncoderError(f"{who} gave NaN or infinite numbers for the text {texts[at][:QUOTED]!r}")
            rows[at] = part.indices[span], part.values[span]
    return SparseRows(
        indptr=np.cumsum([0, *(len(indices) for indices, _ in rows)], dtype=np.int64),
        indices=np.concatenate([_EMPTY[0], *(indices for indices, _ in rows)]),
        values=np.concatenate([_EMPTY[1], *(values for _, values in rows)]),
        dimension=dimension(),
    )


_EMPTY = np.empty(0, np.int32), np.empty(0, np.float32)


def _numbers(given: object, who: str) -> NDArray[Any]:
    try:
        array = np.asarray(given)
    except ValueError:
        raise EncoderError(f"{who} gave rows of different lengths") from None
    except Exception as error:  # torch raises TypeError and RuntimeError of tensors that numpy cannot hold
        raise EncoderError(
            f"{who} gave {type(given).__name__}, which numpy cannot read ({raised(error)}); it reads a torch "
            "tensor's .detach().float().cpu().numpy()"
        ) from error
    if array.dtype.kind not in "fiu":
        raise EncoderError(f"{who} gave {type(given).__name__} of {array.dtype}; accepted are numbers")
    return array
