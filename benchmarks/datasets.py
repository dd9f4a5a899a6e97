"""The sets of ``data/retrieval`` that the benchmarks measure, and the word pairs of ``data/pairs``."""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from scriptbridge import languages
from scriptbridge.gap import collection as collections
from scriptbridge.gap.records import Collection, LatinQueries, QuerySet

Value = TypeVar("Value")

__all__ = [
    "DAKSHINA",
    "KINDS",
    "USER_TEXT",
    "folder",
    "known_sets",
    "load",
    "merge",
    "other_languages",
    "read_pairs",
    "typed",
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


HOLDS = (
    "DATA holds retrieval/NAME/ with docs.jsonl, queries[.KIND].latin.jsonl, queries[.KIND].native.jsonl and "
    "qrels[.KIND].tsv, and pairs/LANG.SOURCE.tsv.gz: see docs/benchmarks.md"
)


def folder(value: str) -> Path:
    """DATA, as a command line names it; its error says what such a folder holds."""
    data = Path(value)
    if missing := [name for name in ("retrieval", "pairs") if not (data / name).is_dir()]:
        raise argparse.ArgumentTypeError(f"{value} has no {' and no '.join(missing)} folder; {HOLDS}")
    return data


def known_sets() -> list[tuple[str, str]]:
    """Every (set, kind of query) that the benchmark measures; a set with but one kind calls it ""."""
    return [(name, kind) for name in DAKSHINA for kind in KINDS] + [(name, "") for name in USER_TEXT]


def load(data: Path, name: str, *, limit: int = 0, skip: int = 0) -> Collection:
    """``data/retrieval/NAME``, with each set's queries after the first `skip`, at most `limit` if not 0."""
    return collections.load(str(data / "retrieval" / name), limit=limit, skip=skip)


def other_languages(data: Path) -> list[Collection]:
    """Documents in all languages but Dakshina's, without queries: those of ``data/retrieval``, and the sample
    that comes with scriptbridge of a language that has none there.
    """
    codes = set(languages.codes()) - set(_DAKSHINA_LANGUAGES)
    names = sorted(folder.name for folder in (data / "retrieval").iterdir())
    there = [name for name in names if name.partition(".")[0] in codes]
    missing = sorted(codes - {name.partition(".")[0] for name in there})
    loaded = [load(data, name, limit=1) for name in there]
    loaded += [collections.load(f"sample:{code}") for code in missing]
    return [replace(each, query_sets=()) for each in loaded]


def typed(collection: Collection, kind: str) -> list[str]:
    """The Latin queries of one kind, each once."""
    (queries,) = [each for each in collection.query_sets if each.name == kind]
    texts = queries.latin.texts.values() if queries.latin else ()
    return list(dict.fromkeys(query for wordings in texts for query in wordings))


def merge(name: str, parts: Sequence[Collection]) -> Collection:
    """One collection of several, in which their names and ``/`` stand before ids and query sets' names."""
    return Collection(
        name,
        {key: text for part in parts for key, text in _prefixed(part.name, part.documents).items()},
        {key: code for part in parts for key, code in _prefixed(part.name, part.languages).items()},
        tuple(_renamed(part.name, each) for part in parts for each in part.query_sets),
    )


def _renamed(prefix: str, queries: QuerySet) -> QuerySet:
    latin = queries.latin
    return replace(
        queries,
        name=f"{prefix}/{queries.name}",
        native=_prefixed(prefix, queries.native),
        latin=None if latin is None else LatinQueries(latin.author, _prefixed(prefix, latin.texts)),
        qrels={
            f"{prefix}/{query}": _prefixed(prefix, documents) for query, documents in queries.qrels.items()
        },
    )


def _prefixed(prefix: str, values: Mapping[str, Value]) -> dict[str, Value]:
    return {f"{prefix}/{key}": value for key, value in values.items()}


def read_pairs(file: Path) -> Iterator[tuple[str, str, str]]:
    """(native, latin, note) of a file of ``data/pairs``."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            native, latin, note = line.rstrip("\n").split("\t")
            if (native, latin) != ("native", "latin"):  # a head line
                yield native, latin, note
