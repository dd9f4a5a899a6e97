"""Collections: the same documents and queries in every layout, whole or broken."""

from __future__ import annotations

import gzip
import json
import random
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptbridge import extras
from scriptbridge.errors import GapError, MissingExtraError
from scriptbridge.gap import collection as gap_collection
from scriptbridge.gap.collection import load
from scriptbridge.gap.records import GIVEN, Collection

DOCUMENTS = {
    "d1": "Ο καιρός στην Αθήνα είναι ηλιόλουστος",
    "d2": "Η θάλασσα στην Κρήτη είναι ζεστή το καλοκαίρι",
    "d3": "Συνταγή για μουσακά με μελιτζάνες",
}
NATIVE = {"q1": "καιρός Αθήνα", "q2": "θάλασσα Κρήτη", "q3": "μουσακάς"}
LATIN = {"q1": "kairos athina", "q2": "thalassa kriti", "q3": "mousakas"}
QRELS = {"q1": {"d1": 1}, "q2": {"d2": 2, "d1": 0}, "q3": {"d3": 1}}
BEIR_HEADER = "query-id\tcorpus-id\tscore\n"


def json_lines(texts: Mapping[str, str], id_key: str = "id", **more: str) -> str:
    return "".join(json.dumps({id_key: id, "text": text} | more) + "\n" for id, text in texts.items())


def tab_lines(texts: Mapping[str, str]) -> str:
    return "".join(f"{id}\t{text}\n" for id, text in texts.items())


def qrels(judged: Mapping[str, Mapping[str, int]] = QRELS, between: str = "\t") -> str:
    return "".join(
        f"{query}{between}{document}\t{grade}\n"
        for query, documents in judged.items()
        for document, grade in documents.items()
    )


def folder(path: Path, **files: str) -> Path:
    """A folder of files; in the names of keywords, ``__`` is a dot and ``_0_`` a slash."""
    for key, content in files.items():
        file = path / key.replace("_0_", "/").replace("__", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode()
        file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)
    return path


def own(path: Path, **files: str) -> Path:
    """A folder in our own layout, some of its files exchanged or added; an empty string leaves one out."""
    whole = {
        "docs__jsonl": json_lines(DOCUMENTS),
        "queries__native__jsonl": json_lines(NATIVE),
        "queries__latin__jsonl": json_lines(LATIN),
        "qrels__tsv": qrels(),
    }
    return folder(path, **{name: content for name, content in (whole | files).items() if content})


def refusal(spec: Path | str, **options: Any) -> str:
    with pytest.raises(GapError) as caught:
        load(str(spec), **options)
    return str(caught.value)


def check_whole(collection: Collection, native: Mapping[str, str] = NATIVE, latin: bool = True) -> None:
    """It holds DOCUMENTS and one unnamed query set of NATIVE, LATIN and QRELS; nothing was left out."""
    assert collection.documents == DOCUMENTS
    assert collection.languages == dict.fromkeys(DOCUMENTS, "el")
    (query_set,) = collection.query_sets
    assert query_set.name == ""
    assert query_set.native == native
    assert query_set.qrels == QRELS
    if latin:
        assert query_set.latin is not None
        assert query_set.latin.author == GIVEN
        assert query_set.latin.texts == {id: (text,) for id, text in LATIN.items()}
    else:
        assert query_set.latin is None


# ---- layouts


def test_own_layout(tmp_path: Path) -> None:
    collection = load(str(own(tmp_path / "greek")))
    check_whole(collection)
    assert (collection.name, collection.notes) == ("greek", ())


def test_own_layout_of_tables_and_gzip(tmp_path: Path) -> None:
    path = folder(
        tmp_path,
        docs__csv="id,text\n" + "".join(f'{id},"{text}"\n' for id, text in DOCUMENTS.items()),
        queries__native__jsonl__gz=json_lines(NATIVE),
        queries__latin__tsv="id\ttext\n" + tab_lines(LATIN),
        qrels__tsv__gz=qrels(),
    )
    check_whole(load(path))


def test_own_layout_with_native_or_latin_queries_only(tmp_path: Path) -> None:
    check_whole(load(own(tmp_path / "native", queries__latin__jsonl="")), latin=False)
    check_whole(load(own(tmp_path / "latin", queries__native__jsonl="")), native={})


def test_kinds_are_query_sets_in_sorted_order(tmp_path: Path) -> None:
    path = folder(
        tmp_path,
        docs__jsonl=json_lines(DOCUMENTS),
        queries__window__latin__jsonl=json_lines({"w1": "mousakas"}),
        qrels__window__tsv=qrels({"w1": {"d3": 1}}),
        queries__rare__native__jsonl=json_lines(NATIVE),
        queries__rare__latin__jsonl=json_lines(LATIN),
        qrels__rare__tsv=qrels(),
        qrels__spare__tsv=qrels(),
    )
    collection = load(path)
    assert [(each.name, len(each.qrels)) for each in collection.query_sets] == [("rare", 3), ("window", 1)]
    assert len(collection.notes) == 1 and "qrels.spare.tsv" in collection.notes[0]
    assert [each.name for each in load(path, sets=["window"]).query_sets] == ["window"]
    assert "no query set 'spare'; there are: 'rare', 'window'" in refusal(path, sets=["rare", "spare"])


def test_queries_and_qrels_of_different_kinds_are_refused(tmp_path: Path) -> None:
    path = folder(
        tmp_path,
        docs__jsonl=json_lines(DOCUMENTS),
        queries__rare__native__jsonl=json_lines(NATIVE),
        qrels__window__tsv=qrels(),
    )
    assert "different kinds: qrels.window.tsv, queries.rare.native.jsonl" in refusal(path)


def test_beir_layout(tmp_path: Path) -> None:
    path = folder(
        tmp_path,
        corpus__jsonl=json_lines(DOCUMENTS, "_id", title=""),
        queries__jsonl=json_lines(NATIVE, "_id"),
        queries__latin__jsonl=json_lines(LATIN, "_id"),
        qrels_0_test__tsv=BEIR_HEADER + qrels(),
    )
    check_whole(load(path))


def test_beir_titles_are_searched_and_splits_are_query_sets(tmp_path: Path) -> None:
    path = folder(
        tmp_path,
        corpus__jsonl=json_lines(DOCUMENTS, "_id", title="Τίτλος"),
        queries__jsonl=json_lines(NATIVE, "_id"),
        qrels_0_test__tsv=BEIR_HEADER + qrels({"q1": {"d1": 1}}),
        qrels_0_dev__tsv=BEIR_HEADER + qrels({"q3": {"d3": 1}, "q2": {"d2": 1}}),
    )
    collection = load(path)
    assert collection.documents["d3"] == f"Τίτλος\n{DOCUMENTS['d3']}"
    assert [(each.name, list(each.native)) for each in collection.query_sets] == [
        ("dev", ["q2", "q3"]),
        ("test", ["q1"]),
    ]
    assert collection.notes == ()  # queries of other splits are not left out


def test_queries_in_latin_letters_are_latin_ones_and_that_is_noted(tmp_path: Path) -> None:
    path = folder(
        tmp_path,
        corpus__jsonl=json_lines(DOCUMENTS, "_id"),
        queries__jsonl=json_lines(LATIN | {"q3": "μουσακάς"}, "_id"),
        qrels_0_test__tsv=BEIR_HEADER + qrels(),
    )
    collection = load(path)
    (query_set,) = collection.query_sets
    assert query_set.native == {} and query_set.latin is not None
    assert query_set.latin.texts["q1"] == ("kairos athina",)
    assert "queries.jsonl are in Latin letters" in collection.notes[0]


@pytest.mark.parametrize(
    "documents",
    [
        {"collection__tsv": tab_lines(DOCUMENTS), "other__tsv": "x\ty\n"},
        {"docs__jsonl": json_lines(DOCUMENTS)},
        {
            "part1__jsonl": json_lines({"d1": DOCUMENTS["d1"]}),
            "part2__tsv__gz": tab_lines(dict(list(DOCUMENTS.items())[1:])),
        },
        {
            "docs__trec": "<DOC>\n<DOCNO> d1 </DOCNO>\n<TEXT>\nΟ καιρός στην Αθήνα\n"
            "<P>είναι ηλιόλουστος</P>\n</TEXT>\n</DOC>\n"
            "<doc><docno>d2</docno><date>2020</date>"
            "<text>Η θάλασσα στην Κρήτη είναι ζεστή το &kappa;αλοκαίρι</text></doc>"
            "<DOC><DOCNO>d3</DOCNO><TEXT>Συνταγή για</TEXT>\n<TEXT>μουσακά με μελιτζάνες</TEXT></DOC>\n"
        },
    ],
    ids=["tabs", "json", "several", "sgml"],
)
@pytest.mark.parametrize(
    "queries",
    [
        {"topics__el__tsv": tab_lines(NATIVE), "topics__el__latin__tsv": tab_lines(LATIN)},
        {"queries__tsv": tab_lines(NATIVE), "queries__latin__jsonl": json_lines(LATIN)},
        {
            "topics__351-400": "".join(
                f"<top>\n<num> Number: {id}\n<title> {text}\n\n<desc> Description:\nπερί\n</top>\n\n"
                for id, text in NATIVE.items()
            ),
            "topics__351-400__latin__txt": tab_lines(LATIN),
        },
    ],
    ids=["tabs", "plain", "top"],
)
def test_trec_layout(tmp_path: Path, documents: dict[str, str], queries: dict[str, str]) -> None:
    collection = load(folder(tmp_path, qrels__trec7__txt=qrels(between=" 0 "), **documents, **queries))
    if "docs__trec" in documents:  # separate <TEXT>s are separate lines
        collection = load(tmp_path)
        assert collection.documents["d3"].split("\n") == ["Συνταγή για", "μουσακά με μελιτζάνες"]
        collection = _with_documents(
            collection, {id: " ".join(text.split()) for id, text in collection.documents.items()}
        )
    check_whole(collection)
    assert len(collection.notes) == ("other__tsv" in documents)


def _with_documents(collection: Collection, documents: Mapping[str, str]) -> Collection:
    return Collection(
        collection.name, documents, collection.languages, collection.query_sets, collection.notes
    )


def test_a_folder_in_no_layout_is_told_what_each_expects_and_what_is_there(tmp_path: Path) -> None:
    message = refusal(own(tmp_path, qrels__tsv="", README__md="x"))
    for part in (
        "docs.jsonl (found: docs.jsonl)",
        "queries[.KIND].latin.jsonl (found: queries.latin.jsonl)",
        "qrels[.KIND].tsv (missing)",
        "corpus.jsonl (missing)",
        "qrels/SPLIT.tsv (missing)",
        "topics* or queries* (found: queries.latin.jsonl)",
        "there are: README.md, docs.jsonl, queries.latin.jsonl, queries.native.jsonl",
    ):
        assert part in message
    assert "no files" in refusal(folder(tmp_path / "empty", **{"x_0_y": "z"}))
    assert "cannot be read: No such file" in refusal(tmp_path / "nowhere")
    assert "cannot be read: Not a directory" in refusal(tmp_path / "README.md")


def test_two_files_of_the_same_are_refused(tmp_path: Path) -> None:
    assert "docs.csv, docs.jsonl; keep one" in refusal(own(tmp_path / "d", docs__csv="id,text\n"))
    assert "hold such queries" in refusal(own(tmp_path / "q", queries__latin__csv="id,text\n"))
    assert "hold such qrels" in refusal(own(tmp_path / "j", qrels__tsv__gz=qrels()))


# ---- what counts


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    more = {
        "q4": "χωρίς κρίση",
        "q5": "άγνωστο έγγραφο",
        "q6": "",
        "q7": "μόνο ελληνικά",
        "q8": "βαθμός μηδέν",
    }
    latin = {"q4": "xoris krisi", "q5": "agnosto eggrafo", "q6": "keno", "q8": "vathmos miden"}
    judged = QRELS | {
        "q3": {"d3": 1, "gone": 1},
        "q5": {"gone": 1},
        "q6": {"d1": 1},
        "q8": {"d1": 0},
        "q9": {"d1": 1},
    }
    collection = load(
        own(
            tmp_path / "greek",
            queries__native__jsonl=json_lines(NATIVE | more),
            queries__latin__jsonl=json_lines(LATIN | latin),
            qrels__tsv=qrels(judged),
        )
    )
    check_whole(collection)
    assert collection.notes == (
        "greek: 1 queries left out: empty",
        "greek: 2 queries left out: native or Latin, but not both",
        "greek: 2 judgements are of documents that are not in the collection",
        "greek: 2 judged queries are not measured: no query has their id",
        "greek: 3 queries left out: no relevant document in the collection",
    )


def test_skip_and_limit_choose_queries_in_the_order_of_their_file(tmp_path: Path) -> None:
    shuffled = {id: NATIVE[id] for id in ("q3", "q1", "q2")}
    path = own(tmp_path, queries__native__jsonl=json_lines(shuffled))

    def ids(skip: int = 0, limit: int = 0) -> list[str]:
        (query_set,) = load(path, skip=skip, limit=limit).query_sets
        assert query_set.latin is not None
        assert list(query_set.native) == list(query_set.latin.texts) == list(query_set.qrels)
        return list(query_set.native)

    assert ids() == ["q3", "q1", "q2"]
    assert ids(limit=2) == ["q3", "q1"]
    assert ids(skip=1) == ["q1", "q2"]
    assert ids(skip=1, limit=1) == ["q1"]
    assert "has 3 queries" in refusal(path, skip=3)
    assert "accepted are 0 and more" in refusal(path, limit=-1)


@given(
    native=st.sets(st.sampled_from("abcdef")),
    latin=st.sets(st.sampled_from("abcdef")),
    judged=st.dictionaries(
        st.sampled_from("abcdefg"),
        st.dictionaries(st.sampled_from(["d1", "d2", "x"]), st.integers(-1, 2), min_size=1),
    ),
)
def test_exactly_the_answerable_queries_count(
    tmp_path_factory: pytest.TempPathFactory,
    native: set[str],
    latin: set[str],
    judged: dict[str, dict[str, int]],
) -> None:
    path = own(
        tmp_path_factory.mktemp("own"),
        queries__native__jsonl=json_lines(dict.fromkeys(sorted(native), "θάλασσα")) or "\n",
        queries__latin__jsonl=json_lines(dict.fromkeys(sorted(latin), "thalassa")) or "\n",
        qrels__tsv=qrels(judged) or "\n",
    )
    asked = native & latin if native else latin  # an empty file of native queries is as none
    answerable = {
        query
        for query in asked & judged.keys()
        if any(grade > 0 and document in DOCUMENTS for document, grade in judged[query].items())
    }
    if not latin or not answerable:
        refusal(path)
        return
    (query_set,) = load(path).query_sets
    assert query_set.latin is not None
    assert query_set.latin.texts.keys() == query_set.qrels.keys() == answerable
    assert all(documents.keys() <= DOCUMENTS.keys() for documents in query_set.qrels.values())


# ---- languages


def test_language_of_documents(tmp_path: Path) -> None:
    hindi = "यह एक हिन्दी वाक्य है और यहाँ है"
    declared = json_lines(DOCUMENTS | {"h": hindi, "e": "Plain English with one β"}) + json.dumps(
        {"id": "m", "text": hindi, "lang": "mr"}
    )
    by = {
        name: load(own(tmp_path / name, docs__jsonl=declared)).languages
        for name in ("mixed", "hi.dakshina-dev", "tg.news", "news.2020")
    }
    assert by["mixed"] == dict.fromkeys(DOCUMENTS, "el") | {"h": "hi", "m": "mr"}
    assert by["hi.dakshina-dev"] == dict.fromkeys([*DOCUMENTS, "h", "e"], "hi") | {"m": "mr"}
    assert by["tg.news"] == {"m": "mr"}  # a language scriptbridge does not know: what is detected is wrong
    assert by["news.2020"] == by["mixed"]


def test_rare_detections_within_a_script_are_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detected = iter(["hi"] * 90 + ["mr"] * 9 + ["el"])
    monkeypatch.setattr(gap_collection, "_detected", lambda _: next(detected))
    documents = {f"d{number}": "λέξη" for number in range(1, 101)}
    languages = load(own(tmp_path, docs__jsonl=json_lines(documents))).languages
    assert sorted(set(languages.values())) == ["el", "hi"]
    assert len(languages) == 91


def test_loading_ten_thousand_documents_is_quick(tmp_path: Path) -> None:
    rng = random.Random(7)
    words = " ".join(DOCUMENTS.values()).split()
    documents = {f"d{number}": " ".join(rng.choices(words, k=30)) for number in range(10_000)}
    path = own(tmp_path, docs__jsonl=json_lines(documents))
    start = time.process_time()
    collection = load(path)
    assert time.process_time() - start < 4  # about 0.5 s; languages are detected
    assert len(collection.languages) == 10_000


# ---- bad input


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"docs__jsonl": "{"}, "docs.jsonl:1: not JSON"),
        ({"docs__jsonl": '\n{"id": "d1"}\n'}, "docs.jsonl:2: field 'text': missing"),
        ({"docs__jsonl": json_lines(DOCUMENTS) * 2}, "docs.jsonl:4: field 'id': 'd1' is already"),
        ({"docs__jsonl": "\n"}, "no documents"),
        ({"queries__native__jsonl": json_lines(NATIVE) * 2}, "queries.native.jsonl:4: field 'id'"),
        ({"queries__latin__jsonl": "[]"}, "queries.latin.jsonl:1: JSON list came"),
        ({"queries__latin__jsonl": "\n"}, "no id has both a native and a Latin query"),
        ({"queries__native__jsonl": "", "queries__latin__jsonl": "\n"}, "queries.latin.jsonl: no queries"),
        ({"queries__latin__jsonl": json_lines({"x": "y"})}, "no id has both a native and a Latin query"),
        ({"qrels__tsv": "\n"}, "qrels.tsv: no judgements"),
        ({"qrels__tsv": "q1\td1\tgood\n"}, "qrels.tsv:1: grade 'good'"),
        (
            {"qrels__tsv": "q1\td9\t1\n"},
            "Do the ids belong together? Queries: q1, q2, q3; judged queries: q1",
        ),
        ({"qrels__tsv": "q1\td1\t0\n"}, "has a relevant document here"),
    ],
)
def test_bad_files_of_our_own_are_refused(tmp_path: Path, files: dict[str, str], says: str) -> None:
    assert says in refusal(own(tmp_path, **files))


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        ('{"_id": "d1", "text": "x"', ":1: not JSON"),
        ("3", ":1: JSON int came"),
        ('{"key": "d1", "text": "x"}', ":1: no id: accepted keys are _id,"),
        ('{"_id": "d1", "body_text": "x"}', ":1: no text: accepted keys are text,"),
        ('{"_id": "d1", "text": 3}', ":1: text: int came"),
        ('{"_id": "", "text": "x"}', ":1: field 'id': empty"),
        (r'{"_id": "d1", "text": "\ud800"}', ":1: text: a lone surrogate"),
        ('{"_id": "d1", "text": "x"}\n\n{"_id": "d1", "text": "y"}', ":3: 'd1' is already the id at"),
        ('{"_id": "d1", "text": ""}', "no documents with text"),
    ],
)
def test_bad_corpora_are_refused(tmp_path: Path, documents: str, says: str) -> None:
    path = folder(
        tmp_path,
        corpus__jsonl=documents,
        queries__jsonl=json_lines(NATIVE),
        qrels_0_test__tsv=BEIR_HEADER + qrels(),
    )
    assert says in refusal(path)


@pytest.mark.parametrize(
    ("documents", "topics", "says"),
    [
        ("<DOC><DOCNO>d1</DOCNO><TEXT>x</TEXT>\n", "", "docs.trec:1: <doc> is never closed"),
        ("<DOC><DOCNO>d1</DOCNO>\n<DOC>", "", "docs.trec:2: <DOC> before the <doc> at"),
        ("<DOC>\n</DOC></DOC>", "", "docs.trec:1: <doc> without <DOCNO>"),
        ("<DOC><DOCNO>d1</DOCNO><TEXT>x</TEXT></DOC>\n</DOC>", "", "docs.trec:2: </DOC> without <doc>"),
        ("<html></html>", "", "docs.trec: neither <DOC> nor <top>"),
        ("d1 text", "", "docs.trec:1: no tab"),
        ("d1\tθάλασσα", "q1 θάλασσα", "topics.txt:1: no tab"),
        ("d1\tθάλασσα", "q 1\tθάλασσα", "topics.txt:1: query id 'q 1' holds white space"),
        ("d1\tθάλασσα", "<top>\n<title> x\n</top>", "topics.txt:1: <top> without <num>"),
    ],
)
def test_bad_trec_files_are_refused(tmp_path: Path, documents: str, topics: str, says: str) -> None:
    path = folder(tmp_path, docs__trec=documents, topics__txt=topics or tab_lines(NATIVE), qrels__txt=qrels())
    assert says in refusal(path)


# ---- ir_datasets


class Text(NamedTuple):
    """Shaped as ir_datasets' GenericDoc and GenericQuery."""

    doc_id: str
    text: str

    @property
    def query_id(self) -> str:
        return self.doc_id

    def default_text(self) -> str:
        return self.text


class Judgement(NamedTuple):
    """Shaped as ir_datasets' TrecQrel."""

    query_id: str
    doc_id: str
    relevance: int
    iteration: str


class Dataset:
    """Shaped as ir_datasets' Dataset."""

    def __init__(self, lang: str | None = None) -> None:
        self.lang = lang

    def docs_iter(self) -> Iterator[Text]:
        return (Text(id, text) for id, text in DOCUMENTS.items())

    def docs_lang(self) -> str | None:
        return self.lang

    def queries_iter(self) -> Iterator[Text]:
        return (Text(id, text) for id, text in NATIVE.items())

    def qrels_iter(self) -> Iterator[Judgement]:
        return (
            Judgement(query, id, grade, "0")
            for query, judged in QRELS.items()
            for id, grade in judged.items()
        )


class Broken(Dataset):
    def docs_iter(self) -> Iterator[Text]:
        raise RuntimeError("All download sources failed")


@pytest.fixture
def datasets(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What a stand-in for ir_datasets knows."""
    known: dict[str, object] = {"mine/test": Dataset("el"), "mine": SimpleNamespace(docs_iter=None)}
    stand_in = SimpleNamespace(load=known.__getitem__)
    monkeypatch.setattr(extras, "load", lambda module, extra: stand_in)
    return known


def test_a_dataset_of_ir_datasets(datasets: dict[str, object]) -> None:
    collection = load("ir_datasets:mine/test")
    check_whole(collection, latin=False)
    assert (collection.name, collection.notes) == ("mine/test", ())
    datasets["mine/test"] = Dataset("fr")
    collection = load("ir_datasets:mine/test", limit=1)
    assert collection.languages == {} and "in 'fr'" in collection.notes[0]
    assert list(collection.query_sets[0].native) == ["q1"]
    datasets["mine/test"] = Dataset()
    assert set(load("ir_datasets:mine/test").languages.values()) == {"el"}


def test_datasets_that_cannot_be_used_are_refused(datasets: dict[str, object]) -> None:
    datasets["broken"] = Broken()
    assert "ir_datasets knows no 'other'" in refusal("ir_datasets:other")
    assert "has no queries and no qrels; a subset of it may, such as mine/test" in refusal("ir_datasets:mine")
    assert "ir_datasets cannot read it: All download sources failed" in refusal("ir_datasets:broken")


def test_without_ir_datasets_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ir_datasets", None)
    with pytest.raises(MissingExtraError, match=r"scriptbridge\[datasets\]"):
        load("ir_datasets:vaswani")


def test_the_stand_in_is_shaped_as_ir_datasets() -> None:
    ir_datasets = pytest.importorskip("ir_datasets")
    dataset = ir_datasets.load("vaswani")  # nothing is downloaded until it is read
    assert all(hasattr(dataset, name) for name in vars(Dataset) if not name.startswith("__"))
    assert dataset.docs_lang() == "en"
    assert not hasattr(ir_datasets.load("msmarco-passage"), "qrels_iter")
    assert dataset.docs_cls()("d1", "text").default_text() == "text"
    assert dataset.queries_cls()("q1", "text").default_text() == "text"
    with pytest.raises(KeyError):
        ir_datasets.load("no such dataset")


def test_the_sample_is_a_collection() -> None:
    greek = load("sample:el")
    assert set(greek.languages.values()) == {"el"}
    (queries,) = greek.query_sets
    assert queries.name == "el" and len(queries.native) == len(queries.qrels) == 10
    every = load("sample:")
    assert {each.name for each in every.query_sets} == set(every.languages.values())
    assert len(every.documents) == 20 * len(every.query_sets)
    with pytest.raises(GapError, match="there are: "):
        load("sample:xx")


def test_titles_are_searched_with_their_texts(tmp_path: Path) -> None:
    (tmp_path / "docs.jsonl").write_text(
        '{"id": "1", "title": "Μουσακάς", "text": "με μελιτζάνες"}\n{"id": "2", "text": "άλλο"}\n'
    )
    (tmp_path / "queries.native.jsonl").write_text('{"id": "q", "text": "μουσακάς"}\n')
    (tmp_path / "qrels.tsv").write_text("q\t1\t1\n")
    assert load(tmp_path).documents == {"1": "Μουσακάς\nμε μελιτζάνες", "2": "άλλο"}
