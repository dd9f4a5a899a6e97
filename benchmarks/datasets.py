"""The sets of ``data/retrieval``: native documents, Latin queries, and what each query should find."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

__all__ = [
    "DAKSHINA",
    "KINDS",
    "USER_TEXT",
    "Collection",
    "QuerySet",
    "WordPair",
    "known_sets",
    "load_collection",
    "load_queries",
    "merge",
    "prefixed",
    "read_pairs",
]

_DAKSHINA_LANGUAGES = ("bn", "gu", "hi", "kn", "ml", "mr", "pa", "sd", "si", "ta", "te", "ur")
DAKSHINA = tuple(f"{code}.dakshina-dev" for code in _DAKSHINA_LANGUAGES)
"""Wikipedia sentences; four-word queries as recruited speakers romanized them, of both `KINDS`."""
KINDS = ("rare", "window")
"""The sentence's four rarest words; four words in a row."""
USER_TEXT = (
    "el.greeklish-dev",
    "bn.banglatlit-knownitem",
    "ar.narabizi-sentences-knownitem",
    "fa.finglish-telegram-knownitem",
)
"""What people wrote in Latin letters themselves; whole sentences as queries, small pools."""


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents by id, and the language of each."""

    name: str
    texts: dict[str, str]
    languages: dict[str, str]


@dataclass(frozen=True, slots=True)
class QuerySet:
    """Queries by id. `native` is the same queries in native script, where the set has them.

    `relevant` maps a query's id to the ids of the documents it should find.
    """

    name: str
    kind: str | None
    language: str
    latin: dict[str, str]
    native: dict[str, str] | None
    relevant: dict[str, list[str]]

    @property
    def label(self) -> str:
        """The set and the kind of its queries, for people to read."""
        return self.name if self.kind is None else f"{self.name} {self.kind}"


@dataclass(frozen=True, slots=True)
class WordPair:
    """A native word, a Latin spelling of it, and how often that was seen."""

    native: str
    latin: str
    count: int


def known_sets() -> list[tuple[str, str | None]]:
    """Every (set, kind of query) that the benchmark measures."""
    return [(name, kind) for name in DAKSHINA for kind in KINDS] + [(name, None) for name in USER_TEXT]


def load_collection(data: Path, name: str) -> Collection:
    """The documents of ``data/retrieval/NAME``."""
    texts = _texts(data / "retrieval" / name / "docs.jsonl")
    return Collection(name, texts, dict.fromkeys(texts, name.split(".")[0]))


def load_queries(data: Path, name: str, kind: str | None, limit: int = 0, skip: int = 0) -> QuerySet:
    """The queries of ``data/retrieval/NAME`` after the first `skip`, at most `limit` unless that is 0."""
    folder = data / "retrieval" / name
    infix = "" if kind is None else f".{kind}"
    latin = dict(
        itertools.islice(
            _texts(folder / f"queries{infix}.latin.jsonl").items(), skip, skip + limit if limit else None
        )
    )
    native_file = folder / f"queries{infix}.native.jsonl"
    native: dict[str, str] | None = None
    if native_file.exists():
        native = {id: text for id, text in _texts(native_file).items() if id in latin}
    relevant: dict[str, list[str]] = {}
    for line in (folder / f"qrels{infix}.tsv").read_text(encoding="utf-8").splitlines():
        query, document, _ = line.split("\t")
        if query in latin:
            relevant.setdefault(query, []).append(document)
    return QuerySet(name, kind, name.split(".")[0], latin, native, relevant)


def merge(name: str, collections: list[Collection]) -> Collection:
    """One collection of several; each document's id is preceded by its set's name and ``/``."""
    texts = {f"{c.name}/{id}": text for c in collections for id, text in c.texts.items()}
    languages = {f"{c.name}/{id}": language for c in collections for id, language in c.languages.items()}
    return Collection(name, texts, languages)


def prefixed(queries: QuerySet) -> QuerySet:
    """The queries of a set for a collection that `merge` made."""
    relevant = {query: [f"{queries.name}/{id}" for id in ids] for query, ids in queries.relevant.items()}
    return replace(queries, relevant=relevant)


def read_pairs(file: Path) -> list[WordPair]:
    """The word pairs of a ``pairs/*-words.tsv.gz`` whose notes are counts."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        next(lines)  # the columns' names
        rows = [line.rstrip("\n").split("\t") for line in lines]
    return [WordPair(native, latin, int(count)) for native, latin, count in rows]


def _texts(file: Path) -> dict[str, str]:
    return dict(_records(file))


def _records(file: Path) -> Iterator[tuple[str, str]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            yield record["id"], record["text"]
