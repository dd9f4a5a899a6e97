"""What recipes are trained on: documents, queries in native script and in Latin, and what these should find.

numpy and torch are not needed here. Collections are read, and Latin wordings written, by the parts of `gap`
that do so for the meter.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scriptbridge import documents as files
from scriptbridge import text
from scriptbridge.errors import DocumentError, TrainingError
from scriptbridge.gap import authors as gap_authors
from scriptbridge.gap import collection as gap_collection
from scriptbridge.gap import measures
from scriptbridge.gap.baselines import PlainIndex
from scriptbridge.gap.records import GIVEN, Collection, QuerySet

__all__ = [
    "FRACTIONS",
    "PARTS",
    "Examples",
    "Query",
    "hard_negatives",
    "load",
    "load_queries",
    "part_of",
    "split",
    "texts",
]

PARTS = ("train", "dev", "test")
FRACTIONS = (0.7, 0.1, 0.2)
"""Shares of the documents that each of `PARTS` gets by default."""

DEPTH = 200  # documents of BM25 among which negatives and positives are looked for
SPAN = (3, 12)  # words of a passage of a document that stands for a query


@dataclass(frozen=True, slots=True)
class Query:
    """A query: `native` is "" where there is none, `latin` holds its wordings, perhaps none."""

    id: str
    native: str
    latin: tuple[str, ...] = ()
    positives: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Examples:
    """Documents (id → text) and queries. Positives and negatives are ids of these documents; one positive at
    least where there are documents at all. `notes` say what was left out.
    """

    documents: Mapping[str, str]
    queries: tuple[Query, ...]
    notes: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of documents, queries and all that belongs to them, in their order."""
        digest = hashlib.sha256()
        for id, document in self.documents.items():
            _feed(digest, "document", id, document)
        for query in self.queries:
            _feed(digest, "query", query.id, query.native)
            for name in ("latin", "positives", "negatives"):
                _feed(digest, name, *getattr(query, name))
        return digest.hexdigest()


def load(
    folder: str | Path,
    authors: Sequence[str],
    seed: int = 0,
    language: str | None = None,
    split: str | None = None,
    *,
    sets: Sequence[str] | None = None,
    fractions: Sequence[float] = FRACTIONS,
    spans: int = 0,
) -> Examples:
    """A collection, as `gap.collection.load` reads it, with the Latin wordings of these authors, in turn.

    `authors` are specs of `gap.authors.write`, such as "channel:4" or "uroman+vowels=.2"; "given" are the
    collection's own Latin queries; none at all leaves native queries only. `language` is that of all queries;
    by default, each query's is that of the documents that it should find. `split` is one of `PARTS`, of
    the documents shared out by `fractions`, whatever the seed; wordings are written for that part alone.

    `spans` passages of each document of the part, a few words long, are queries for it beside the others: the
    inverse cloze task (Lee, Chang & Toutanova 2019), but that the document keeps the passage, as in
    independent cropping (Izacard et al. 2022). They teach words that no query has, and are enough alone.

    TrainingError where nothing to train on is left or nothing can be written in Latin; GapError for a
    collection or an author that cannot be used.
    """
    if split not in (None, *PARTS):
        raise TrainingError(f"split {split!r} came; accepted: {', '.join(PARTS)}")
    loaded = gap_collection.load(folder, sets=sets)
    queries, languages = _queries(loaded, given=GIVEN in authors)
    if not queries and not spans:
        raise TrainingError(f"{loaded.name}: no queries to train on; its Latin ones are the author 'given'")
    examples = Examples(loaded.documents, queries, loaded.notes)
    if split:
        examples = _parts(examples, fractions, seed=0)[split]
    if spans:
        cut = {query.id: query for query in _spans(examples.documents, spans, seed)}
        languages |= {id: loaded.languages.get(query.positives[0]) for id, query in cut.items()}
        examples = replace(examples, queries=(*examples.queries, *cut.values()))
    return _worded(examples, authors, seed, language or languages, loaded.name)


def load_queries(
    path: str | Path, authors: Sequence[str], seed: int = 0, language: str | None = None
) -> Examples:
    """Native queries alone, without documents, from a file of queries or a .txt of one query a line."""
    path = Path(path)
    try:
        if path.suffix == ".txt":
            lines = path.read_text(encoding="utf-8").splitlines()
            stem = path.stem.encode(errors="replace").decode()
            read = [(f"{stem}-{number}", line) for number, line in enumerate(lines, 1)]
        else:
            read = [(query.id, query.text) for query in files.read_queries(path)]
    except (OSError, UnicodeDecodeError, DocumentError) as error:
        raise TrainingError(f"{path}: {error}") from error
    queries = tuple(Query(id, native.strip()) for id, native in read if native.strip())
    if not queries:
        raise TrainingError(f"{path}: no queries")
    return _worded(Examples({}, queries), authors, seed, language, str(path))


def texts(source: str | Path) -> list[str]:
    """The documents and native queries of a collection, or the queries of a file."""
    loaded = load_queries(source, ()) if Path(source).is_file() else load(source, ())
    return [*loaded.documents.values(), *(query.native for query in loaded.queries if query.native)]


def split(examples: Examples, fractions: Sequence[float] = FRACTIONS, seed: int = 0) -> dict[str, Examples]:
    """`PARTS` of the examples by document: a document and the queries that should find it stay together.

    Where a document goes depends on its id, the fractions and the seed alone. A query of documents in several
    parts goes with the one whose id comes first, and keeps the positives of that part. TrainingError where a
    part that should have documents gets no query.
    """
    return _parts(examples, fractions, seed)


def part_of(document: str, fractions: Sequence[float] = FRACTIONS, seed: int = 0) -> str:
    """The one of `PARTS` that a document belongs to, by its id."""
    place = int.from_bytes(hashlib.sha256(f"{seed} {document}".encode()).digest()[:8], "big") / 2**64
    for part, end in zip(PARTS, (fractions[0], fractions[0] + fractions[1]), strict=False):
        if place < end:
            return part
    return PARTS[2] if fractions[2] else PARTS[1]


def hard_negatives(examples: Examples, n: int, seed: int = 0, margin: float = 0.95) -> Examples:
    """The examples with up to n negatives a query from BM25 over the native words; given ones stay.

    A document that scores above `margin` times the query's best positive is likely to be one itself and left
    out: RocketQA's denoising (Qu et al., NAACL 2021, section 3.2) by the filter of NV-Retriever, TopK-PercPos
    (Moreira et al. 2024, section 3). Of the 4 n best that remain, n are drawn. Queries without native
    words, or whose positives are not among the best 200 documents, get none.
    """
    if n < 1 or not margin > 0:
        raise TrainingError(f"n {n}, margin {margin} came; accepted: n 1 and more, margin more than 0")
    if not any(query.native for query in examples.queries):
        raise TrainingError("negatives are found by native queries; there are none")
    index = PlainIndex((id, text.terms(document)) for id, document in examples.documents.items())
    return replace(
        examples,
        queries=tuple(
            query if query.negatives else replace(query, negatives=_mined(index, query, n, seed, margin))
            for query in examples.queries
        ),
    )


def _mined(index: PlainIndex, query: Query, n: int, seed: int, margin: float) -> tuple[str, ...]:
    terms = text.terms(query.native)
    ranking = index.rank(terms, DEPTH) if terms else []
    highest = margin * max((score for id, score in ranking if id in query.positives), default=0.0)
    near = [id for id, score in ranking if id not in query.positives and score <= highest][: 4 * n]
    drawn = random.Random(f"{seed} negatives {query.id}").sample(near, min(n, len(near)))
    return tuple(sorted(drawn, key=near.index))


# ---- from a collection to examples


def _queries(loaded: Collection, given: bool) -> tuple[tuple[Query, ...], dict[str, str | None]]:
    """The queries of all sets, with the Latin that was given if it is wanted, and their languages."""
    queries: list[Query] = []
    languages: dict[str, str | None] = {}
    for query_set in loaded.query_sets:
        before = f"{query_set.name}/" if len(loaded.query_sets) > 1 else ""
        for query in _of_set(query_set, given):
            languages[before + query.id] = measures.language_of(query.id, query_set.qrels, loaded.languages)
            queries.append(replace(query, id=before + query.id))
    return tuple(queries), languages


def _spans(documents: Mapping[str, str], n: int, seed: int) -> Iterable[Query]:
    """Passages of documents as queries for these: whole words, `SPAN` of them, anywhere."""
    for id, document in documents.items():
        tokens = text.tokenize(document)
        rng = random.Random(f"{seed} spans {id}")
        for number in range(n if tokens else 0):
            length = min(rng.randint(*SPAN), len(tokens))
            start = rng.randint(0, len(tokens) - length)
            passage = document[tokens[start].start : tokens[start + length - 1].end]
            yield Query(f"{id}#{number}", passage, positives=(id,))


def _of_set(query_set: QuerySet, given: bool) -> Iterable[Query]:
    latin = query_set.latin.texts if given and query_set.latin else {}
    for id, judged in query_set.qrels.items():
        query = Query(
            id,
            query_set.native.get(id, ""),
            latin.get(id, ()),
            tuple(document for document, grade in judged.items() if grade > 0),
        )
        if query.native or query.latin:
            yield query


def _worded(
    examples: Examples,
    authors: Sequence[str],
    seed: int,
    language: str | Mapping[str, str | None] | None,
    name: str,
) -> Examples:
    """The examples with the wordings of each author but "given", whose are there."""
    native = {query.id: query.native for query in examples.queries if query.native}
    wordings = {query.id: list(query.latin) for query in examples.queries}
    notes = list(examples.notes)
    for author in authors:
        if author == GIVEN:
            if not any(query.latin for query in examples.queries):
                raise TrainingError(f"{name}: no Latin queries are given; other authors write them")
            continue
        written = gap_authors.write(author, native, language, seed)
        notes += written.notes
        for id, texts in written.texts.items():
            wordings[id] += texts
    if authors and not any(wordings.values()):
        raise TrainingError(f"{name}: {', '.join(authors)} wrote none of {len(native):,} queries in Latin")
    queries = tuple(
        replace(query, latin=tuple(dict.fromkeys(wordings[query.id]))) for query in examples.queries
    )
    return replace(examples, queries=queries, notes=tuple(notes))


def _parts(examples: Examples, fractions: Sequence[float], seed: int) -> dict[str, Examples]:
    if len(fractions) != len(PARTS) or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise TrainingError(f"fractions {tuple(fractions)} came; accepted: three of 0 and more, 1 in all")
    parts = {id: part_of(id, fractions, seed) for id in examples.documents}
    documents: dict[str, dict[str, str]] = defaultdict(dict)
    for id, document in examples.documents.items():
        documents[parts[id]][id] = document
    queries: dict[str, list[Query]] = defaultdict(list)
    for query in examples.queries:
        if not query.positives:
            raise TrainingError(f"query {query.id}: no positives, so that it belongs to no part")
        part = parts[min(query.positives)]
        queries[part].append(
            replace(
                query,
                positives=tuple(id for id in query.positives if parts[id] == part),
                negatives=tuple(id for id in query.negatives if parts[id] == part),
            )
        )
    if empty := [
        part for part, fraction in zip(PARTS, fractions, strict=True) if fraction and not queries[part]
    ]:
        raise TrainingError(
            f"part {empty[0]}: no queries; {len(examples.queries):,} queries of {len(examples.documents):,} "
            f"documents are too few for fractions {tuple(fractions)}"
        )
    return {
        part: replace(examples, documents=documents[part], queries=tuple(queries[part])) for part in PARTS
    }


def _feed(digest: hashlib._Hash, *texts: str) -> None:
    """Add texts, each after its length, so that no other texts come to the same."""
    for each in texts:
        encoded = each.encode("utf-8", "surrogatepass")
        digest.update(f"{len(encoded)} ".encode() + encoded)
    digest.update(b"\n")
