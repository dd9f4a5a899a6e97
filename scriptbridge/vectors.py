"""Dense vectors beside an index: one file, which belongs to one commit, and search over it.

``vectors.bin`` is a header of `HEADER` bytes (a line of magic, a line with its CRC-32, a line of JSON,
`_Header`, spaces), then, each from a multiple of 64 bytes on: the vectors (float32, count × dimension, of
length 1); the rows: digests of the texts (16 bytes each), keys (uint64, ascending), the documents' ids (int64
ends, then UTF-8); and, from `EXACT` vectors on, a usearch graph of them in int8. Everything can be made again
from the index.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scriptbridge import atomic, extras
from scriptbridge.encoders import DenseEncoder, rows
from scriptbridge.errors import EncoderError, IndexStorageError

__all__ = [
    "PROBED",
    "Content",
    "Vectors",
    "catch_up",
    "check_encoder",
    "digest",
    "encode_queries",
    "largest",
]

EXACT = 50_000  # vectors; fewer are all looked at
CHUNK = 2_048  # texts encoded before they are written
PROBED = 32  # documents, of which the shortest tells whether an encoder gives the vectors that are there
SAME = 0.99  # cosine of a text's vectors by one encoder, whatever device and precision it runs in
BLOCK = 1 << 24  # bytes read or written at once
SAMPLE = 10_000  # vectors that the scale of int8 is taken from
LARGEST = 0.999  # the quantile of their numbers' sizes that is int8's largest: few dimensions stand far out
CANDIDATES = 4  # times k that the graph finds, so that float's k best are among them
LEAST_CANDIDATES = 400
GRAPH = {"connectivity": 32, "expansion_add": 256}  # twice usearch's own: vectors come slowly, errors stay
GONE = 0.5  # of the graph's vectors, after which it is built anew

NO_COMMIT = ""  # the stamp of what was encoded before an encoder failed
MAGIC = b"scriptbridge-vectors 1\n"
HEADER = 1 << 14
ALIGNED = 64


def digest(text: str) -> bytes:
    """16 bytes that differ where texts do."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def encode_queries(
    encoder: DenseEncoder, texts: Sequence[str], shares: Sequence[float], dimension: int
) -> NDArray[np.float32]:
    """(d,): the mean of the texts' vectors by their shares, of length 1.

    EncoderError where the encoder fails or its vectors are not of `dimension`.
    """
    vectors = rows.unit(encoder.encode_queries(texts), texts, dimension, encoder.name)  # (n, d)
    mean = np.asarray(shares) @ vectors[None]  # (1, d)
    query: NDArray[np.float32] = rows.unit(mean, texts[:1], dimension, encoder.name)[0]
    return query


def check_encoder(known: Vectors, texts: Mapping[int, str], encoder: DenseEncoder) -> None:
    """EncoderError where `encoder` is no longer what made the vectors of these texts, given by their rows.

    A model trained on in its folder, a function edited or a server's model changed keep their spec.
    """
    row = min(texts, key=lambda row: len(texts[row]))
    before, id = known.vectors[row], known.content(row).id
    now = rows.unit(encoder.encode_documents([texts[row]]), [texts[row]], None, encoder.name)[0]
    same_length = len(now) == len(before)
    if same_length and float(now @ before) >= SAME:
        return
    differ = f"cosine {now @ before:.2f}" if same_length else f"{len(now):,} numbers, {len(before):,} there"
    raise EncoderError(
        f"{encoder.name} has changed since it encoded the documents: {id!r} has another vector now "
        f"({differ}); delete {known.path} to have all documents encoded again"
    )


def largest(scores: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Places of the k largest, largest first, of equal ones the first."""
    if k < len(scores):
        least = np.partition(scores, -k)[-k]
        places = np.flatnonzero(scores >= least)
    else:
        places = np.arange(len(scores))
    return places[np.argsort(-scores[places], kind="stable")][:k]


class Content(NamedTuple):
    """A document to have a vector, and what of."""

    id: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class _Header:
    stamp: str  # the commit
    encoder: str
    count: int
    dimension: int
    id_bytes: int
    graph_bytes: int
    next_key: int
    scale: float  # int8 = float · scale; 0 without a graph
    vectors_crc: int
    rows_crc: int
    graph_crc: int

    @property
    def rows_start(self) -> int:
        return _aligned(HEADER + 4 * self.count * self.dimension)

    @property
    def graph_start(self) -> int:
        return _aligned(self.rows_start + 32 * self.count + self.id_bytes)

    @property
    def size(self) -> int:
        return self.graph_start + self.graph_bytes

    def encoded(self) -> bytes:
        body = json.dumps(asdict(self), ensure_ascii=False).encode()
        body = body.ljust(HEADER - len(MAGIC) - 9)
        if len(body) > HEADER - len(MAGIC) - 9:
            raise EncoderError(f"{self.encoder[:80]}…: too long a name for an index's encoder")
        return MAGIC + b"%08x\n" % zlib.crc32(body) + body

    @classmethod
    def read(cls, data: bytes) -> _Header | None:
        """None where it is damaged."""
        at = len(MAGIC) + 9
        if not data.startswith(MAGIC) or data[len(MAGIC) : at] != b"%08x\n" % zlib.crc32(data[at:]):
            return None
        return cls(**json.loads(data[at:]))


def _aligned(size: int) -> int:
    return -(-size // ALIGNED) * ALIGNED


@dataclass(frozen=True, eq=False)
class Vectors:
    """A snapshot of vectors, mapped from its file."""

    path: Path
    header: _Header
    vectors: NDArray[np.float32]  # (n, d)
    digests: NDArray[np.uint8]  # (n, 16)
    keys: NDArray[np.uint64]  # (n,), of the graph
    ends: NDArray[np.int64]  # (n,), of ids in `blob`
    blob: bytes
    graph_data: NDArray[np.uint8]

    @classmethod
    def load(cls, path: Path, encoder: str) -> Vectors | None:
        """The snapshot at `path`; None if there is none, it is damaged, or it is of another encoder.

        All of it is read once: numbers that are not as they were written would find other documents, and a
        graph's would crash.
        """
        try:
            with path.open("rb") as file:  # opened once: a writer may put another in its place
                header = _Header.read(file.read(HEADER))
                size = os.fstat(file.fileno()).st_size
                if header is None or header.encoder != encoder or size != header.size:
                    return None
                data = np.memmap(file, np.uint8, "r")
        except OSError:
            return None
        n, d = header.count, header.dimension
        numbers = data[HEADER : HEADER + 4 * n * d]
        about = data[header.rows_start : header.graph_start]
        graph = data[header.graph_start :]
        if (_crc(about), _crc(numbers), _crc(graph)) != (
            header.rows_crc,
            header.vectors_crc,
            header.graph_crc,
        ):
            return None
        return cls(
            path,
            header,
            numbers.view(np.float32).reshape(n, d),
            about[: 16 * n].reshape(n, 16),
            about[16 * n : 24 * n].view(np.uint64),
            about[24 * n : 32 * n].view(np.int64),
            about[32 * n : 32 * n + header.id_bytes].tobytes(),
            graph,
        )

    def __len__(self) -> int:
        return self.header.count

    def content(self, row: int) -> Content:
        """Which document a row is of."""
        start = int(self.ends[row - 1]) if row else 0
        return Content(self.blob[start : int(self.ends[row])].decode(), self.digests[row].tobytes())

    def nearest(self, query: NDArray[np.float32], k: int) -> list[tuple[Content, float]]:
        """The k documents with the largest dot products with `query` (d,); from `EXACT` on, nearly always."""
        candidates = self._candidates(query, k)
        scores = (self.vectors if candidates is None else self.vectors[candidates]) @ query
        best = largest(scores, k)
        found = best if candidates is None else candidates[best]
        return [
            (self.content(int(row)), float(score)) for row, score in zip(found, scores[best], strict=True)
        ]

    def _candidates(self, query: NDArray[np.float32], k: int) -> NDArray[np.int64] | None:
        """Rows, ascending, that the graph finds; None for all."""
        count = max(LEAST_CANDIDATES, CANDIDATES * k)
        if self._graph is None or count >= len(self):
            return None
        graph = self._graph
        graph.expansion_search = count
        keys = graph.search(_quantized(query, self.header.scale), count).keys
        return np.sort(np.searchsorted(self.keys, np.asarray(keys, np.uint64)))

    @cached_property
    def _graph(self) -> Any:
        if not len(self.graph_data):
            return None
        return extras.load("usearch.index", "neural").Index.restore(self.graph_data.data, view=True)


def _quantized(vectors: NDArray[np.float32], scale: float) -> NDArray[np.int8]:
    scaled: NDArray[np.float32] = np.rint(vectors * np.float32(scale))
    return np.clip(scaled, -127, 127).astype(np.int8)


def _crc(data: NDArray[np.uint8], crc: int = 0) -> int:
    for start in range(0, len(data), BLOCK):
        crc = zlib.crc32(data[start : start + BLOCK].data, crc)
    return crc


# ---- making it


def catch_up(
    path: Path,
    stamp: str,
    contents: Sequence[Content],
    texts: Callable[[Sequence[int]], list[str]],
    encoder: DenseEncoder,
    name: str,
    *,
    known: bool = False,
) -> None:
    """Write the snapshot of a commit: of `contents`, whose texts `texts` gives by their places.

    A document whose id and text were in the snapshot at `path` keeps its vector; the others are encoded, a
    few at a time. `name` is the encoder's in the index; it is checked to give the vectors that are there,
    unless that is `known`. EncoderError where it does not, fails or gives vectors that do not fit: what was
    encoded until then is kept, in a snapshot that is of no commit. IndexStorageError where the disk refuses;
    then the file is as it was.
    """
    previous = Vectors.load(path, name)
    kept, new = _compared(previous, contents)
    if previous is not None and kept and not known:
        some = kept[:PROBED]
        given = texts([place for _, place in some])
        check_encoder(previous, dict(zip((row for row, _ in some), given, strict=True)), encoder)
    order = [*(place for _, place in kept), *new]
    next_key = previous.header.next_key if previous is not None else 0
    keys = np.arange(next_key, next_key + len(new), dtype=np.uint64)
    if previous is not None:
        keys = np.concatenate([previous.keys[[row for row, _ in kept]], keys])
    stopped: BaseException | None = None
    with _replacing(path) as file:
        count, dimension, crc = 0, 0, 0
        file.seek(HEADER)
        try:
            for block in _blocks(previous, [row for row, _ in kept], new, contents, texts, encoder):
                data = block.tobytes()
                file.write(data)
                count, dimension, crc = count + len(block), block.shape[1], zlib.crc32(data, crc)
        except (EncoderError, KeyboardInterrupt) as error:
            if count <= len(kept):
                raise
            stopped, stamp = error, NO_COMMIT
        header = _Header(stamp, name, count, dimension, 0, 0, next_key + len(new), 0.0, crc, 0, 0)
        header = _write_rows(file, header, [contents[at] for at in order[:count]], keys[:count])
        if count >= EXACT and stopped is None:
            file.flush()
            header = _write_graph(file, header, previous, keys)
        file.truncate(header.size)
        file.seek(0)
        file.write(header.encoded())
    if stopped is not None:
        raise stopped


def _compared(
    previous: Vectors | None, contents: Sequence[Content]
) -> tuple[list[tuple[int, int]], list[int]]:
    """(row, place in contents) of what is as it was, by rows, and the places of what is not."""
    places = {content: place for place, content in enumerate(contents)}
    known = (previous.content(row) for row in range(len(previous))) if previous is not None else ()
    kept = [(row, places.pop(content)) for row, content in enumerate(known) if content in places]
    return kept, list(places.values())


def _blocks(
    previous: Vectors | None,
    kept: Sequence[int],
    new: Sequence[int],
    contents: Sequence[Content],
    texts: Callable[[Sequence[int]], list[str]],
    encoder: DenseEncoder,
) -> Iterator[NDArray[np.float32]]:
    """(b, d) each: the vectors to keep, and then those of the new documents, in order."""
    dimension = None
    if previous is not None and kept:
        dimension = previous.header.dimension
        step = max(1, BLOCK // (4 * dimension))
        for start in range(0, len(kept), step):
            yield previous.vectors[kept[start : start + step]]
    progress = rows.terminal(f"{encoder.name}, documents")
    for start in range(0, len(new), CHUNK):
        progress(start, len(new))
        places = new[start : start + CHUNK]
        some = texts(places)
        try:
            part = rows.unit(encoder.encode_documents(some), some, dimension, encoder.name)
        except rows.TextError as error:
            if error.text in some:
                id = contents[places[some.index(error.text)]].id
                error.add_note(
                    f"that is document {id!r}; once it is changed or deleted, the others get vectors"
                )
            raise
        dimension = part.shape[1]
        yield part
    progress(len(new), len(new))


def _write_rows(
    file: IO[bytes], header: _Header, contents: Iterable[Content], keys: NDArray[np.uint64]
) -> _Header:
    ids, digests = [], []
    for id, content in contents:
        ids.append(id.encode())
        digests.append(content)
    ends = np.cumsum([len(id) for id in ids], dtype=np.int64)
    header = replace(header, id_bytes=sum(map(len, ids)))
    data = b"".join([*digests, keys.tobytes(), ends.tobytes(), *ids])
    data = data.ljust(header.graph_start - header.rows_start, b"\0")
    file.seek(header.rows_start)
    file.write(data)
    return replace(header, rows_crc=zlib.crc32(data))


def _write_graph(
    file: IO[bytes], header: _Header, previous: Vectors | None, keys: NDArray[np.uint64]
) -> _Header:
    """The graph of the vectors in the file: the previous one's, with what is new and without what is gone."""
    shape = (header.count, header.dimension)
    vectors = np.memmap(Path(file.name), np.float32, "r", HEADER, shape)
    graph, scale, first = _continued(previous, keys)
    if graph is None:
        sample = vectors[:: max(1, len(vectors) // SAMPLE)]
        scale = 127 / max(float(np.quantile(np.abs(sample), LARGEST)), 1e-9)
        graph = extras.load("usearch.index", "neural").Index(
            ndim=header.dimension, metric="cos", dtype="i8", **GRAPH
        )
    step = max(1, BLOCK // (4 * header.dimension))
    for start in range(first, len(vectors), step):
        graph.add(keys[start : start + step], _quantized(vectors[start : start + step], scale))
    data = bytes(graph.save())
    file.seek(header.graph_start)
    file.write(data)
    return replace(header, graph_bytes=len(data), graph_crc=zlib.crc32(data), scale=scale)


def _continued(previous: Vectors | None, keys: NDArray[np.uint64]) -> tuple[Any, float, int]:
    """The previous graph without what is gone, its scale, and the first row that it lacks."""
    if previous is None or not previous.header.graph_bytes:
        return None, 0.0, 0
    kept = int(np.searchsorted(keys, np.uint64(previous.header.next_key)))
    gone = np.setdiff1d(previous.keys, keys[:kept])
    graph = extras.load("usearch.index", "neural").Index.restore(previous.graph_data.tobytes(), **GRAPH)
    if len(gone) > GONE * len(previous):
        return None, 0.0, 0
    if len(gone):
        graph.remove(gone)
    return graph, previous.header.scale, kept


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of the one at `path` once it is whole and on the disk."""
    try:
        with atomic.replacing(path) as file:
            yield file
    except OSError as error:
        raise IndexStorageError(
            f"{path}: cannot be written: {error.strerror or error}; the documents are as committed"
        ) from error
