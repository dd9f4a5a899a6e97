"""What writes to an index: one writer, whose threads take turns, and nothing is kept of what fails."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import tantivy

from scriptbridge import bigrams, languages, segmentation, store, text
from scriptbridge.errors import IndexLockedError, IndexStorageError, ScriptbridgeError
from scriptbridge.snapshot import Snapshot
from scriptbridge.types import Document

__all__ = ["Writer"]

MEMORY = 128_000_000  # bytes; when documents fill it, they go to disk as a segment
LEAST_MEMORY = 15_000_000  # bytes that the store wants for a writer


class Writer:
    """The open store of the index at `path`, and all that writes to it.

    What is first written takes the writer's lock (IndexLockedError if another process has it), `close` gives
    it back. `add`, `delete` and `commit` are for the thread that is `alone`.
    """

    def __init__(self, path: Path, opened: tantivy.Index) -> None:
        self.path = path
        self._opened: tantivy.Index | None = opened
        self._writer: tantivy.IndexWriter | None = None
        self._noted = _Noted()
        self._turn = threading.Lock()  # held by the thread that writes
        self._whose: int | None = None

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._opened is None

    def opened(self) -> tantivy.Index:
        """The store; IndexStorageError where it is closed."""
        if self._opened is None:
            raise IndexStorageError(f"{self.path}: this index is closed; Index.open opens it again")
        return self._opened

    @property
    def begun(self) -> bool:
        """Whether this has the writer's lock, and so perhaps something to commit."""
        return self._writer is not None

    @contextmanager
    def alone(self, wait: bool = True) -> Iterator[None]:
        """One thread at a time writes; the others wait, or get an IndexLockedError."""
        if self._whose == threading.get_ident():  # it would wait for itself
            raise IndexStorageError(
                f"{self.path}: this thread is in the middle of an `add` to this index (whose documents are "
                "still being read?); write or close when that is done"
            )
        if not self._turn.acquire(blocking=wait):
            raise IndexLockedError(f"{self.path}: another thread is writing")
        self._whose = threading.get_ident()
        try:
            yield
        finally:
            self._whose = None
            self._turn.release()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The writer's lock, for as long as this lasts where nothing has been written."""
        if self._writer is not None:
            yield
            return
        with store.seam(self.path, writing=True):
            writer = self.opened().writer(LEAST_MEMORY, num_threads=1)
        try:
            store.sweep(self.path)
            yield
        finally:
            with store.seam(self.path, writing=True):
                writer.wait_merging_threads()

    def add(self, documents: Iterable[Document], snapshot: Snapshot) -> int:
        """Write documents, in place of those of the same ids, and return how many."""
        count = 0
        segmenter = snapshot.manifest.segmenter or segmentation.default()
        with self._guarded() as writer:
            for document in documents:
                read = {
                    name: text.terms_and_spellings(value, segmenter)
                    for name, value in document.fields.items()
                }
                terms = {name: words.terms for name, words in read.items()}
                record = store.stored(
                    document,
                    {**terms, **(_pairs(document) if snapshot.keeps_pairs else {})},
                    set().union(*(each.spellings for each in read.values())),
                )
                if any(words.unspaced for words in read.values()):
                    self._noted.segmenter = segmenter
                with store.seam(self.path, writing=True):
                    writer.delete_documents_by_term(store.ID, document.id)
                    writer.add_document(record)
                if snapshot.manifest.given is None:
                    self._noted.language(document.lang, terms)
                count += 1
        return count

    def delete(self, ids: Iterable[str]) -> None:
        """Delete documents."""
        with self._guarded() as writer, store.seam(self.path, writing=True):
            for each in ids:
                writer.delete_documents_by_term(store.ID, each)

    def commit(self) -> None:
        """Make what was written durable."""
        with self._guarded() as writer:
            with self._noted.kept(self.path), store.seam(self.path, writing=True):
                writer.commit()
            self._noted = _Noted()

    def close(self) -> None:
        """Drop what is not committed and give the writer's lock back."""
        with self.alone():
            writer, self._writer, self._opened = self._writer, None, None
            if writer is not None:
                with store.seam(self.path, writing=True):
                    writer.rollback()
                    writer.wait_merging_threads()

    @contextmanager
    def _guarded(self) -> Iterator[tantivy.IndexWriter]:
        """The store's writer; whatever fails while it is used takes the index back to its last commit."""
        opened = self.opened()
        if self._writer is None:
            with store.seam(self.path, writing=True):
                self._writer = opened.writer(MEMORY, num_threads=1)
                self._writer.garbage_collect_files()  # what a killed writer left
                store.sweep(self.path)
        writer = self._writer
        try:
            yield writer
        except BaseException as error:
            self._noted = _Noted()
            try:
                with store.seam(self.path, writing=True):
                    writer.rollback()
                    writer.garbage_collect_files()
            except ScriptbridgeError:  # it is beyond use; what it had not committed goes with it
                self._writer = None
            error.add_note(f"{self.path}: nothing since the last commit was kept")
            raise


@dataclass
class _Noted:
    """What documents that are not committed yet add to the manifest."""

    declared: set[str] = field(default_factory=set)
    detected: Counter[str] = field(default_factory=Counter)
    segmenter: str | None = None  # what cut their words

    def language(self, declared: str | None, terms: Mapping[str, Sequence[str]]) -> None:
        """Note that of one more document."""
        if declared is not None:
            self.declared.add(declared)
        elif detected := languages.detect(chain.from_iterable(terms.values())):
            self.detected[detected] += 1

    @contextmanager
    def kept(self, path: Path) -> Iterator[None]:
        """The manifest at `path` has it before the store commits, and keeps it unless that fails.

        Killed in between, it has a language too many, which does no harm.
        """
        if not self.declared and not self.detected and not self.segmenter:
            yield
            return
        opstamp, manifest = store.opstamp(path), store.Manifest.read(path)
        noted = manifest.with_languages(self.declared, self.detected)
        segmenter = manifest.segmenter or self.segmenter
        cut_by = {**segmentation.versions(), **manifest.cut_by} if manifest.cut_by else {}
        replace(noted, segmenter=segmenter, cut_by=cut_by).write(path)
        try:
            yield
        except BaseException:
            with suppress(ScriptbridgeError):
                if store.opstamp(path) == opstamp:
                    manifest.write(path)
            raise


def _pairs(document: Document) -> dict[str, list[str]]:
    """The pairs of characters of a document's fields, where there are any."""
    found = {name: bigrams.of_text(value) for name, value in document.fields.items()}
    return {store.pairs_of(name): pairs for name, pairs in found.items() if pairs}
