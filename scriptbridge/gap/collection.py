"""A collection as it is measured: which of its documents, queries and judgements count, in which languages.

Where it comes from, and in what files, is `layouts`' subject.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import islice
from pathlib import Path

from scriptbridge import languages, text
from scriptbridge.errors import DocumentError, GapError

from .endpoint import shown
from .layouts import (
    ACCEPTED,
    DATASET,
    SAMPLE,
    Asked,
    Documents,
    Source,
    from_dataset,
    from_folder,
    from_sample,
    note,
    some,
)
from .records import GIVEN, Collection, LatinQueries, QuerySet

__all__ = ["load"]


def load(spec: str | Path, *, sets: Sequence[str] | None = None, limit: int = 0, skip: int = 0) -> Collection:
    """The collection in a folder, the one that ir_datasets knows by a name, ``ir_datasets:NAME``, or the
    sample that comes with scriptbridge: ``sample:``, of one language ``sample:el``.

    `sets` are the query sets to load, by default all. Of each set's queries, in the order of their file, the
    first `skip` are passed over and at most `limit` taken (0: all). Only queries with a relevant document in
    the collection count, and only judgements of its documents; where a set has native and Latin queries, only
    those that have both. Queries whose file is not called Latin are so nonetheless where there are no others
    and most hold Latin letters only. What is left out or decided here is told in `Collection.notes`.

    GapError where files are missing, cannot be read, or leave nothing to measure; MissingExtraError where
    ir_datasets is not installed.
    """
    if limit < 0 or skip < 0:
        raise GapError(f"limit {limit}, skip {skip} came; accepted are 0 and more")
    notes: list[str] = []
    name = str(spec)
    if "://" in name:
        raise GapError(f"{shown(name)!r}: {ACCEPTED}; a URL may be a --system")
    with _as_gap_errors():
        if name.startswith(DATASET):
            source = from_dataset(name.removeprefix(DATASET))
        elif name.startswith(SAMPLE):
            source = from_sample(name.removeprefix(SAMPLE))
        else:
            source = from_folder(Path(spec), notes)
        documents = source.documents(notes)
        if not documents.texts:
            raise GapError(f"{name}: no documents with text")
        chosen = {each: source.sets[each] for each in _chosen(name, source.sets, sets)}
        query_sets = [
            _query_set(
                each, f"{source.name}/{each}" if each else source.name, asked(), documents.texts, notes
            )
            for each, asked in chosen.items()
        ]
    return Collection(
        source.name,
        documents.texts,
        _languages(source, documents, notes),
        tuple(_part(each, skip, limit) for each in query_sets),
        tuple(notes),
    )


@contextmanager
def _as_gap_errors() -> Iterator[None]:
    try:
        yield
    except DocumentError as error:
        raise GapError(str(error)) from error


# ---- from what was read to what is measured


def _chosen(name: str, there: Iterable[str], sets: Sequence[str] | None) -> list[str]:
    """The names of query sets to load, in their own order."""
    there = list(there)
    if unknown := [each for each in sets or () if each not in there]:
        listed = ", ".join(repr(each) for each in there)
        raise GapError(f"{name}: no query set {unknown[0]!r}; there are: {listed}")
    return [each for each in there if sets is None or each in sets]


def _query_set(
    name: str, where: str, asked: Asked, documents: Mapping[str, str], notes: list[str]
) -> QuerySet:
    """The queries that can be measured; `notes` gets what is left out."""
    native, latin = _native_and_latin(where, asked, notes)
    sides = [side for side in (native, latin) if side]
    if not sides:
        raise GapError(f"{asked.where}: no queries")
    ids = list(sides[0])
    unknown = sum(document not in documents for judged in asked.qrels.values() for document in judged)
    note(notes, where, unknown, "judgements are of documents that are not in the collection")
    note(
        notes, where, len(asked.qrels.keys() - ids), "judged queries are not measured: no query has their id"
    )
    qrels = {
        id: {document: grade for document, grade in asked.qrels[id].items() if document in documents}
        for id in ids
        if id in asked.qrels
    }
    answerable = [id for id in ids if any(grade > 0 for grade in qrels.get(id, {}).values())]
    note(notes, where, len(ids) - len(answerable), "queries left out: no relevant document in the collection")
    if not answerable:
        judged_documents = some(document for judged in asked.qrels.values() for document in judged)
        raise GapError(
            f"{where}: none of {len(ids):,} queries ({asked.where}) has a relevant document here. "
            f"Do the ids belong together? Queries: {some(ids)}; judged queries: {some(asked.qrels)}; judged "
            f"documents: {judged_documents}; documents: {some(documents)}"
        )
    return QuerySet(
        name,
        {id: native[id] for id in answerable} if native else {},
        LatinQueries(GIVEN, {id: (latin[id],) for id in answerable}) if latin else None,
        {id: qrels[id] for id in answerable},
    )


def _native_and_latin(
    where: str, asked: Asked, notes: list[str]
) -> tuple[dict[str, str], dict[str, str] | None]:
    """The native and the Latin queries; of the same ids, where there are both."""
    native = _worded(where, asked, asked.queries, notes)
    if asked.latin is None:
        if not _mostly_latin(native.values()):
            return native, None
        notes.append(f"{where}: the queries of {asked.where} are in Latin letters: there are no native ones")
        return {}, native
    latin = _worded(where, asked, asked.latin, notes)
    if not native:
        return {}, latin
    note(notes, where, len(native.keys() ^ latin.keys()), "queries left out: native or Latin, but not both")
    both = [id for id in native if id in latin]
    if not both:
        raise GapError(
            f"{asked.where}: no id has both a native and a Latin query. Native: {some(native)}; Latin: "
            f"{some(latin)}"
        )
    return {id: native[id] for id in both}, {id: latin[id] for id in both}


def _worded(where: str, asked: Asked, queries: Mapping[str, str], notes: list[str]) -> dict[str, str]:
    """The set's queries that are not empty."""
    asked_here = {id: query for id, query in queries.items() if not asked.shared or id in asked.qrels}
    worded = {id: query for id, query in asked_here.items() if query.strip()}
    note(notes, where, len(asked_here) - len(worded), "queries left out: empty")
    return worded


def _part(query_set: QuerySet, skip: int, limit: int) -> QuerySet:
    """The set without its first `skip` queries and with at most `limit`."""
    if not skip and not limit:
        return query_set
    ids = list(islice(query_set.qrels, skip, skip + limit if limit else None))
    if not ids:
        raise GapError(
            f"skip {skip:,} came, but query set {query_set.name!r} has {len(query_set.qrels):,} queries"
        )
    native, latin = query_set.native, query_set.latin
    return QuerySet(
        query_set.name,
        {id: native[id] for id in ids} if native else {},
        LatinQueries(latin.author, {id: latin.texts[id] for id in ids}) if latin else None,
        {id: query_set.qrels[id] for id in ids},
    )


def _mostly_latin(queries: Iterable[str]) -> bool:
    """Whether more than half of the queries with letters hold Latin letters only."""
    in_latin = [scripts == {"Latn"} for query in queries if (scripts := _scripts(query))]
    return sum(in_latin) * 2 > len(in_latin)


def _scripts(query: str) -> set[str]:
    return {token.script for token in text.tokenize(query)} - {"Zyyy"}


# ---- languages

LOOKED_AT = 150  # characters of a document that tell its language
RARE = 0.1  # of the documents in its script: a language detected in fewer is a mistake more often than not


def _languages(source: Source, documents: Documents, notes: list[str]) -> dict[str, str]:
    """Document → language: what it declares; else what the collection's name says; else what is detected."""
    undeclared = [id for id in documents.texts if id not in documents.languages]
    if source.language in languages.codes():
        return documents.languages | dict.fromkeys(undeclared, source.language)
    if source.language is not None:  # detection would take Kazakh for Russian
        if undeclared:
            notes.append(f"{source.name}: documents in {source.language!r}, which scriptbridge does not know")
        return documents.languages
    detected = {id: code for id in undeclared if (code := _detected(documents.texts[id]))}
    counts = Counter(detected.values())
    in_script = Counter[str]()
    for code, count in counts.items():
        in_script[_script(code)] += count
    return documents.languages | {
        id: code for id, code in detected.items() if counts[code] >= RARE * in_script[_script(code)]
    }


def _detected(document: str) -> str | None:
    """The language of a text of which at least half of the letters are that language's."""
    terms = text.terms(document[:LOOKED_AT])
    code = languages.detect(terms)
    if code is None:
        return None
    letters = "".join(terms)
    own = sum(map(_letters(code).__contains__, letters))
    return code if 2 * own >= sum(map(str.isalpha, letters)) else None


def _script(code: str) -> str:
    return languages.load(code).scripts[0]


@cache
def _letters(code: str) -> frozenset[str]:
    return frozenset(languages.load(code).letters)
