"""Where collections are: folders in one of three layouts, ir_datasets, and the sample that is shipped.

=====  ===============================================================================================
own    ``docs.jsonl`` (id, title, text, lang), ``queries[.KIND].native.jsonl`` and
       ``queries[.KIND].latin.jsonl`` (id, text), ``qrels[.KIND].tsv``; documents and queries also as .csv
       and .tsv with a header
BEIR   ``corpus.jsonl`` (_id, title, text), ``queries.jsonl`` (_id, text), ``queries.latin.jsonl`` if there
       are Latin ones as well, ``qrels/SPLIT.tsv``
TREC   documents as JSON lines, as ``docno<TAB>text`` (.tsv) or in TREC's SGML; ``topics*`` or ``queries*``
       (``topics.latin*``: the Latin ones) as ``qid<TAB>text``, ``<top>`` or JSON lines; ``qrels*``
=====  ===============================================================================================

Every file may be gzipped. Each KIND or SPLIT is a query set.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

from scriptbridge import extras, languages
from scriptbridge.documents import document_id, read_documents, read_queries
from scriptbridge.errors import DocumentError, GapError

from .records import Qrels
from .trec import checked_grade, lines, read_qrels

__all__ = [
    "ACCEPTED",
    "DATASET",
    "SAMPLE",
    "Asked",
    "Documents",
    "Source",
    "from_dataset",
    "from_folder",
    "from_sample",
    "note",
    "some",
]

DATASET = "ir_datasets:"
SAMPLE = "sample:"
ACCEPTED = f"a collection is a folder, {DATASET}NAME, {SAMPLE} or {SAMPLE}LANGUAGE"
"""The sample collection: all of it, or a query set and documents of one language, ``sample:el``."""


@dataclass(frozen=True, slots=True)
class Documents:
    texts: dict[str, str]
    languages: dict[str, str] = field(default_factory=dict)  # as they declare them


@dataclass(frozen=True, slots=True)
class Asked:
    """One query set's queries and judgements, as they are read."""

    where: str  # the queries are from
    qrels: Qrels
    queries: dict[str, str]  # native ones, or those of which nothing says what they are
    latin: dict[str, str] | None = None
    shared: bool = False  # with other sets, so that not all of them are asked in this one


@dataclass(frozen=True, slots=True)
class Source:
    """Where a collection is: what is not read yet, so that query sets can be chosen first."""

    name: str
    language: str | None  # of its documents, as its name or its publisher says
    documents: Callable[[list[str]], Documents]
    sets: Mapping[str, Callable[[], Asked]]


def note(notes: list[str], where: str, count: int, what: str) -> None:
    if count:
        notes.append(f"{where}: {count:,} {what}")


def some(ids: Iterable[str]) -> str:
    return ", ".join(islice(ids, 3)) or "none"


# ---- folders

_TABLE = r"\.(?:jsonl|ndjson|json|csv|tsv)(?:\.gz)?"
_EXTENSION = r"(?:\.(?:jsonl|ndjson|tsv|txt|trec|topics|sgml|sgm|xml|qrels|qrel))?(?:\.gz)?"
_OWN_QUERIES = re.compile(rf"queries(?:\.(?P<kind>.+))?\.(?P<side>native|latin){_TABLE}")
_OWN_QRELS = re.compile(r"qrels(?:\.(?P<kind>.+?))?\.tsv(?:\.gz)?")
_BEIR_QUERIES = re.compile(r"queries(?:\.(?P<side>native|latin))?\.jsonl(?:\.gz)?")
_BEIR_QRELS = re.compile(r"qrels/(?P<kind>[^/]+?)\.tsv(?:\.gz)?")
_TREC_DOCUMENTS = re.compile(
    r"(?!topics|queries|qrels|run)[^/]+\.(?:jsonl|ndjson|tsv|trec|sgml|sgm|xml|dat)(?:\.gz)?"
)
_TREC_QUERIES = re.compile(
    rf"(?:topics|queries)(?:[._-](?P<kind>[^/]+?))??(?:\.(?P<side>native|latin))?{_EXTENSION}"
)
_TREC_QRELS = re.compile(rf"qrels(?:[._-](?P<kind>[^/]+?))??{_EXTENSION}")


@dataclass(frozen=True, slots=True)
class _Layout:
    """What files a layout has, and how its documents and its queries are read."""

    name: str
    documents: re.Pattern[str]
    queries: re.Pattern[str]  # groups kind (if it has kinds) and side
    qrels: re.Pattern[str]  # group kind
    expected: tuple[str, str, str]
    read_documents: Callable[[Sequence[Path], list[str]], Documents]
    read_queries: Callable[[Path], dict[str, str]]

    def parts(self, names: Sequence[str]) -> list[list[re.Match[str]]]:
        """The documents', queries' and qrels' files among those of a folder."""
        return [
            [match for name in names if (match := pattern.fullmatch(name))]
            for pattern in (self.documents, self.queries, self.qrels)
        ]

    def described(self, names: Sequence[str]) -> str:
        """What the layout expects, and what of that there is."""
        parts = (
            f"{expected} ({f'found: {found[0][0]}' if found else 'missing'})"
            for expected, found in zip(self.expected, self.parts(names), strict=True)
        )
        return f"  {self.name:<5} {', '.join(parts)}"


def from_folder(folder: Path, notes: list[str]) -> Source:
    """The collection in a folder, in the first layout all of whose parts are there."""
    try:
        paths = [*folder.iterdir(), *(folder / "qrels").glob("*")]
    except OSError as error:
        raise GapError(f"{folder}: cannot be read: {error.strerror or error}; {ACCEPTED}") from error
    names = sorted(path.relative_to(folder).as_posix() for path in paths if path.is_file())
    for layout in _LAYOUTS:
        documents, queries, qrels = layout.parts(names)
        if documents and queries and qrels:
            break
    else:
        expected = "\n".join(layout.described(names) for layout in _LAYOUTS)
        raise GapError(
            f"{folder}: no collection: files of one of these layouts are expected\n{expected}\n"
            f"  there are: {', '.join(names[:20]) or 'no files'}{', …' * (len(names) > 20)}"
        )
    name = folder.resolve().name
    return Source(
        name,
        _named_language(name),
        partial(layout.read_documents, [folder / match[0] for match in documents]),
        _paired(folder, layout, queries, qrels, notes),
    )


def _named_language(name: str) -> str | None:
    """``hi`` of ``hi.news``: a code that scriptbridge knows, or another of two letters."""
    code, dot, _ = name.partition(".")
    return code if dot and (code in languages.codes() or re.fullmatch("[a-z]{2}", code)) else None


def _paired(
    folder: Path,
    layout: _Layout,
    queries: Sequence[re.Match[str]],
    qrels: Sequence[re.Match[str]],
    notes: list[str],
) -> dict[str, Callable[[], Asked]]:
    """Query sets by name: qrels with the queries of their kind, or with those that are of no kind."""
    asked: dict[str, dict[str, Path]] = {}  # kind → side → file
    for match in queries:
        groups = match.groupdict(default="")
        sides = asked.setdefault(groups.get("kind", ""), {})
        side = groups["side"] or "native"
        if side in sides:
            raise GapError(f"{folder}: both {sides[side].name} and {match[0]} hold such queries; keep one")
        sides[side] = folder / match[0]
    judged: dict[str, Path] = {}
    for match in qrels:
        kind = match["kind"] or ""
        if kind in judged:
            raise GapError(f"{folder}: both {judged[kind].name} and {match[0]} hold such qrels; keep one")
        judged[kind] = folder / match[0]
    if len(judged) == len(asked) == 1:
        kind, of = *judged, *asked
        if kind == of or "" in (kind, of) or layout.name == "TREC":  # topics.351-400.txt and qrels.trec7.txt
            name = kind if kind == of else ""
            return {name: partial(_read, layout, asked[of], judged[kind], shared=False)}
    pairs = {kind: kind if kind in asked else "" for kind in sorted(judged)}
    sets: dict[str, Callable[[], Asked]] = {
        kind: partial(_read, layout, asked[of], judged[kind], shared=of != kind)
        for kind, of in pairs.items()
        if of in asked
    }
    unused = [judged[kind] for kind in judged if kind not in sets]
    unused += [path for kind in asked.keys() - pairs.values() for path in asked[kind].values()]
    listed = ", ".join(sorted(path.relative_to(folder).as_posix() for path in unused))
    if not sets:
        raise GapError(f"{folder}: queries and qrels are of different kinds: {listed}")
    if unused:
        notes.append(f"{folder.resolve().name}: not read, as no queries or no qrels belong to it: {listed}")
    return sets


def _read(layout: _Layout, sides: Mapping[str, Path], qrels: Path, shared: bool) -> Asked:
    return Asked(
        where=" and ".join(path.name for path in sides.values()),
        qrels=read_qrels(qrels),
        queries=layout.read_queries(sides["native"]) if "native" in sides else {},
        latin=layout.read_queries(sides["latin"]) if "latin" in sides else None,
        shared=shared,
    )


def _own_documents(paths: Sequence[Path], notes: list[str]) -> Documents:
    documents = {document.id: document for document in read_documents(_only(paths), ("text", "title"))}
    return Documents(
        {id: "\n".join(reversed([*document.fields.values()])) for id, document in documents.items()},
        {id: document.lang for id, document in documents.items() if document.lang},
    )


def _own_queries(path: Path) -> dict[str, str]:
    return {query.id: query.text for query in read_queries(path)}


def _beir_documents(paths: Sequence[Path], notes: list[str]) -> Documents:
    return _with_text(_unique(_json_records(_only(paths))), notes)


def _trec_documents(paths: Sequence[Path], notes: list[str]) -> Documents:
    """All files of documents; those that are called so, where there are."""
    called = [path for path in paths if path.name.startswith(("collection", "corpus", "docs", "documents"))]
    if other := [path.name for path in paths if called and path not in called]:
        notes.append(f"{paths[0].parent.resolve().name}: not read as documents: {', '.join(other)}")
    return _with_text(_unique(record for path in called or paths for record in _records(path)), notes)


def _trec_queries(path: Path) -> dict[str, str]:
    return _unique(_records(path), of_queries=True)


def _only(paths: Sequence[Path]) -> Path:
    if len(paths) > 1:
        listed = ", ".join(path.name for path in paths)
        raise GapError(f"{paths[0].parent}: several files of documents: {listed}; keep one")
    return paths[0]


_LAYOUTS = (
    _Layout(
        "own",
        re.compile(f"docs{_TABLE}"),
        _OWN_QUERIES,
        _OWN_QRELS,
        ("docs.jsonl", "queries[.KIND].native.jsonl or queries[.KIND].latin.jsonl", "qrels[.KIND].tsv"),
        _own_documents,
        _own_queries,
    ),
    _Layout(
        "BEIR",
        re.compile(r"corpus\.jsonl(?:\.gz)?"),
        _BEIR_QUERIES,
        _BEIR_QRELS,
        ("corpus.jsonl", "queries.jsonl", "qrels/SPLIT.tsv"),
        _beir_documents,
        _trec_queries,
    ),
    _Layout(
        "TREC",
        _TREC_DOCUMENTS,
        _TREC_QUERIES,
        _TREC_QRELS,
        ("documents as *.jsonl, *.tsv, *.trec, *.sgml or *.xml", "topics* or queries*", "qrels*"),
        _trec_documents,
        _trec_queries,
    ),
)


# ---- ir_datasets


def from_dataset(name: str) -> Source:
    """A dataset by ir_datasets' name; its API is https://ir-datasets.com/python.html."""
    ir_datasets = extras.load("ir_datasets", "datasets")
    try:
        dataset = ir_datasets.load(name)
    except KeyError:
        raise GapError(
            f"{DATASET}{name}: ir_datasets knows no {name!r}; the names are at https://ir-datasets.com"
        ) from None
    needed = ("docs", "queries", "qrels")
    if missing := [each for each in needed if not hasattr(dataset, f"{each}_iter")]:
        raise GapError(
            f"{DATASET}{name} has no {' and no '.join(missing)}; a subset of it may, such as {name}/test"
        )

    def documents(notes: list[str]) -> Documents:
        return _with_text(
            _unique((name, each.doc_id, each.default_text()) for each in _fetched(name, dataset.docs_iter)),
            notes,
        )

    def asked() -> Asked:
        qrels: dict[str, dict[str, int]] = {}
        for each in _fetched(name, dataset.qrels_iter):
            place = f"{DATASET}{name}, query {each.query_id!r}, document {each.doc_id!r}"
            qrels.setdefault(each.query_id, {})[each.doc_id] = checked_grade(int(each.relevance), place)
        queries = _fetched(name, dataset.queries_iter)
        return Asked(
            f"{DATASET}{name}",
            qrels,
            _unique(((name, each.query_id, each.default_text()) for each in queries), of_queries=True),
        )

    return Source(name, dataset.docs_lang(), documents, {"": asked})


def _fetched(name: str, iterate: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    """The records of a dataset, which may have to be downloaded first."""
    try:
        yield from iterate()
    except Exception as error:  # whatever a download, an unpacking or one of a hundred parsers raises
        raise GapError(f"{DATASET}{name}: ir_datasets cannot read it: {error}") from error


# ---- files of records: (place, id, text)

_Record = tuple[str, object, object]
_IDS = ("_id", "id", "docno", "doc_id", "docid", "qid", "query_id")
_TEXTS = ("text", "contents", "body", "query")
_TITLED = re.compile(r"<(title|headline|head|hl|ttl|text)\b[^>]*>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_DOCNO = re.compile(r"<docno>\s*(.*?)\s*</docno>", re.IGNORECASE | re.DOTALL)
_NUM = re.compile(r"<num>\s*(?:number:)?\s*([^\s<]+)", re.IGNORECASE)
_TITLE = re.compile(r"<title>\s*(?:topic:)?\s*([^<]*)", re.IGNORECASE)


def _unique(records: Iterable[_Record], of_queries: bool = False) -> dict[str, str]:
    """Texts by id, both checked."""
    places: dict[str, str] = {}
    texts: dict[str, str] = {}
    for place, given, words in records:
        try:
            id = document_id(given)
        except DocumentError as error:
            raise GapError(f"{place}: {error}") from error
        if of_queries and id.split() != [id]:
            raise GapError(
                f"{place}: query id {id!r} holds white space, which separates the columns of a run"
            )
        if id in texts:
            raise GapError(f"{place}: {id!r} is already the id at {places[id]}")
        if not isinstance(words, str):
            raise GapError(f"{place}: text: {type(words).__name__} came; accepted are strings")
        if any("\ud800" <= character <= "\udfff" for character in words):
            raise GapError(f"{place}: text: a lone surrogate, which is not valid Unicode")
        places[id], texts[id] = place, words
    return texts


def _with_text(documents: Mapping[str, str], notes: list[str]) -> Documents:
    texts = {id: words for id, words in documents.items() if words and not words.isspace()}
    note(notes, "documents", len(documents) - len(texts), "left out: no text")
    return Documents(texts)


def _records(path: Path) -> Iterator[_Record]:
    """The documents or queries of a file, whatever its format."""
    if path.name.removesuffix(".gz").endswith((".jsonl", ".ndjson")):
        return _json_records(path)
    _, first = next(lines(path), ("", ""))
    return _tagged_records(path) if first.lstrip().startswith("<") else _tab_records(path)


def _json_records(path: Path) -> Iterator[_Record]:
    for place, line in lines(path):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise GapError(f"{place}: not JSON: {error}") from error
        if not isinstance(record, dict):
            raise GapError(
                f'{place}: JSON {type(record).__name__} came; each line is {{"_id": "…", "text": "…"}}'
            )
        id_key = next((key for key in _IDS if key in record), None)
        text_key = next((key for key in _TEXTS if key in record), None)
        if id_key is None or text_key is None:
            missing, accepted = ("id", _IDS) if id_key is None else ("text", _TEXTS)
            raise GapError(
                f"{place}: no {missing}: accepted keys are {', '.join(accepted)}; {some(record)} came"
            )
        title, words = record.get("title"), record[text_key]
        yield place, record[id_key], f"{title}\n{words}" if title and isinstance(title, str) else words


def _tab_records(path: Path) -> Iterator[_Record]:
    for place, line in lines(path):
        id, tab, words = line.partition("\t")
        if not tab:
            raise GapError(f"{place}: no tab; each line is an id, a tab and a text")
        yield place, id.strip(" "), words.replace("\t", " ")


def _tagged_records(path: Path) -> Iterator[_Record]:
    """``<DOC>`` with ``<DOCNO>``, titles and ``<TEXT>``; ``<top>`` with ``<num>`` and ``<title>``."""
    found = False
    for place, tag, body in _elements(path):
        found = True
        id = (_DOCNO if tag == "doc" else _NUM).search(body)
        if id is None:
            raise GapError(f"{place}: <{tag}> without {'<DOCNO>' if tag == 'doc' else '<num>'}")
        if tag == "doc":
            parts = [_plain(inner) for _, inner in _TITLED.findall(body)]
        else:
            parts = [_plain(title) for title in _TITLE.findall(body)]
        yield place, id[1], "\n".join(part for part in parts if part)
    if not found:
        raise GapError(f"{path}: neither <DOC> nor <top> in it, nor lines of an id, a tab and a text")


def _elements(path: Path) -> Iterator[tuple[str, str, str]]:
    """Every ``<DOC>`` and ``<top>``: where it starts, its tag in lowercase, what is in it."""
    start, opened, body = "", "", list[str]()
    for place, line in lines(path):
        for part in re.split("(</?(?:doc|top)>)", line, flags=re.IGNORECASE):
            tag = part.strip("</>").lower() if part.startswith("<") else ""
            if tag not in ("doc", "top"):
                body.append(part)
            elif part.startswith("</"):
                if tag != opened:
                    raise GapError(f"{place}: {part} without <{tag}>")
                yield start, tag, "\n".join(body)
                opened = ""
            else:
                if opened:
                    raise GapError(f"{place}: {part} before the <{opened}> at {start} is closed")
                start, opened, body = place, tag, []
    if opened:
        raise GapError(f"{start}: <{opened}> is never closed")


def _plain(markup: str) -> str:
    return " ".join(html.unescape(_TAG.sub(" ", markup)).split())


# ---- the sample


def from_sample(language: str) -> Source:
    """The sample collection, each language a query set; of one language only, if that is not ""."""
    sample = resources.files("scriptbridge") / "sample"
    codes = sorted(
        file.name.removesuffix(".jsonl") for file in sample.iterdir() if not file.name.startswith("queries.")
    )
    if language and language not in codes:
        raise GapError(f"{SAMPLE}{language}: no such sample; there are: {', '.join(codes)}")
    chosen = [language] if language else codes

    def documents(notes: list[str]) -> Documents:
        found = Documents({})
        for code in chosen:
            for record in _sampled(f"{code}.jsonl"):
                found.texts[record["id"]] = f"{record['title']}\n{record['text']}"
                found.languages[record["id"]] = code
        return found

    def asked(code: str) -> Asked:
        queries = _sampled(f"queries.{code}.jsonl")
        return Asked(
            f"{SAMPLE}{code}",
            {each["id"]: {each["doc"]: 1} for each in queries},
            {each["id"]: each["native"] for each in queries},
            {each["id"]: each["text"] for each in queries},
        )

    return Source(
        f"sample-{language}" if language else "sample",
        None,
        documents,
        {code: partial(asked, code) for code in chosen},
    )


def _sampled(name: str) -> list[dict[str, str]]:
    file = resources.files("scriptbridge") / "sample" / name
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
