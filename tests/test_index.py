"""The index: what it finds and how it scores, what it keeps, and what bad input, disks and others do."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tantivy

from scriptbridge import languages, store, text
from scriptbridge.channel import Channel
from scriptbridge.documents import read_documents
from scriptbridge.errors import (
    DocumentError,
    IndexFormatError,
    IndexLockedError,
    IndexStorageError,
    LanguageError,
    NotAnIndexError,
    QueryError,
    ScriptbridgeError,
)
from scriptbridge.index import Index
from scriptbridge.snapshot import Snapshot
from scriptbridge.types import Document, Expansion, Position, Reading, Token

DOCUMENTS = [
    ("h1", "दिल्ली की पुरानी मस्जिद और उसका बाज़ार"),
    ("h2", "मुंबई की बारिश में ट्रेन देर से चलती है"),
    ("h3", "आलू की सब्ज़ी बनाने की विधि, और दिल्ली की चाट"),
    ("h4", "दिल्ली दिल्ली दिल्ली"),
    ("r1", "Как приготовить борщ дома: рецепт борща"),
    ("r2", "Расписание поездов Москва — Казань"),
    ("e1", "The iPhone battery lasts a day"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def index(path: Path) -> Iterator[Index]:
    with Index.create(path, languages=["hi", "ru"]) as index:
        index.add(DOCUMENTS)
        index.commit()
        yield index


def ids(index: Index, query: str, k: int = 10) -> list[str]:
    return [hit.id for hit in index.search(query, k)]


def expansion(*positions: list[tuple[str, float]]) -> Expansion:
    """Positions of (term, weight)."""
    token = Token("typed", 0, 5, "Latn")
    readings = [
        tuple(Reading(term, 0.1, "hi", weight) for term, weight in position) for position in positions
    ]
    return Expansion(tuple(Position(token, each) for each in readings))


# ---- what it finds


def test_latin_queries_find_native_documents(index: Index) -> None:
    assert set(ids(index, "dilli")[:3]) == {"h1", "h3", "h4"}
    assert ids(index, "retsept borshcha")[0] == "r1"
    assert ids(index, "iphone battery")[0] == "e1"
    assert ids(index, "mumbai ki barish")[0] == "h2"


def test_nothing_to_seek_finds_nothing(index: Index) -> None:
    for query in ("", " ", "🙂🙂", "\u200f\u202e", "?!…", "\x00", "漢字", "ωμέγα", "\ud800"):
        assert index.search(query) == []
        assert index.rank(query) == []
    assert index.score(Expansion(())) == []
    assert index.score(expansion([])) == []


def test_an_empty_index_finds_nothing(path: Path) -> None:
    with Index.create(path) as index:
        assert index.search("dilli") == []
        assert len(index) == 0
        assert index.languages == ()
        index.add([])
        index.commit()
        assert index.search("दिल्ली") == []


def test_long_queries(index: Index) -> None:
    assert ids(index, "दिल्ली " * 10_000)[0] == "h4"
    assert ids(index, " ".join(f"slovo{number}" for number in range(10_000)) + " dilli") != ids(
        index, "dilli"
    )
    index.search("x" * 100_000)
    assert ids(index, "दिल्ली" + " " * 70_000 + "retsept")[0] == "h4"
    assert index.rank("." * 70_000 + " dilli") == []
    index.search("д" * 100_000)


@pytest.mark.parametrize("k", [0, -1, 2.5, True, "10", None])
def test_k_is_a_number_of_hits(index: Index, k: Any) -> None:
    with pytest.raises(QueryError, match="accepted are integers from 1"):
        index.search("dilli", k)


def test_k_may_exceed_the_documents(index: Index) -> None:
    assert len(index.search("दिल्ली", 10**12)) == 3
    assert len(index.search("दिल्ली", 2)) == 2


def test_a_query_is_a_string(index: Index) -> None:
    with pytest.raises(QueryError, match="bytes came; accepted are strings"):
        index.search(b"dilli")  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="expansion: str came"):
        index.score("dilli")  # type: ignore[arg-type]


# ---- how it scores


def bm25(documents: list[tuple[str, str]], query: str) -> dict[str, float]:
    """Robertson's BM25 as Lucene has it (k1 1.2, b 0.75), of documents of at most 40 words, slowly."""
    words = {id: text.terms(content) for id, content in documents}
    average = sum(map(len, words.values())) / len(words)
    scores: defaultdict[str, float] = defaultdict(float)
    for term in text.terms(query):
        df = sum(term in document for document in words.values())
        idf = math.log(1 + (len(words) - df + 0.5) / (df + 0.5))
        for id, document in words.items():
            tf = document.count(term)
            scores[id] += idf * 2.2 * tf / (tf + 1.2 * (0.25 + 0.75 * len(document) / average))
    return {id: score for id, score in scores.items() if score > 0}


@pytest.mark.parametrize("query", ["दिल्ली", "दिल्ली की चाट", "борщ Москва दिल्ली", "दिल्ली दिल्ली की"])
def test_native_queries_score_as_plain_bm25(index: Index, query: str) -> None:
    assert dict(index.rank(query, 100)) == pytest.approx(bm25(DOCUMENTS, query), rel=1e-5)

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw")
    builder.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
    plain = tantivy.Index(builder.build())
    writer = plain.writer(15_000_000, 1)
    for id, content in DOCUMENTS:
        writer.add_document(tantivy.Document(id=id, text=" ".join(text.terms(content))))
    writer.commit()
    plain.reload()
    searcher = plain.searcher()
    terms = [tantivy.Query.term_query(plain.schema, "text", term, "freq") for term in text.terms(query)]
    hits = searcher.search(
        tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in terms]), 100
    ).hits
    assert dict(index.rank(query, 100)) == {searcher.doc(address)["id"][0]: score for score, address in hits}


def test_search_rank_and_score_agree(index: Index) -> None:
    query = "dilli ki chat"
    ranked = [(hit.id, hit.score) for hit in index.search(query)]
    assert ranked == index.rank(query)
    assert ranked == index.score(index.bridge.expand(query))
    assert ranked == sorted(ranked, key=lambda each: (-each[1], each[0]))


def test_a_position_counts_its_best_reading_by_its_weight(index: Index) -> None:
    delhi, chaat = (dict(index.score(expansion([(term, 1.0)]))) for term in ("दिल्ली", "चाट"))
    either = dict(index.score(expansion([("दिल्ली", 0.6), ("चाट", 0.3), ("मुंबई", 0.0)])))
    assert either == pytest.approx(
        {id: max(0.6 * delhi.get(id, 0), 0.3 * chaat.get(id, 0)) for id in {*delhi, *chaat}}
    )
    both = dict(index.score(expansion([("दिल्ली", 0.6)], [("चाट", 0.3)])))
    assert both["h3"] == pytest.approx(0.6 * delhi["h3"] + 0.3 * chaat["h3"])
    assert index.score(expansion([("दिल्ली", 0.0)])) == []


def test_ties_stand_in_the_order_of_ids(path: Path) -> None:
    with Index.create(path, languages=["hi"]) as index:
        index.add([(id, "दिल्ली") for id in ("b", "c", "a")])
        index.commit()
        assert ids(index, "दिल्ली") == ["a", "b", "c"]


def test_several_fields_weigh_as_said(path: Path) -> None:
    fields = {"title": 3.0, "body": 1.0}
    documents = [
        {"id": "t", "title": "दिल्ली शहर", "body": "मुंबई शहर"},
        {"id": "b", "title": "मुंबई शहर", "body": "दिल्ली शहर"},
        {"id": "x", "title": "शहर शहर", "body": ""},
    ]
    with Index.create(path, ["hi"], fields) as index:
        index.add(documents)
        index.commit()
        assert ids(index, "दिल्ली") == ["t", "b"]
        assert ids(index, "mumbai") == ["b", "t"]
        assert {each.field for each in index.search("दिल्ली")[0].highlights} == {"title"}
        scores = dict(index.rank("दिल्ली"))
    for name in fields:
        with Index.create(path.with_name(name), ["hi"]) as alone:
            alone.add([(document["id"], document[name] or "शून्य") for document in documents])
            alone.commit()
            assert alone.rank("दिल्ली")[0][1] > 0
    assert scores["t"] / scores["b"] > 2
    with Index.open(path) as reopened:
        assert reopened.fields == fields


# ---- what it shows


def test_highlights_stand_in_the_original_text(path: Path) -> None:
    content = "Οι ΜΟΥΣΑΚΆΣ\u200b και\tτο\nπαστίτσιο: ο «μουσακάς»!"
    with Index.create(path) as index:
        index.add([("1", content)])
        index.commit()
        hit = index.search("μουσακας παστίτσιο")[0]
        assert hit.highlight == "Οι [ΜΟΥΣΑΚΆΣ]\u200b και το [παστίτσιο]: ο «[μουσακάς]»!"
        marked = [(content[each.start : each.end], each.term, each.token) for each in hit.highlights]
        assert marked == [
            ("ΜΟΥΣΑΚΆΣ", text.normalize("μουσακάς"), text.normalize("μουσακας")),
            ("παστίτσιο", text.normalize("παστίτσιο"), text.normalize("παστίτσιο")),
            ("μουσακάς", text.normalize("μουσακάς"), text.normalize("μουσακας")),
        ]
        assert {each.field for each in hit.highlights} == {"text"}


def test_a_latin_query_marks_native_words(index: Index) -> None:
    hit = next(hit for hit in index.search("dilli masjid") if hit.id == "h1")
    assert hit.highlight == "[दिल्ली] की पुरानी [मस्जिद] और उसका बाज़ार"
    assert [each.token for each in hit.highlights] == ["dilli", "masjid"]


def test_the_passage_is_the_one_where_most_matched(path: Path) -> None:
    filler = "कुछ और शब्द " * 50
    with Index.create(path, ["hi"]) as index:
        index.add([("1", f"दिल्ली {filler} मुंबई दिल्ली {filler} मुंबई")])
        index.commit()
        highlight = index.search("दिल्ली मुंबई")[0].highlight
    assert "[मुंबई] [दिल्ली]" in highlight
    assert highlight.startswith("…")
    assert highlight.endswith("…")
    assert len(highlight) < 180
    assert all(word.strip("…[]") in {"कुछ", "और", "शब्द", "मुंबई", "दिल्ली"} for word in highlight.split())


def test_hits_bring_the_whole_document(path: Path) -> None:
    document = Document(
        "1", {"text": "दिल्ली\x00\u200f🙂"}, "hi", {"url": "https://example.org", "tags": [1, {"a": None}]}
    )
    with Index.create(path) as index:
        index.add([document])
        index.commit()
        assert index.search("दिल्ली")[0].document == document


# ---- writing


def test_what_is_committed_is_found(path: Path) -> None:
    with Index.create(path, ["hi"]) as index:
        assert index.add([("1", "दिल्ली")]) == 1
        assert ids(index, "दिल्ली") == []
        index.commit()
        assert ids(index, "दिल्ली") == ["1"]
        index.add([("1", "मुंबई"), ("2", "चाट"), ("2", "मुंबई")])
        index.commit()
        assert ids(index, "दिल्ली चाट") == []
        assert ids(index, "मुंबई") == ["1", "2"]
        assert len(index) == 2
        index.delete("1")
        index.delete(["3", 4])
        index.commit()
        assert ids(index, "mumbai") == ["2"]
        index.delete(number for number in (2,))
        index.commit()
        assert len(index) == 0
        assert ids(index, "mumbai") == []
    with Index.open(path) as index:
        assert len(index) == 0


def test_close_drops_what_is_not_committed(path: Path) -> None:
    with Index.create(path, ["hi"]) as index:
        index.add([("1", "दिल्ली")])
        index.commit()
        index.add([("2", "दिल्ली")])
        index.delete("1")
    with pytest.raises(IndexStorageError, match="closed"):
        index.search("दिल्ली")
    with pytest.raises(IndexStorageError, match="closed"):
        index.add([("3", "दिल्ली")])
    assert "closed" in repr(index)
    index.close()
    with Index.open(path) as index:
        assert ids(index, "दिल्ली") == ["1"]


def test_a_failed_add_leaves_the_last_commit(index: Index, tmp_path: Path) -> None:
    broken = tmp_path / "docs.jsonl"
    broken.write_text(
        '{"id": "h1", "text": "चाट"}\n{"id": "n1", "text": "नया"}\n{"id": "n2"}\n', encoding="utf-8"
    )

    def interrupted() -> Iterator[tuple[str, str]]:
        yield "n1", "नया"
        raise KeyboardInterrupt

    before = index.rank("दिल्ली की चाट", 100)
    with pytest.raises(DocumentError, match=r"docs\.jsonl:3: field 'text': missing") as caught:
        index.add(read_documents(broken))
    assert "nothing since the last commit was kept" in caught.value.__notes__[0]
    with pytest.raises(DocumentError, match="document 2: field 'id': float came"):
        index.add([("h1", "x"), (1.5, "x")])  # type: ignore[list-item]
    with pytest.raises(DocumentError, match="accepted are strings and integers"):
        index.delete(["h1", None])  # type: ignore[list-item]
    with pytest.raises(KeyboardInterrupt):
        index.add(interrupted())
    index.commit()
    assert index.rank("दिल्ली की चाट", 100) == before
    assert len(index) == len(DOCUMENTS)
    index.add([("n1", "नया")])
    index.commit()
    assert ids(index, "नया") == ["n1"]


def test_a_slow_refresh_does_not_hide_a_later_commit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Index.create(path, ["hi"]) as shared:
        committed, read, go_on = shared._committed, threading.Event(), threading.Event()

        def slow(opened: tantivy.Index) -> Snapshot:
            snapshot = committed(opened)
            if threading.current_thread() is reader:
                read.set()
                go_on.wait(0.5)
            return snapshot

        monkeypatch.setattr(shared, "_committed", slow)
        reader = threading.Thread(target=shared.refresh)
        reader.start()
        read.wait()
        shared.add([("1", "दिल्ली")])
        shared.commit()
        go_on.set()
        reader.join()
        assert len(shared) == 1


def test_threads_take_turns_at_writing(path: Path) -> None:
    failures: list[BaseException] = []
    shared = Index.create(path)

    def write(thread: int) -> None:
        try:
            for number in range(10):
                shared.add((f"{thread}-{number}-{each}", "दिल्ली") for each in range(5))
                shared.commit()
                shared.delete(f"{thread}-{number}-0")
        except BaseException as failure:
            failures.append(failure)

    with shared:
        threads = [threading.Thread(target=write, args=[thread]) for thread in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        shared.commit()
        assert not failures
        assert len(shared) == 4 * 10 * 4
        assert sum(shared._snapshot.manifest.detected.values()) == 4 * 10 * 5


def test_writing_while_documents_are_read_is_refused(index: Index) -> None:
    def entangled(write: Callable[[], object]) -> Iterator[tuple[str, str]]:
        yield "n1", "नया"
        write()

    for write in (index.commit, index.close, lambda: index.delete("h1"), lambda: index.add([("n2", "x")])):
        with pytest.raises(IndexStorageError, match="in the middle of an `add`"):
            index.add(entangled(write))
        assert len(index) == len(DOCUMENTS)
    index.add(entangled(lambda: index.search("dilli")))
    index.commit()
    assert len(index) == len(DOCUMENTS) + 1


def test_a_writer_sweeps_what_a_killed_one_left(index: Index, path: Path) -> None:
    index.close()
    stale = path / "lexicon.bin.12345.partial"
    stale.touch()
    with Index.open(path) as reopened:
        assert stale.exists()
        reopened.delete("h1")
        assert not stale.exists()


@pytest.mark.parametrize("wrong", ["a\0b", "a\ud800", b"a", None, 5])
def test_paths_are_checked(wrong: Any) -> None:
    for use in (Index.open, Index.create):
        with pytest.raises(IndexStorageError, match=r"path: .* came"):
            use(wrong)


def test_a_failed_commit_leaves_the_languages(path: Path) -> None:
    class Failing:
        def commit(self) -> None:
            raise ValueError("No space left on device (os error 28)")

        def rollback(self) -> None:
            raise ValueError("An index writer was killed.")

    with Index.create(path) as index:
        index.add([("1", "दिल्ली")])
        index.commit()
        before = (path / "scriptbridge.json").read_bytes()
        index.add([{"id": "2", "text": "борщ", "lang": "ru"}])
        index._writer._writer = Failing()  # type: ignore[assignment]
        with pytest.raises(IndexStorageError, match="intact"):
            index.commit()
        assert (path / "scriptbridge.json").read_bytes() == before


@pytest.mark.parametrize("wrong", [b"h1", {"id": "h1"}, None, 1.5, Document("h1", {"text": "x"})])
def test_delete_takes_ids(index: Index, wrong: Any) -> None:
    with pytest.raises(DocumentError, match="accepted are an id or an iterable of ids"):
        index.delete(wrong)


def test_huge_documents(path: Path) -> None:
    content = "".join(f"शब्द{number % 50_000} " for number in range(700_000))
    assert len(content.encode()) > 10_000_000
    with Index.create(path, ["hi"]) as index:
        index.add([("words", content + "अंतिम"), ("letters", "क" * 3_500_000), ("x" * 512, "छोटा")])
        index.commit()
        hit = index.search("अंतिम")[0]
        assert hit.id == "words"
        assert hit.document.fields["text"].endswith("अंतिम")
        assert len(hit.highlight) < 200
        index.add([("x" * 512, "बड़ा")])
        index.commit()
        assert len(index) == 3


def test_a_reader_sees_commits_when_it_refreshes(index: Index, path: Path) -> None:
    reader = Index.open(path)
    before = reader.bridge
    reader.refresh()
    assert reader.bridge is before
    index.add([("new", "चंडीगढ़")])
    index.commit()
    assert ids(index, "chandigarh") == ["new"]
    assert ids(reader, "चंडीगढ़") == []
    reader.refresh()
    assert ids(reader, "चंडीगढ़") == ["new"]
    assert ids(reader, "chandigarh") == ["new"]
    reader.close()


def test_readers_beside_a_writer(path: Path) -> None:
    """Each snapshot is of one commit: the words of its bridge and its documents belong together."""
    with Index.create(path, ["hi"]) as writer, Index.open(path) as reader:
        stop = threading.Event()
        failures: list[object] = []

        def read() -> None:
            while not stop.is_set():
                reader.refresh()
                found = len(reader.search("शब्द", 1000))
                failures.extend([found, len(reader)] if found != len(reader) else [])

        thread = threading.Thread(target=read)
        thread.start()
        for number in range(30):
            writer.add([(f"{number}-{each}", f"शब्द {number}") for each in range(5)])
            writer.commit()
        stop.set()
        thread.join()
        assert not failures
        reader.refresh()
        assert len(reader) == 150


def test_one_writer_at_a_time(index: Index, path: Path) -> None:
    with Index.open(path) as second:
        with pytest.raises(IndexLockedError, match="another writer has this index open"):
            second.add([("1", "x")])
        with pytest.raises(IndexLockedError):
            second.delete("1")
        assert ids(second, "दिल्ली") == ids(index, "दिल्ली")
        index.close()
        second.add([("1", "नया")])
        second.commit()
        assert ids(second, "नया") == ["1"]


# ---- languages


def test_languages_are_those_given(path: Path) -> None:
    with Index.create(path, languages="ru") as index:
        index.add(DOCUMENTS)
        index.commit()
        assert index.languages == ("ru",)
    with Index.open(path) as index:
        assert index.languages == ("ru",)
        assert ids(index, "borshch")[:1] == ["r1"]
        assert "h1" not in ids(index, "dilli")


def test_languages_are_detected_and_declared(path: Path) -> None:
    with Index.create(path) as index:
        index.add([(f"h{number}", "यह दिल्ली की एक पुरानी मस्जिद है") for number in range(300)])
        index.add([("r", "Как приготовить борщ")])
        index.commit()
        assert " ".join(index.languages) == "hi"  # of too few documents, a language may be a mistake
        index.add([Document("r2", {"text": "Как приготовить борщ"}, lang="ru")])
        index.commit()
        assert index.languages == ("hi", "ru")
    with Index.open(path) as index:
        assert index.languages == ("hi", "ru")
        index.add([(f"r{number}", "Как приготовить борщ") for number in range(10)])
        with pytest.raises(DocumentError):
            index.add([("g", "Πώς"), ("", "")])
        index.commit()
        assert index.languages == ("hi", "ru")


def test_unknown_languages_are_refused(path: Path) -> None:
    hindi: Any = Channel.load("hi")
    for what in (hindi, [hindi], ["hi", hindi]):
        with pytest.raises(LanguageError, match="languages: Channel came; accepted are codes such as 'hi'"):
            Index.create(path, languages=what)
    with pytest.raises(LanguageError, match="unknown language 'xx'; known: "):
        Index.create(path, languages=["hi", "xx"])
    assert not path.exists()
    with Index.create(path) as index, pytest.raises(DocumentError, match="unknown language 'tlh'"):
        index.add([{"id": "1", "text": "x", "lang": "tlh"}])


@pytest.mark.parametrize(
    "fields",
    [
        {},
        ["text"],
        {"id": 1.0},
        {"lang": 1.0},
        {"_x": 1.0},
        {"": 1.0},
        {"text": 0.0},
        {"text": math.inf},
        {"text": math.nan},
        {"text": 1e39},  # beyond the store's floats: all scores were infinite
        {"text": 1e-46},
        {"text": "1"},
        {1: 1.0},
    ],
)
def test_fields_are_names_and_weights(path: Path, fields: Any) -> None:
    with pytest.raises(ScriptbridgeError, match=r"fields: .* accepted are"):
        Index.create(path, fields=fields)
    assert not path.exists()


# ---- the directory


def test_create_refuses_what_is_there(index: Index, path: Path, tmp_path: Path) -> None:
    with pytest.raises(IndexStorageError, match="already an index"):
        Index.create(path)
    with pytest.raises(NotAnIndexError, match="neither an index nor empty"):
        Index.create(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(IndexStorageError, match="cannot be created"):
        Index.create(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    Index.create(tmp_path / "empty").close()
    Index.create(tmp_path / "a" / "b").close()


def test_create_takes_what_a_killed_create_left(path: Path) -> None:
    Index.create(path, fields={"title": 1.0}).close()
    (path / "scriptbridge.json").rename(path / "scriptbridge.json.partial")
    (path / ".tmpAbC12").touch()
    with Index.create(path, ["hi"]) as index:
        index.add(DOCUMENTS[:1])
        index.commit()
        assert ids(index, "dilli") == ["h1"]
    assert not list(path.glob("*.partial"))
    (path / "scriptbridge.json").unlink()
    (path / "lexicon.bin").unlink()
    with pytest.raises(NotAnIndexError, match="neither an index nor empty"):
        Index.create(path)


def test_open_refuses_what_is_no_index(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", Path(__file__)):
        with pytest.raises(NotAnIndexError, match="no scriptbridge index here"):
            Index.open(path)


def test_a_newer_format_is_refused(index: Index, path: Path) -> None:
    manifest = path / "scriptbridge.json"
    content = json.loads(manifest.read_text()) | {"format": 4, "scriptbridge": "9.1"}
    manifest.write_text(json.dumps(content))
    with pytest.raises(IndexFormatError, match=r"format 4 came, written by scriptbridge 9\.1; .* upgrade it"):
        Index.open(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 0),
        ("format", -1),
        ("format", True),
        ("format", 1.0),
        ("fields", {}),
        ("fields", {"text": 0}),
        ("fields", {"text": 10**400}),
        ("fields", {"title": 1.0}),
        ("fields", {"_id": 1.0}),
        ("fields", None),
        ("languages", ["xx"]),
        ("languages", [3]),
        ("languages", 5),
        ("declared", ["xx"]),
        ("declared", [[]]),
        ("detected", {"hi": -1}),
        ("detected", {"hi": "many"}),
        ("detected", {"xx": 1}),
        ("cut_by", ["icu"]),
    ],
)
def test_an_edited_manifest_is_refused(index: Index, path: Path, key: str, value: Any) -> None:
    manifest = path / "scriptbridge.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {key: value}))
    with pytest.raises(IndexFormatError, match="damaged"):
        Index.open(path)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"opstamp": Infinity, "segments": [], "schema": []}', "[" * 10_000]
)
def test_a_damaged_commit_is_refused(index: Index, path: Path, content: str) -> None:
    index.close()
    (path / "meta.json").write_text(content)
    with pytest.raises(IndexFormatError, match="damaged"):
        Index.open(path)


def test_a_missing_segment_file_is_found(index: Index, path: Path) -> None:
    index.delete("h1")
    index.commit()
    index.verify()
    segment_files = [file for file in path.iterdir() if len(file.name.split(".")[0]) == 32]
    assert {file.suffix for file in segment_files} >= {".idx", ".del", ".store"}
    for file in segment_files:
        content = file.read_bytes()
        file.unlink()
        with pytest.raises(IndexFormatError, match=f"{file.name} is missing"):
            index.verify()
        file.write_bytes(content)


@pytest.mark.parametrize(
    "source", [b"", b"[]", b"{", b"\xff", b'{"id": "1"}', b'{"id": "1", "fields": [1]}', b'{"a": 1}']
)
def test_a_damaged_document_is_refused(path: Path, source: bytes) -> None:
    record = tantivy.Document()
    record.add_text(store.ID, "1")
    record.add_bytes(store.SOURCE, source)
    record.add_text("text", "chai")
    with Index.create(path, ["hi"]) as index:
        with index._writer.alone(), index._writer._guarded() as writer:
            writer.add_document(record)
        index.commit()
        with pytest.raises(IndexFormatError, match="damaged"):
            index.search("chai")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"format": "1"}', '{"format": 1, "fields": 3}', "\udcff"]
)
def test_a_damaged_manifest_is_refused(index: Index, path: Path, content: str) -> None:
    (path / "scriptbridge.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(IndexFormatError, match="damaged"):
        Index.open(path)


def damage(file: Path, how: str) -> None:
    content = file.read_bytes()
    if how == "missing":
        file.unlink()
    else:
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
        file.write_bytes({"empty": b"", "truncated": content[:middle], "edited": flipped}[how])


@pytest.mark.parametrize("how", ["missing", "empty", "truncated", "edited"])
def test_damaged_files_are_found(
    index: Index, path: Path, how: str, capfd: pytest.CaptureFixture[str]
) -> None:
    index.close()
    optional = {".managed.json", ".tantivy-meta.lock", ".tantivy-writer.lock", "lexicon.bin"}
    for name in sorted(file.name for file in path.iterdir() if file.stat().st_size):
        copy = shutil.copytree(path, path.with_name(f"{how}-{name}"))
        damage(copy / name, how)
        try:
            with Index.open(copy) as damaged:
                damaged.search("dilli की चाट")
                damaged.verify()
                assert name in optional
                assert len(damaged.search("दिल्ली")) == 3
        except (IndexFormatError, NotAnIndexError) as error:
            assert name != "lexicon.bin"
            assert str(copy) in str(error)


def test_the_lexicon_snapshot_can_be_lost(index: Index, path: Path) -> None:
    for number, how in enumerate(["missing", "empty", "truncated", "edited"]):
        index.add([(f"new{number}", "नया")])
        index.commit()
        damage(path / "lexicon.bin", how)
        with Index.open(path) as reopened:
            assert reopened.rank("dilli masjid") == index.rank("dilli masjid")


def test_a_snapshot_of_another_commit_is_not_used(index: Index, path: Path) -> None:
    old = (path / "lexicon.bin").read_bytes()
    index.add([("new", "चंडीगढ़")])
    index.commit()
    (path / "lexicon.bin").write_bytes(old)
    with Index.open(path) as reopened:
        assert ids(reopened, "chandigarh") == ["new"]


# ---- how its words are spelled


@pytest.mark.parametrize(
    ("documents", "typed", "written"),
    [
        (["Ο μουσακάς", "ΜΟΥΣΑΚΆΣ", "μουσακας"], "mousakas", "μουσακάς"),
        (["Πώς πάει;", "πως πάμε", "Πως;"], "pos", "πως"),  # two documents against one
        (["أحمد", "أحمد", "احمد"], "ahmad", "أحمد"),
        (["احمد", "احمد", "أحمد"], "ahmad", "احمد"),
        (["Ёлка", "ёлка", "елка"], "yolka", "ёлка"),
        (["Москва"], "moskva", "москва"),
        (["می‌خواهم"], "mikhaham", "می‌خواهم"),
    ],
)
def test_words_are_written_as_documents_mostly_spell_them(
    path: Path, documents: list[str], typed: str, written: str
) -> None:
    with Index.create(path) as index:
        index.add((str(number), document) for number, document in enumerate(documents))
        index.commit()
        assert [each.text for each in index.bridge.deromanize(typed.capitalize() + "!")] == [written + "!"]
        assert index.bridge.complete(typed)[0].term == written
        assert text.normalize(written) in {
            reading.term for reading in index.bridge.expand(typed).positions[0].readings
        }
        assert len(index.search(typed)) == len(index.search(written)) > 0
        first = index.bridge.lexicon
    with Index.open(path) as index:  # of the snapshot, and without it
        assert index.bridge.lexicon.usual(text.normalize(written)) == written
        (path / store.LEXICON).unlink()
    with Index.open(path) as index:
        assert index.bridge.lexicon.spelling.tobytes() == first.spelling.tobytes()


def test_spellings_of_replaced_documents_go(path: Path) -> None:
    with Index.create(path, ["el"], {"title": 2.0, "text": 1.0}) as index:
        index.add({"id": str(number), "title": "", "text": "πώς"} for number in range(3))
        index.commit()
        assert index.bridge.deromanize("pos")[0].text == "πώς"
        index.add({"id": str(number), "title": "πως", "text": "ωραία"} for number in range(3))
        index.commit()
        assert index.bridge.deromanize("pos oraia")[0].text == "πως ωραία"
        index.delete(["0", "1", "2"])
        index.commit()
        assert index.bridge.deromanize("pos")[0].text == "pos"


def test_what_was_typed_natively_stays(index: Index) -> None:
    assert index.bridge.deromanize("Борщ, dilli iPhone ½ XyZ")[0].text == "Борщ, दिल्ली iPhone ½ XyZ"


def test_an_index_without_spellings_is_read_and_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def first(fields: Any) -> tantivy.Schema:
        builder = tantivy.SchemaBuilder()
        builder.add_text_field(store.ID, stored=True, tokenizer_name="raw", index_option="basic")
        builder.add_bytes_field(store.SOURCE, stored=True)
        for name in fields:
            builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
        return builder.build()

    monkeypatch.setattr(store, "schema", first)
    Index.create(path, ["el"]).close()
    with Index.open(path) as index:
        index.add([("1", "Ο μουσακάς"), ("2", "Το μετρό")])
        index.commit()
    with Index.open(path) as index:
        assert ids(index, "mousakas") == ["1"]
        assert index.bridge.deromanize("mousakas")[0].text == "μουσακασ"
        index.verify()


def test_repr_and_truth(index: Index, path: Path) -> None:
    assert repr(index) == f"<Index {str(path)!r}: 7 documents, languages: hi ru>"
    assert index
    assert index.bridge is index.bridge


def test_denied_and_full_are_told_apart(tmp_path: Path) -> None:
    for message, said in [
        ("Permission denied (os error 13)", "permission denied"),
        ("No space left on device (os error 28)", "is it full?"),
    ]:
        with (
            pytest.raises(IndexStorageError, match=re.escape(said)) as caught,
            store.seam(tmp_path, writing=True),
        ):
            raise ValueError(message)
        assert ("is it full?" in str(caught.value)) == ("28" in message)


LIMITED = """
import resource, signal, sys
from scriptbridge.errors import IndexStorageError
from scriptbridge.index import Index
from scriptbridge.snapshot import Snapshot

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit fails as on a full disk
with Index.open(sys.argv[1]) as index:
    for limit in (1_000_000, 20):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            index.add((f"n{number}", f"नया शब्द{number} " * 100) for number in range(20_000))
            index.commit()
            print("not refused")
        except IndexStorageError as error:
            print("what was committed before is intact" in str(error), len(index.search("दिल्ली")), len(index))
        print(sum(file.stat().st_size for file in index.path.iterdir()) < 100_000)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    index.add([("n1", "नया")])
    index.commit()
    print(len(index))
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of file sizes are POSIX's")
def test_a_full_disk_loses_nothing_committed(index: Index, path: Path) -> None:
    index.close()
    run = subprocess.run([sys.executable, "-c", LIMITED, path], capture_output=True, text=True, check=False)
    assert run.stdout.splitlines() == ["True 3 7", "True", "True 3 7", "True", "8"], run.stderr
    with Index.open(path) as reopened:
        assert ids(reopened, "नया") == ["n1"]
        reopened.verify()


def test_a_learned_channel_reads_in_its_languages_stead(tmp_path: Path) -> None:
    with Index.create(tmp_path / "index") as index:
        index.add([("1", "ένας καφές"), ("2", "ένα ψωμί"), ("3", "ένα σπίτι")])
        index.commit()
        assert index.rank("wqwq") == []
    pairs = [("ψωμί", "wqwq", 50.0), ("ψάρι", "wqari", 50.0), ("ψέμα", "wqema", 50.0), ("μωρό", "mqro", 50.0)]
    scheme = languages.load("el")
    taught = Channel.learn(
        replace(scheme, segments={**scheme.segments, "ψ": {"wq": 1.0}, "μι": {"q": 1.0}}), pairs
    )
    with Index.open(tmp_path / "index", channels=[taught]) as index:
        assert [id for id, _ in index.rank("wqwq")][:1] == ["2"]
    with pytest.raises(LanguageError, match="Channel"):
        Index.open(tmp_path / "index", channels=["el"])  # type: ignore[list-item]


def test_what_search_does_not_look_at_is_not_deromanized_either(tmp_path: Path) -> None:
    with Index.create(tmp_path / "short", languages=["el"]) as short:
        short.add([("1", "μουσακάς")])
        short.commit()
        long = short.deromanize("mousakas " * 300)[0].text.split()
    assert long == ["μουσακάς"] * 256 + ["mousakas"] * 44


@pytest.mark.parametrize("typed", ["a" * 1000, "e" + "\u0301" * 1000])
def test_words_of_absurd_length_read_as_nothing(typed: str, tmp_path: Path) -> None:
    with Index.create(tmp_path / "letters", languages=["el"]) as letters:
        letters.add([("1", "τα α η ε")])
        letters.commit()
        assert letters.deromanize("aa")[0].text != "aa" and letters.search("é")
        assert letters.deromanize(typed)[0].text == typed
        assert not letters.search(typed) and not letters.complete(typed)
