"""Which queries make a batch, in which wording, with which documents; and which judge a student."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from scriptbridge.errors import TrainingError

from ..data import Examples, Query
from ..trainer import Settings, draws

__all__ = ["Passages", "Rounds", "Wordings", "batches", "sides"]


def batches(
    documents: Sequence[str],
    size: int,
    seed: int,
    together: int = 1,
    vectors: Mapping[str, NDArray[np.float32]] | None = None,
) -> list[NDArray[np.int64]]:
    """Queries, by number, in batches of `size` documents in random order, `together` of a document at most.

    `documents` has each query's. Where documents are too few for that, the last batches repeat some. What
    does not fill a batch is left out, unless it is all there is.

    With the documents' vectors, those of a batch are near each other: topic-aware sampling (Hofstätter et
    al., SIGIR 2021, section 3), whose topics are here the neighbours of a document drawn for each batch.
    """
    rng = np.random.default_rng(draws(seed, "batches"))
    order = rng.permutation(len(documents))
    full: list[list[list[int]]] = []
    filling: list[tuple[list[list[int]], set[str]]] = []
    groups = _groups(order.tolist(), documents, together)
    for group in groups if vectors is None else _nearby(groups, documents, vectors, size, rng):
        document = documents[group[0]]
        place = next((i for i, (_, taken) in enumerate(filling) if document not in taken), None)
        if place is None:
            place = len(filling)
            filling.append(([], set()))
        groups, taken = filling[place]
        groups.append(group)
        taken.add(document)
        if len(groups) == size:
            del filling[place]
            full.append(groups)
    rest = [group for groups, _ in filling for group in groups]
    full += [rest[start : start + size] for start in range(0, len(rest) - size + 1, size)]
    return [np.array(list(chain.from_iterable(each)), np.int64) for each in full or [rest]]


def _nearby(
    groups: Sequence[list[int]],
    documents: Sequence[str],
    vectors: Mapping[str, NDArray[np.float32]],
    size: int,
    rng: np.random.Generator,
) -> Iterator[list[int]]:
    """The groups, each `size` in a row of other documents: one, and some of the nearest twice as many."""
    waiting: dict[str, list[list[int]]] = defaultdict(list)
    for group in groups:
        waiting[documents[group[0]]].append(group)
    ids = list(waiting)
    matrix = np.stack([vectors[id] for id in ids])
    left = np.ones(len(ids), bool)
    while left.any():
        first = rng.choice(np.flatnonzero(left))
        scores = np.where(left, matrix @ matrix[first], -np.inf)
        scores[first] = np.inf
        near = np.argsort(-scores)[: min(2 * size, int(left.sum()))]
        for place in (first, *rng.permutation(near[1:])[: size - 1].tolist()):
            yield waiting[ids[place]].pop()
            left[place] = bool(waiting[ids[place]])


def _groups(order: Sequence[int], documents: Sequence[str], most: int) -> list[list[int]]:
    """Queries of one document, as many as there are but for `most` at most, by which comes first."""
    groups: list[list[int]] = []
    filling: dict[str, list[int]] = {}
    for query in order:
        group = filling.get(documents[query])
        if group is None or len(group) == most:
            group = filling[documents[query]] = []
            groups.append(group)
        group.append(query)
    return groups


class Rounds:
    """The batches of all epochs; those of one are in memory."""

    def __init__(
        self,
        examples: Examples,
        settings: Settings,
        together: int,
        vectors: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        self._documents = [min(query.positives) for query in examples.queries]
        self._settings = settings
        self._together = together
        self._vectors = vectors
        self._epoch = 0
        self._batches = self._of(0)
        self.per_epoch = len(self._batches)

    def batch(self, step: int) -> NDArray[np.int64]:
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._batches = epoch, self._of(epoch)
        return self._batches[place]

    def _of(self, epoch: int) -> list[NDArray[np.int64]]:
        seed = draws(self._settings.seed, "epoch", epoch)
        return batches(self._documents, self._settings.batch_size, seed, self._together, self._vectors)


class Wordings:
    """Native queries and their Latin wordings as the rows of one list of texts."""

    def __init__(self, queries: Sequence[Query], mix: float) -> None:
        self.texts: list[str] = []
        self._mix = mix
        self._native = np.full(len(queries), -1)
        self._latin = np.zeros((len(queries), 2), np.int64)  # from, to
        for number, query in enumerate(queries):
            if query.native:
                self._native[number] = len(self.texts)
                self.texts.append(query.native)
            start = len(self.texts)
            self.texts += query.latin
            self._latin[number] = start, len(self.texts)

    def drawn(self, queries: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """A row for each query: `mix` of them Latin, or as near to that as their wordings allow."""
        native, latin = self._native[queries], self.latin(queries, rng)
        wanted = int(self._mix * len(queries) + rng.random())
        # Latin ones first: those that have nothing else, then at random; last those without.
        order = np.lexsort((rng.random(len(queries)), latin < 0, native >= 0))
        rows = native.copy()
        asked = order[:wanted]
        rows[asked] = np.where(latin[asked] >= 0, latin[asked], native[asked])
        return np.where(rows >= 0, rows, latin)

    def latin(self, queries: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """The row of a Latin wording of each query, -1 where there is none."""
        start, end = self._latin[queries].T
        return np.where(end > start, start + (rng.random(len(queries)) * (end - start)).astype(np.int64), -1)

    def native(self, queries: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of each native query, -1 where there is none."""
        return self._native[queries]


class Passages:
    """Documents as rows of a list of texts; documents of one text share a row."""

    def __init__(self, examples: Examples) -> None:
        rows: dict[str, int] = {}
        self._rows = {id: rows.setdefault(each, len(rows)) for id, each in examples.documents.items()}
        self.texts = list(rows)
        self._positives = [self._of(query.positives) for query in examples.queries]
        self._negatives = [
            np.setdiff1d(self._of(query.negatives), positives)
            for query, positives in zip(examples.queries, self._positives, strict=True)
        ]

    def drawn(
        self, queries: NDArray[np.int64], negatives: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """A positive and some negatives for each query: the rows of documents (m,), the column of each
        query's own one (b,), and the mask of its other positives (b, m).
        """
        own = [int(rng.choice(self._positives[query])) for query in queries]
        more = [
            rng.choice(there, min(negatives, len(there)), replace=False)
            for query in queries
            if len(there := self._negatives[query])
        ]
        rows = np.unique(np.concatenate([own, *more]).astype(np.int64))
        columns = np.searchsorted(rows, own)
        mask = np.stack([np.isin(rows, self._positives[query]) for query in queries])
        mask[np.arange(len(queries)), columns] = False
        return rows, columns, mask

    def candidates(
        self, queries: NDArray[np.int64], negatives: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """A positive and then negatives of each query, (b, 1 + negatives), -1 where there are no more.

        Where a query's own negatives are too few, positives of the others fill up.
        """
        own = np.array([rng.choice(self._positives[query]) for query in queries])
        found = np.full((len(queries), 1 + negatives), -1)
        found[:, 0] = own
        for row, query in enumerate(queries):
            near = rng.permutation(self._negatives[query])
            others = rng.permutation(np.setdiff1d(own, [*self._positives[query], *near]))
            taken = np.concatenate([near, others])[:negatives]
            found[row, 1 : 1 + len(taken)] = taken
        return found

    def by_document(self, vectors: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Each document's, of vectors (rows, d)."""
        return {id: vectors[row] for id, row in self._rows.items()}

    def _of(self, ids: Sequence[str]) -> NDArray[np.int64]:
        return np.unique([self._rows[id] for id in ids]).astype(np.int64)


def sides(dev: Examples, mix: float) -> list[tuple[list[str], list[Query]]]:
    """Native and Latin queries of dev with their texts, those of the sides that `mix` trains on."""
    found = []
    if mix < 1 and (native := [query for query in dev.queries if query.native and query.positives]):
        found.append(([query.native for query in native], native))
    if mix > 0 and (latin := [query for query in dev.queries if query.latin and query.positives]):
        found.append(([query.latin[0] for query in latin], latin))
    if not found:
        raise TrainingError(f"dev: no queries with positives of the kind that mix {mix} trains on")
    return found
