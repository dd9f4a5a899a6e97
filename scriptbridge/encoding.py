"""What encoders do in an index: they make the vectors of its commits and rank what its searches find."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from scriptbridge import encoders, fusion, store, vectors
from scriptbridge.encoders import CrossEncoder, DenseEncoder
from scriptbridge.errors import EncoderError, IndexLockedError, IndexStorageError, ScriptbridgeError
from scriptbridge.modes import Mode
from scriptbridge.snapshot import Asked, Found, Snapshot, check_k, encoded_text, in_order
from scriptbridge.types import Deromanization
from scriptbridge.vectors import Vectors
from scriptbridge.writer import Writer

__all__ = ["Encoders"]

Encoder = TypeVar("Encoder")


class Encoders:
    """An index's own encoder, where `spec` names one, and those that searches ask for.

    They are loaded when first needed; `own` is the index's own, where it is loaded already.
    """

    def __init__(self, path: Path, spec: str | None, own: DenseEncoder | None, writer: Writer) -> None:
        self.path = path
        self._spec = spec
        self._own = own
        self._writer = writer
        self._checked = False  # that its own gives the vectors that there are
        self._others: dict[str, Any] = {}
        self._loading = threading.Lock()

    def own(self) -> DenseEncoder:
        """The index's own; EncoderError where it has none or that cannot be loaded."""
        if self._spec is None:
            raise EncoderError(
                f"{self.path}: this index has no encoder, so its documents have no vectors; Index.create and "
                "`scriptbridge index` take one"
            )
        with self._loading:
            if self._own is None:
                self._own = encoders.dense(self._spec)
            return self._own

    def best(self, snapshot: Snapshot, asked: Asked, k: int, mode: Mode) -> list[Found]:
        """What a mode other than plain lexical search finds."""
        check_k(k)
        if not asked.positions:
            return []
        depth = max(k, mode.depth)
        many = k if mode.name != "hybrid" and mode.rerank is None else depth
        wordings = _wordings(snapshot, asked, mode)
        rankings = []
        if mode.name != "dense":
            rankings.append(snapshot.best(asked.expansion, many))
        if mode.name != "lexical":
            rankings.append(self._nearest(snapshot, wordings, many, mode.queries))
        found = _fused(rankings, mode) if len(rankings) > 1 else rankings[0]
        if mode.rerank is not None:
            found = self._reranked(wordings[0].text, found[:depth], mode.rerank)
        return found[:k]

    def catch_up(self, snapshot: Snapshot) -> None:
        """Make the vectors of a snapshot's commit; the writer's lock is held meanwhile."""
        if snapshot.has_vectors:
            return
        with self._writer.locked():
            snapshot.forget_vectors()
            if snapshot.has_vectors or store.opstamp(self.path) != snapshot.opstamp:
                return  # others made them meanwhile, or have committed since: theirs are to stay
            contents, texts = snapshot.contents()
            try:
                vectors.catch_up(
                    self.path / store.VECTORS,
                    str(snapshot.opstamp),
                    contents,
                    texts,
                    self.own(),
                    str(self._spec),
                    known=self._checked,
                )
            except EncoderError as error:
                error.add_note(
                    f"{self.path}: the documents are committed; of the vectors, the next commit makes those "
                    "that are missing"
                )
                raise
            self._checked = True
            snapshot.forget_vectors()

    def _nearest(
        self,
        snapshot: Snapshot,
        wordings: Sequence[Deromanization],
        k: int,
        encoder: str | DenseEncoder | None,
    ) -> list[Found]:
        """The documents whose vectors are nearest to the query's."""
        known = self._vectors(snapshot)
        if not len(known):
            return []
        if encoder is None:
            self._check_encoder(snapshot, known)
        query = vectors.encode_queries(
            self.own() if encoder is None else self._loaded(encoder, encoders.dense),
            [wording.text for wording in wordings],
            [wording.probability for wording in wordings],
            known.header.dimension,
        )
        return snapshot.nearest(known, query, k)

    def _reranked(self, query: str, found: list[Found], encoder: str | CrossEncoder) -> list[Found]:
        encoder = self._loaded(encoder, encoders.cross)
        with store.seam(self.path):
            texts = [encoded_text(store.loaded(each.source)) for each in found]
        scores = encoders.rows.scores(encoder.score(query, texts), texts, encoder.name)
        return in_order(
            each._replace(score=score) for each, score in zip(found, scores.tolist(), strict=True)
        )

    def _loaded(self, encoder: str | Encoder, load: Callable[[str], Encoder]) -> Encoder:
        """An encoder beside the index's own, once loaded, kept."""
        if not isinstance(encoder, str):
            return encoder
        with self._loading:
            if encoder not in self._others:
                self._others[encoder] = load(encoder)
            return self._others[encoder]  # type: ignore[no-any-return]

    def _vectors(self, snapshot: Snapshot) -> Vectors:
        """Vectors of the snapshot's commit, made now where they are missing; of another one where someone
        else writes.
        """
        self.own()
        refused: ScriptbridgeError | None = None
        if not snapshot.has_vectors:
            try:
                with self._writer.alone(wait=False):
                    self.catch_up(snapshot)
            except (IndexLockedError, IndexStorageError) as error:
                refused = error
        known = snapshot.vectors
        if known is None:
            snapshot.forget_vectors()
            reason = refused or "refresh() sees a newer commit"
            raise EncoderError(f"{self.path}: its documents have no vectors yet: {reason}") from refused
        return known

    def _check_encoder(self, snapshot: Snapshot, known: Vectors) -> None:
        """Once: that the encoder still gives such vectors as there are of this commit."""
        if self._checked or not snapshot.has_vectors:
            return
        ids = {row: known.content(row).id for row in range(min(len(known), vectors.PROBED))}
        sources = snapshot.sources([*ids.values()])
        with store.seam(self.path):
            texts = {row: encoded_text(store.loaded(sources[id])) for row, id in ids.items()}
        try:
            vectors.check_encoder(known, texts, self.own())
        except EncoderError:
            snapshot.forget_vectors()
            raise
        self._checked = True


def _fused(rankings: Sequence[Sequence[Found]], mode: Mode) -> list[Found]:
    """The lexical and the dense ranking as one."""
    weights = [2 * (1 - mode.weight), 2 * mode.weight]
    pairs = [[(each.id, each.score) for each in ranking] for ranking in rankings]
    known = {each.id: each for ranking in rankings for each in ranking}
    return [known[id]._replace(score=score) for id, score in fusion.fuse(mode.fusion, pairs, weights)]


def _wordings(snapshot: Snapshot, asked: Asked, mode: Mode) -> list[Deromanization]:
    """What encoders read of a query, with probabilities: native forms of a Latin one."""
    if not mode.deromanize or all(position.token.script != "Latn" for position in asked.positions):
        return [Deromanization(asked.text, 1.0)]
    documents = snapshot.found_by(asked.expansion)
    wordings = snapshot.bridge.deromanized(asked.text, asked.positions, mode.readings, documents=documents)
    total = math.fsum(each.probability for each in wordings)
    if total == 0:  # of many words: too small to tell apart
        return wordings[:1]
    return [replace(each, probability=each.probability / total) for each in wordings]
