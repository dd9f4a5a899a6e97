"""The index: documents that are added, deleted, committed and searched."""

from __future__ import annotations

import os
import re
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

import tantivy

from scriptbridge import encoders, highlights, segmentation, store, unread
from scriptbridge import languages as known_languages
from scriptbridge.bridge import Bridge
from scriptbridge.channel import Channel
from scriptbridge.documents import as_documents, document_id
from scriptbridge.encoders import DenseEncoder, specs
from scriptbridge.encoding import Encoders
from scriptbridge.errors import (
    DocumentError,
    EncoderError,
    IndexFormatError,
    IndexStorageError,
    LanguageError,
    NotAnIndexError,
)
from scriptbridge.functions import is_named
from scriptbridge.lexicon import Lexicon
from scriptbridge.modes import Mode, Options
from scriptbridge.snapshot import MAX_CHARACTERS, Asked, Found, Snapshot, check_query
from scriptbridge.types import Completion, Deromanization, Document, Expansion, Hit
from scriptbridge.unread import Need
from scriptbridge.vectors import Vectors
from scriptbridge.writer import Writer

__all__ = ["Index"]

CHANNEL = ".channel"  # ends the name of a file that stands for a language
_CODE = re.compile("[a-z0-9-]+")  # of a language of one's own: it names a file
RELOADS = 100  # attempts at reading a commit before the next one replaces it


class Index:
    """A collection of documents that Latin-typed queries find.

        with Index.create("my-index") as index:
            index.add([{"id": "1", "text": "Πώς φτιάχνεται ο μουσακάς"}])
            index.commit()
            for hit in index.search("pos ftiaxnetai o mousakas"):
                print(hit.id, hit.highlight)

    Many readers and one writer may have it open, in any processes. A reader sees what was committed when it
    opened the index or last called `refresh`. The first `add` or `delete` takes the writer's lock
    (IndexLockedError if another has it), `close` gives it back. What is not committed is dropped at `close`,
    and when an `add` or `commit` fails: the index is then as the last commit left it. Threads may share an
    Index: those that write take turns.
    """

    def __init__(
        self,
        path: Path,
        opened: tantivy.Index,
        channels: Sequence[Channel] = (),
        encoder: DenseEncoder | None = None,
    ) -> None:
        """Use `Index.create` or `Index.open`."""
        self.path = path
        self._writer = Writer(path, opened)
        self._channels = tuple(channels)
        self._refreshing = threading.Lock()  # else what one thread read takes the place of a later commit
        self._snapshot = self._committed(opened)
        self._encoders = Encoders(path, self.encoder, encoder, self._writer)
        unread.warn(self.unread, stacklevel=3)

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        languages: Sequence[str] | str | None = None,
        fields: Mapping[str, float] | None = None,
        encoder: str | DenseEncoder | None = None,
    ) -> Self:
        """A new index at `path`, a directory that does not exist, is empty, or was left by a killed `create`.

        `languages` are those whose channels read its queries; by default, those its documents declare or are
        detected to be in. A channel file (of `scriptbridge learn`) may stand for its language, also for one
        that scriptbridge does not know; it is copied.
        `fields` are the documents' text fields with their weights in the score, by default
        ``{"text": 1.0}``. `encoder` makes vectors of the documents when they are committed, for the modes
        "dense" and "hybrid" of `search`: a spec, such as ``st:BAAI/bge-m3`` (see `scriptbridge.encoders`),
        loaded when first needed, or an encoder whose name is a spec of it.
        """
        path = store.checked_path(path)
        names = None if languages is None else _named(languages)
        manifest = store.Manifest(
            store.checked_fields(fields),
            given=None if names is None else _checked_languages(names),
            encoder=_checked_spec(encoder),
            cut_by=segmentation.versions(),
        )
        try:
            path.mkdir(parents=True, exist_ok=True)
            content = {entry.name for entry in path.iterdir()}
        except OSError as error:
            raise IndexStorageError(f"{path}: cannot be created: {error.strerror or error}") from error
        if store.Manifest.NAME in content:
            raise IndexStorageError(f"{path}: already an index; use Index.open, or another path")
        if content and not store.unfinished(path, content):
            raise NotAnIndexError(f"{path}: neither an index nor empty; use another path")
        with store.seam(path, writing=True):
            for name in content:
                (path / name).unlink(missing_ok=True)
            tantivy.Index(store.schema(manifest.fields), str(path))
        for channel in _channel_files(names or ()):
            channel.save(store.kept_channel(path, channel.language))
        manifest.write(path)  # last: it is what makes the directory an index
        return cls.open(path, encoder=encoder)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        channels: Sequence[Channel] = (),
        encoder: str | DenseEncoder | None = None,
    ) -> Self:
        """The index at `path`, to read and to write.

        `channels` (of `Channel.learn`, `Channel.load`) read queries in the stead of their languages' own.
        `encoder` need not be told; EncoderError where it is, and the index has another one or none.
        """
        if not isinstance(channels, list | tuple) or not all(isinstance(each, Channel) for each in channels):
            raise LanguageError(f"channels: {channels!r} came; accepted is a list of Channel")
        path = store.checked_path(path)
        manifest = store.Manifest.read(path)
        if changed := segmentation.changed(manifest.cut_by, manifest.segmenter, manifest.languages):
            warnings.warn(
                f"{path}: its words were cut by {'; '.join(changed)}: what is cut otherwise now is not found "
                "until the documents are indexed again in a new index",
                RuntimeWarning,
                stacklevel=2,
            )
        store.check_fields(path, manifest.fields)
        if encoder is not None and (told := _checked_spec(encoder)) != manifest.encoder:
            raise EncoderError(f"{path}: encoder {told} came; the index has {manifest.encoder or 'none'}")
        with store.seam(path):
            opened = tantivy.Index.open(str(path))
            opened.config_reader("manual")
        given = {channel.language for channel in channels}
        kept = [
            Channel.load(store.kept_channel(path, code))
            for code in manifest.languages
            if code not in given and store.kept_channel(path, code).exists()
        ]
        return cls(path, opened, [*kept, *channels], None if isinstance(encoder, str) else encoder)

    # ---- the query's way

    def search(self, query: str, k: int = 10, mode: str = "lexical", **options: Unpack[Options]) -> list[Hit]:
        """The k best documents, best first; none for a query of which no word is found.

        Words in other scripts are sought as they are, Latin ones by their readings; a query's first 256 words
        in its first 65,536 characters count. Equal scores stand in the order of ids (which of them are among
        the k is the store's order).

        `mode` is "lexical", or, where the index has an encoder, "dense", by the similarity of vectors, or
        "hybrid", both rankings fused; `options` are those of `scriptbridge.modes.Mode`. The first search by
        vectors encodes what a killed writer left without them. While another process writes, those of
        another commit are used, for the documents that are the same.
        """
        asked, best = self._found(query, k, mode, options)
        terms = highlights.sought(asked.expansion)
        with store.seam(self.path):
            documents = [store.loaded(found.source) for found in best]
        segmenter = self._snapshot.manifest.segmenter
        return [
            _hit(found, document, terms, segmenter) for found, document in zip(best, documents, strict=True)
        ]

    def rank(
        self, query: str, k: int = 10, mode: str = "lexical", **options: Unpack[Options]
    ) -> list[tuple[str, float]]:
        """The ids and scores of what `search` finds: what a run needs."""
        return [(found.id, found.score) for found in self._found(query, k, mode, options)[1]]

    def deromanize(self, query: str, n: int = 1, diverse: bool = False) -> list[Deromanization]:
        """The `n` likeliest native forms of a whole query, as `Bridge.deromanize` has them; the documents
        that its words find together tell their readings apart (see `feedback`). What `search` would not look
        at, behind the first 256 words, stands as it was typed.
        """
        snapshot = self._reading()
        asked = snapshot.asked(query)
        documents = snapshot.found_by(asked.expansion)
        return snapshot.bridge.deromanized(query, asked.positions, n, diverse, documents)

    def score(self, expansion: Expansion, k: int = 10) -> list[tuple[str, float]]:
        """The k best (id, score): BM25 of each position's best reading by its weight, summed over positions.

        A word that stands as it was typed weighs 1: native queries score as plain BM25 does,
        beside which pairs of characters count in scripts without spaces (`scriptbridge.bigrams`).
        """
        return [(found.id, found.score) for found in self._reading().best(expansion, k)]

    def complete(self, query: str, n: int = 10) -> list[Completion]:
        """The `n` likeliest words that a query's last one, still being typed, may become.

        They are the likelier the more documents hold them beside the words before, as `Completion.beside`
        tells; where that says nothing, the more documents hold them. After a space nothing is being typed, so
        there are none. Of a long query, the last 65,536 characters count.
        """
        check_query(query)
        snapshot = self._reading()
        found = snapshot.bridge.complete(query[-MAX_CHARACTERS:], n, snapshot.beside)
        return [snapshot.labelled(each) for each in found]

    # ---- what is in it

    @property
    def bridge(self) -> Bridge:
        """The channels of the index's languages over its terms; built when first needed.

        MissingExtraError where what cut the index's words is not installed, which has to cut its queries.
        """
        return self._reading().bridge

    @property
    def lexicon(self) -> Lexicon:
        """The terms of its documents; read when first needed."""
        return self._reading().lexicon

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages whose channels read queries.

        Detected languages count by the documents ever added, replaced and deleted ones too.
        """
        return self._snapshot.manifest.languages

    @property
    def unread(self) -> dict[str, Need]:
        """Those of `languages` that Latin queries find little or nothing of, with what they need."""
        return unread.needs(self._snapshot.sounds, self.segmenter)

    @property
    def fields(self) -> Mapping[str, float]:
        """The documents' text fields and their weights in the score."""
        return self._snapshot.manifest.fields

    @property
    def encoder(self) -> str | None:
        """The spec of the encoder that the index was created with."""
        return self._snapshot.manifest.encoder

    @property
    def segmenter(self) -> str | None:
        """What cut text without spaces into words (`scriptbridge.segmentation`); None where it has none."""
        return self._snapshot.manifest.segmenter

    def __len__(self) -> int:
        """Documents committed."""
        return self._reading().searcher.num_docs

    def verify(self) -> None:
        """Read every file; IndexFormatError if one is damaged, also where opening does not see it."""
        self._reading()
        store.verify(self.path)
        file = self.path / store.VECTORS
        if self.encoder is not None and file.exists() and Vectors.load(file, self.encoder) is None:
            raise IndexFormatError(f"{file} is damaged; the next commit or search by vectors makes it again")

    def __bool__(self) -> bool:
        return True  # an index without documents is one too

    def __repr__(self) -> str:
        state = "closed" if self._writer.closed else f"{len(self):,} documents"
        return f"<Index {str(self.path)!r}: {state}, languages: {' '.join(self.languages) or 'none'}>"

    # ---- writing

    def add(self, documents: Iterable[Document | Mapping[str, Any] | tuple[str, str]]) -> int:
        """Add documents, replacing those of the same id, and return how many; once committed, they are found.

        Each is a Document, a mapping like a line of a file (see `documents.read_documents`) or an (id, text)
        pair. They are taken one by one, in bounded memory.
        """
        with self._writer.alone():
            return self._writer.add(as_documents(documents, tuple(self.fields)), self._snapshot)

    def delete(self, ids: Iterable[str | int] | str | int) -> None:
        """Delete the documents of these ids, where there are such; once committed, they are gone."""
        if isinstance(ids, bytes | Mapping | Document) or not isinstance(ids, str | int | Iterable):
            raise DocumentError(f"ids: {type(ids).__name__} came; accepted are an id or an iterable of ids")
        checked = [document_id(each) for each in ([ids] if isinstance(ids, str | int) else ids)]
        with self._writer.alone():
            self._writer.delete(checked)

    def commit(self) -> None:
        """Make what was added and deleted durable, and see it.

        Of an index with an encoder, the documents that have no vector get one then. Where the encoder cannot
        be loaded, nothing is committed; where it fails later, the documents are committed all the same, and
        the next commit, or search by vectors, tries again.
        """
        self._reading()
        with self._writer.alone():
            if self._writer.begun:
                if self.encoder is not None:
                    self._encoders.own()  # where it cannot be loaded, nothing is committed yet
                self._writer.commit()
                self.refresh()
                self._snapshot.save_lexicon()
            if self.encoder is not None:
                self._encoders.catch_up(self._snapshot)

    def refresh(self) -> None:
        """See what was committed meanwhile, here or by another process."""
        opened, needed = self._writer.opened(), self.unread
        with self._refreshing:
            after = self._committed(opened)
            after.take(self._snapshot)
            self._snapshot = after
        if self.unread != needed:
            unread.warn(self.unread, stacklevel=3)

    def close(self) -> None:
        """Drop what is not committed and give the writer's lock back. `Index.open` opens the index again."""
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- inside

    def _found(self, query: str, k: int, mode: str, options: Options) -> tuple[Asked, list[Found]]:
        snapshot = self._reading()
        asked = snapshot.asked(query)
        if mode == "lexical" and not options:
            return asked, snapshot.best(asked.expansion, k)
        return asked, self._encoders.best(snapshot, asked, k, Mode(mode, **options))

    def _reading(self) -> Snapshot:
        self._writer.opened()
        return self._snapshot

    def _committed(self, opened: tantivy.Index) -> Snapshot:
        for _ in range(RELOADS):
            opstamp, manifest = store.opstamp(self.path), store.Manifest.read(self.path)
            with store.seam(self.path):
                opened.reload()
                searcher = opened.searcher()
            if store.opstamp(self.path) == opstamp:
                return Snapshot(self.path, opened.schema, searcher, opstamp, manifest, self._channels)
        raise IndexStorageError(f"{self.path}: commits came faster than they could be read; try again")


def _hit(
    found: Found, document: Document, terms: Mapping[str, highlights.Sought], segmenter: str | None
) -> Hit:
    matched = highlights.find(document.fields, terms, segmenter)
    return Hit(found.id, found.score, document, highlights.passage(document.fields, matched, terms), matched)


def _checked_spec(encoder: str | DenseEncoder | None) -> str | None:
    """The spec that an index is to keep, or EncoderError where it can name nothing."""
    if encoder is None:
        return None
    spec = encoder if isinstance(encoder, str) else getattr(encoder, "name", None)
    if not isinstance(spec, str):
        raise EncoderError(
            f"encoder: {type(encoder).__name__} came; accepted are encoders and specs, such as st:BAAI/bge-m3"
        )
    try:
        spec.encode()
    except UnicodeEncodeError as error:
        raise EncoderError(f"encoder {spec!r}: accepted are specs in valid Unicode") from error
    if isinstance(encoder, str) and not encoders.is_dense(spec) and not is_named(spec):
        encoders.dense(spec)  # says what is accepted
    return specs.located(spec)


def _named(languages: Sequence[str] | str) -> tuple[str, ...]:
    """Languages and channel files by their names; LanguageError for what are no names."""
    several = isinstance(languages, Iterable) and not isinstance(languages, str)
    names: tuple[Any, ...] = tuple(languages) if several else (languages,)
    for name in names:
        if not isinstance(name, str):
            raise LanguageError(
                f"languages: {type(name).__name__} came; accepted are codes such as 'hi' and names of "
                "channel files, which Channel.save writes"
            )
    return names


def _checked_languages(names: Sequence[str]) -> tuple[str, ...]:
    """Their codes, those of channel files last."""
    codes = [known_languages.load(name).code for name in names if not name.endswith(CHANNEL)]
    own = sorted({channel.language for channel in _channel_files(names)})
    if wrong := [code for code in own if not _CODE.fullmatch(code)]:
        raise LanguageError(f"language {wrong[0]!r} of a channel came; accepted are codes of a-z, 0-9 and -")
    return tuple(dict.fromkeys((*codes, *own)))


def _channel_files(names: Sequence[str]) -> list[Channel]:
    """The channels that are named by their files."""
    return [Channel.load(name) for name in names if name.endswith(CHANNEL)]
