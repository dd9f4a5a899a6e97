"""One commit of an index: its documents, the bridge over its terms and what a query finds there."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tantivy
from numpy.typing import NDArray
from tantivy import Occur
from tantivy import Query as StoreQuery

from scriptbridge import bigrams, feedback, languages, segmentation, sounds, store, text, vectors
from scriptbridge.bridge import Bridge
from scriptbridge.channel import Channel
from scriptbridge.context import Counts
from scriptbridge.errors import QueryError
from scriptbridge.lexicon import Lexicon
from scriptbridge.types import Beside, Completion, Document, Expansion, Position, Reading
from scriptbridge.vectors import Content, Vectors

__all__ = [
    "MAX_CHARACTERS",
    "Asked",
    "Found",
    "Snapshot",
    "check_k",
    "check_query",
    "encoded_text",
    "in_order",
]

MAX_WORDS = 256  # of a query that count
MAX_CHARACTERS = 65_536  # of a query that are looked at
MAX_READ = 8_192  # characters of a document that tell what a query asks for
HOLDERS = 3  # documents that tell a completion's language ...
MAX_LOOKED_AT = 2_000  # ... and characters of each
MAX_WORDS_OF_A_CHARACTER = 4  # ﷺ has that many


class Asked(NamedTuple):
    """A query, up to its last word that counts, as the bridge reads it."""

    text: str
    positions: Sequence[Position]
    expansion: Expansion


class Found(NamedTuple):
    """A document that was found, as it is stored."""

    id: str
    score: float
    source: bytes


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One commit: its documents and, once needed, the bridge over its terms."""

    path: Path
    schema: tantivy.Schema
    searcher: tantivy.Searcher
    opstamp: int
    manifest: store.Manifest
    channels: tuple[Channel, ...]
    lock: threading.Lock = field(default_factory=threading.Lock)

    def asked(self, query: str) -> Asked:
        """A query as the index reads it; QueryError for what is no str."""
        bridge = self.bridge  # first: where it cannot be built, a query cannot be cut, either
        counts = _what_counts(query, self.manifest.segmenter)
        positions = bridge.read(counts)
        return Asked(counts, positions, bridge.expanded(positions))

    def best(self, expansion: Expansion, k: int) -> list[Found]:
        """The k best by BM25, best first."""
        check_k(k)
        if not isinstance(expansion, Expansion):
            raise QueryError(
                f"expansion: {type(expansion).__name__} came; accepted is what Bridge.expand gives"
            )
        with store.seam(self.path):
            query = self.query(expansion)
            if query is None:
                return []
            limit = max(1, min(k, self.searcher.num_docs))
            best = self.searcher.search(query, limit, count=False).hits
            records = [(score, self.searcher.doc(address)) for score, address in best]
            found = [Found(record[store.ID][0], score, record[store.SOURCE][0]) for score, record in records]
        return in_order(found)

    def found_by(self, expansion: Expansion) -> list[set[str]]:
        """The terms of the best documents; nothing where one reading is all."""
        if all(len(position.readings) < 2 for position in expansion.positions):
            return []
        return [self._terms(store.loaded(each.source)) for each in self.best(expansion, feedback.DEPTH)]

    def _terms(self, document: Document) -> set[str]:
        """Those of a document's beginning, as far as encoders read, too."""
        beginning = encoded_text(document)[:MAX_READ]
        return set(text.terms(beginning, self.manifest.segmenter))

    def query(self, expansion: Expansion) -> StoreQuery | None:
        """The sum over positions of the best weighted reading; None if there is nothing to seek."""
        positions = []
        for position in expansion.positions:
            queries = [self.reading_query(reading) for reading in position.readings if reading.weight > 0]
            positions += [_best(queries)] if queries else []
        for pairs in bigrams.of_query(expansion) if self.keeps_pairs else ():
            positions.append(
                _best([self._in_fields(pair, weight, store.pairs_of) for pair, weight in pairs.items()])
            )
        if not positions:
            return None
        return StoreQuery.boolean_query([(Occur.Should, position) for position in positions])

    @cached_property
    def keeps_pairs(self) -> bool:
        """Whether the store has pairs of characters beside words."""
        return store.keeps_pairs(self.path, self.manifest.fields)

    def reading_query(self, reading: Reading) -> StoreQuery:
        """The weighted BM25 of a reading's term, summed over fields by their weights."""
        return self._in_fields(reading.term, reading.weight, str)

    def _in_fields(self, term: str, weight: float, named: Callable[[str], str]) -> StoreQuery:
        return _any(
            [
                _boosted(StoreQuery.term_query(self.schema, named(name), term, "freq"), weight * of_field)
                for name, of_field in self.manifest.fields.items()
            ]
        )

    def beside(self, before: Sequence[Position]) -> Callable[[Mapping[str, int]], list[Beside]] | None:
        """What tells how frequent terms are beside these words; None where they tell nothing."""
        with store.seam(self.path):
            beside = Counts(self.searcher, self.holding, self.bridge.lexicon.documents).after(before)

        def guarded(terms: Mapping[str, int]) -> list[Beside]:
            with store.seam(self.path):
                return beside(terms) if beside else []

        return guarded if beside else None

    def labelled(self, completion: Completion) -> Completion:
        """A completion that a channel read, in a language that writes it: that of documents that hold it."""
        if completion.language is None:
            return completion
        term = text.normalize(completion.term)
        writers = self.bridge.writers(term)
        if len(writers) > 1:
            spoken = Counter(self._spoken(term))
            writers.sort(key=lambda code: (-spoken[code], code != completion.language))
        return replace(completion, language=writers[0]) if writers else completion

    def _spoken(self, term: str) -> list[str | None]:
        """The languages of some documents that hold a term."""
        with store.seam(self.path):
            hits = self.searcher.search(self.holding(term), HOLDERS, count=False).hits
            found = [store.loaded(self.searcher.doc(address)[store.SOURCE][0]) for _, address in hits]
        return [
            each.lang
            or languages.detect(text.terms(encoded_text(each)[:MAX_LOOKED_AT], self.manifest.segmenter))
            for each in found
        ]

    def holding(self, term: str) -> StoreQuery:
        """The documents that hold a term in any field."""
        return _any(
            [StoreQuery.term_query(self.schema, name, term, "basic") for name in self.manifest.fields]
        )

    @cached_property
    def vectors(self) -> Vectors | None:
        """What is on disk, whichever commit it belongs to."""
        return Vectors.load(self.path / store.VECTORS, str(self.manifest.encoder))

    @property
    def has_vectors(self) -> bool:
        """Whether `vectors` are of this commit."""
        return self.vectors is not None and self.vectors.header.stamp == str(self.opstamp)

    def forget_vectors(self) -> None:
        """Who asks for them next looks at the disk again."""
        self.__dict__.pop("vectors", None)

    def nearest(self, known: Vectors, query: NDArray[np.float32], k: int) -> list[Found]:
        """The k documents of this commit whose vectors are nearest, of those that have one."""
        same_commit, many = known.header.stamp == str(self.opstamp), k
        while True:
            nearest = known.nearest(query, many)
            sources = self.sources([content.id for content, _ in nearest])
            found = [
                Found(content.id, score, sources[content.id])
                for content, score in nearest
                if content.id in sources
                and (same_commit or content.digest == self.digest(sources[content.id]))
            ]
            if len(found) >= k or many >= len(known):
                return in_order(found)[:k]
            many *= 2

    def sources(self, ids: Sequence[str]) -> dict[str, bytes]:
        """The stored documents of these ids, where there are such."""
        if not ids:
            return {}
        with store.seam(self.path):
            query = StoreQuery.term_set_query(self.schema, store.ID, list(ids))
            hits = self.searcher.search(query, len(ids), count=False).hits
            records = [self.searcher.doc(address) for _, address in hits]
            return {record[store.ID][0]: record[store.SOURCE][0] for record in records}

    def digest(self, source: bytes) -> bytes:
        """That of what encoders read of a stored document."""
        with store.seam(self.path):
            return vectors.digest(encoded_text(store.loaded(source)))

    def contents(self) -> tuple[list[Content], Callable[[Sequence[int]], list[str]]]:
        """Every document, and what gives the texts of some by their places."""
        searcher = self.searcher
        contents, addresses = [], []
        with store.seam(self.path):
            every = searcher.search(StoreQuery.all_query(), max(1, searcher.num_docs), count=False).hits
            for _, address in every:
                document = store.loaded(searcher.doc(address)[store.SOURCE][0])
                contents.append(Content(document.id, vectors.digest(encoded_text(document))))
                addresses.append(address)

        def texts(places: Sequence[int]) -> list[str]:
            with store.seam(self.path):
                records = [searcher.doc(addresses[place]) for place in places]
                return [encoded_text(store.loaded(record[store.SOURCE][0])) for record in records]

        return contents, texts

    @property
    def bridge(self) -> Bridge:
        """The channels of the index's languages over the commit's terms."""
        with self.lock:
            return self._bridge

    @property
    def lexicon(self) -> Lexicon:
        """The commit's terms."""
        with self.lock:
            return self._lexicon

    def require(self) -> None:
        """MissingExtraError where queries cannot be cut as the documents were."""
        segmentation.require(self.manifest.segmenter, self.manifest.languages, self.path)

    @cached_property
    def _bridge(self) -> Bridge:
        self.require()
        own = {channel.language: channel for channel in self.channels}
        shipped = [code for code in self.manifest.languages if code not in own]
        return Bridge(self._lexicon, [*shipped, *own.values()], segmenter=self.manifest.segmenter)

    @cached_property
    def sounds(self) -> dict[str, str]:
        """What tells how words of the index's languages sound; "" where their letters do."""
        own = {channel.language: channel.sounds for channel in self.channels}
        codes = self.manifest.languages
        return {code: own[code] if code in own else languages.load(code).sounds for code in codes}

    @cached_property
    def _sounds(self) -> list[str]:
        """What tells how any word sounds: in these, and in those of channels that the index lacks."""
        return [*self.sounds.values(), *(channel.sounds for channel in self.channels)]

    @cached_property
    def _stamp(self) -> str:
        """What a snapshot of the lexicon is made of: the commit, and how words sound."""
        return f"{self.opstamp} {sounds.stamp(self._sounds)}".rstrip()

    @cached_property
    def _lexicon(self) -> Lexicon:
        kept = Lexicon.load(self.path / store.LEXICON, self._stamp)
        if kept is not None:
            return kept
        terms = self.terms()  # the store counts deleted documents there, until it merges their segment
        documents = max(self.searcher.num_docs, max(terms.values(), default=0))
        forms = sounds.forms(terms, self._sounds)
        return Lexicon.from_terms(terms, documents, self.spellings(terms), forms)

    def terms(self) -> Mapping[str, int]:
        """Every term and how many documents hold it, in the field where most do."""
        terms: dict[str, int] = {}
        for name in self.manifest.fields:
            with store.seam(self.path):
                in_field = self.searcher.terms_with_prefix(name, "")
            for term, df in in_field:
                if df > terms.get(term, 0):
                    terms[term] = df
        return terms

    def spellings(self, terms: Mapping[str, int]) -> Mapping[str, str]:
        """The commonest spelling of each of these terms, where it is not the term."""
        if not store.keeps_spellings(self.path):
            return {}
        with store.seam(self.path):
            return store.spelled(self.searcher.terms_with_prefix(store.SPELLING, ""), terms)

    def save_lexicon(self) -> None:
        """Keep the terms beside the store, so that the next opening is quick; it works without."""
        with self.lock, suppress(OSError):
            self._lexicon.save(self.path / store.LEXICON, self._stamp)

    def take(self, other: Snapshot) -> None:
        """Keep what another snapshot of the same commit has built."""
        if (other.opstamp, other.manifest) == (self.opstamp, self.manifest):
            built = dict(other.__dict__)  # as it is now: another thread may forget its vectors
            vectors = built.pop("vectors", None)
            if vectors is not None and vectors.header.stamp == str(self.opstamp):
                self.__dict__["vectors"] = vectors
            names = ("_lexicon", "_bridge")
            self.__dict__.update({name: built[name] for name in names if name in built})


def _any(queries: Sequence[StoreQuery]) -> StoreQuery:
    """The sum of queries."""
    if len(queries) == 1:
        return queries[0]
    return StoreQuery.boolean_query([(Occur.Should, query) for query in queries])


def _best(queries: list[StoreQuery]) -> StoreQuery:
    """The best of queries."""
    return queries[0] if len(queries) == 1 else StoreQuery.disjunction_max_query(queries)


def _boosted(query: StoreQuery, weight: float) -> StoreQuery:
    return query if weight == 1.0 else StoreQuery.boost_query(query, weight)


def in_order(found: Iterable[Found]) -> list[Found]:
    """Best first, equal ones by their ids."""
    return sorted(found, key=lambda each: (-each.score, each.id))


def encoded_text(document: Document) -> str:
    """What encoders read of a document."""
    return "\n".join(document.fields.values())


def check_k(k: int) -> None:
    """QueryError for what is no number of documents."""
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise QueryError(f"k: {k!r} came; accepted are integers from 1")


def check_query(query: str) -> None:
    """QueryError for what is no query."""
    if not isinstance(query, str):
        raise QueryError(f"query: {type(query).__name__} came; accepted are strings")


def _what_counts(query: str, segmenter: str | None) -> str:
    """A query up to its last word that counts."""
    check_query(query)
    query = query[:MAX_CHARACTERS]
    if len(query) < MAX_WORDS // MAX_WORDS_OF_A_CHARACTER:
        return query
    tokens = text.tokenize(query, segmenter)
    return query if len(tokens) <= MAX_WORDS else query[: tokens[MAX_WORDS - 1].end]
