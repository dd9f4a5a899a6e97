"""Dense vectors beside an index: what is found, what is encoded again, what damage and kills do."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_encoder
from numpy.typing import NDArray

from scriptbridge import store, text, vectors
from scriptbridge.encoders import specs
from scriptbridge.errors import EncoderError, IndexFormatError, IndexLockedError, QueryError
from scriptbridge.index import Index
from scriptbridge.modes import Mode
from scriptbridge.vectors import Vectors

SPEC = "toy_encoder:encode"
DOCUMENTS = [
    ("el1", "Πώς φτιάχνεται ο μουσακάς"),
    ("el2", "Το μετρό της Αθήνας"),
    ("el3", "Μουσακάς με μελιτζάνες και πατάτες"),
    ("el4", "Η Ακρόπολη και το μουσείο"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def index(path: Path) -> Iterator[Index]:
    with Index.create(path, ["el"], encoder=SPEC) as index:
        index.add(DOCUMENTS)
        index.commit()
        yield index


@pytest.fixture(autouse=True)
def forgotten() -> None:
    toy_encoder.asked.clear()


def cosines(query: str, documents: Sequence[tuple[str, str]] = DOCUMENTS) -> list[tuple[str, float]]:
    """Every document by its similarity, slowly."""
    one, *others = toy_encoder.encode([query, *(words for _, words in documents)])
    similar = [float(one @ each / np.linalg.norm(one) / np.linalg.norm(each)) for each in others]
    pairs = [(id, score) for (id, _), score in zip(documents, similar, strict=True)]
    return sorted(pairs, key=lambda each: (-each[1], each[0]))


def approximately(pairs: Sequence[tuple[str, float]]) -> list[tuple[str, Any]]:
    return [(id, pytest.approx(score, abs=1e-6)) for id, score in pairs]


# ---- what is found


def test_dense_search_is_by_cosine(index: Index) -> None:
    assert index.rank("μουσακάς πατάτες", mode="dense") == approximately(cosines("μουσακάς πατάτες"))
    assert index.rank("μουσακάς πατάτες", 2, mode="dense") == approximately(cosines("μουσακάς πατάτες")[:2])
    assert len(index.rank("μουσακάς", 10**9, mode="dense")) == 4
    hit = index.search("μουσακάς πατάτες", mode="dense")[0]
    assert (hit.id, hit.document.fields["text"]) == DOCUMENTS[2]
    assert "[Μουσακάς]" in hit.highlight


def test_a_latin_query_reaches_the_encoder_in_native_script(index: Index) -> None:
    found = index.rank("pos ftiaxnetai o mousakas;", mode="dense")
    assert toy_encoder.asked[-1] == "πώς φτιάχνεται ο μουσακάς;"
    assert found == approximately(cosines("πώς φτιάχνεται ο μουσακάς;"))
    index.rank("Πώς φτιάχνεται;", mode="dense")
    assert toy_encoder.asked[-1] == "Πώς φτιάχνεται;"  # as it was typed
    index.rank("pos ftiaxnetai", mode="dense", deromanize=False)
    assert toy_encoder.asked[-1] == "pos ftiaxnetai"


def test_readings_are_averaged_by_probability(index: Index) -> None:
    query = "mousakas metro"
    wordings = index.bridge.deromanize(query, 3)
    assert len(wordings) == 3
    units = toy_encoder.encode([each.text for each in wordings])
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    mean = np.array([each.probability for each in wordings]) @ units
    documents = toy_encoder.encode([words for _, words in DOCUMENTS])
    expected = documents @ mean / np.linalg.norm(mean) / np.linalg.norm(documents, axis=1)
    found = dict(index.rank(query, mode="dense", readings=3))
    assert [found[id] for id, _ in DOCUMENTS] == pytest.approx(expected.tolist(), abs=1e-6)


def test_hybrid_fuses_both(index: Index) -> None:
    query = "mousakas patates"
    lexical, dense = index.rank(query), index.rank(query, mode="dense")
    points: dict[str, float] = {}
    for ranking in (lexical, dense):
        for rank, (id, _) in enumerate(ranking, 1):
            points[id] = points.get(id, 0.0) + 1 / (60 + rank)
    assert dict(index.rank(query, mode="hybrid")) == pytest.approx(points)
    assert index.rank(query, 1, mode="hybrid") == index.rank(query, mode="hybrid")[:1]
    only_words = index.rank(query, mode="hybrid", fusion="minmax", weight=0)
    assert [id for id, _ in lexical] == ["el3", "el1"]
    assert [id for id, score in only_words if score > 0] == ["el3"]  # the last one's score is the least, 0
    by_vectors = index.rank(query, mode="hybrid", fusion="zscore", weight=1)
    assert [id for id, _ in by_vectors] == [id for id, _ in dense]


def test_a_cross_encoder_has_the_last_word(index: Index) -> None:
    by_length = [id for id, _ in sorted(DOCUMENTS, key=lambda each: len(each[1]))]
    found = index.rank("mousakas", mode="dense", rerank="toy_encoder:score")
    assert [id for id, _ in found] == by_length
    assert index.rank("mousakas", 2, mode="dense", rerank="toy_encoder:score") == found[:2]
    best = [id for id, _ in index.rank("mousakas", 2, mode="dense")]
    short = index.rank("mousakas", 1, mode="dense", rerank="toy_encoder:score", depth=2)
    assert [id for id, _ in short] == [id for id in by_length if id in best][:1]
    assert {id for id, _ in index.rank("mousakas", rerank="toy_encoder:score")} == {"el1", "el3"}


def test_lexical_search_is_as_without_an_encoder(index: Index, tmp_path: Path) -> None:
    with Index.create(tmp_path / "plain", ["el"]) as plain:
        plain.add(DOCUMENTS)
        plain.commit()
        for query in ("mousakas metro", "Μουσακάς"):
            assert index.rank(query) == plain.rank(query) == index.rank(query, mode="lexical", depth=5)
        assert not (plain.path / store.VECTORS).exists()


def test_no_word_finds_nothing(index: Index) -> None:
    for mode in ("dense", "hybrid"):
        assert index.rank("?! 🙂", mode=mode) == []


def test_an_empty_index_and_one_of_several_fields(path: Path) -> None:
    with Index.create(path, ["el"], {"title": 1.0, "body": 1.0}, encoder=SPEC) as index:
        assert index.rank("mousakas", mode="dense") == []
        assert index.rank("mousakas", mode="hybrid") == [] == toy_encoder.asked
        index.add([{"id": "1", "title": "Αθήνα", "body": "Το μετρό"}])
        index.commit()
        assert [id for id, _ in index.rank("metro", mode="dense")] == ["1"]
        assert toy_encoder.asked[0] == "Αθήνα\nΤο μετρό"


def test_another_encoder_for_queries(index: Index) -> None:
    assert index.rank("mousakas", mode="dense", queries="toy_encoder:encode", deromanize=False)
    with pytest.raises(EncoderError, match="dimension 32; expected are 64"):
        index.rank("mousakas", mode="dense", queries="toy_encoder:other")


@pytest.mark.parametrize(
    ("mode", "options", "message"),
    [
        ("words", {}, "mode: 'words' came; accepted are lexical, dense, hybrid"),
        (["dense"], {}, r"mode: \['dense'\] came; accepted are lexical"),
        ("hybrid", {"fusion": []}, r"fusion: \[\] came; accepted are rrf"),
        ("dense", {"readings": 0}, "readings: 0 came"),
        ("dense", {"depth": True}, "depth: True came"),
        ("dense", {"deromanize": "no"}, "accepted are True and False"),
        ("hybrid", {"fusion": "sum"}, "accepted are rrf, minmax, zscore"),
        ("hybrid", {"weight": float("nan")}, "numbers from 0 to 1"),
        ("hybrid", {"weight": 2}, "numbers from 0 to 1"),
    ],
)
def test_modes_and_options_are_checked(index: Index, mode: Any, options: Any, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        index.rank("mousakas", 10, mode, **options)
    with pytest.raises(QueryError, match="k: 0 came"):
        index.rank("mousakas", 0, mode="dense")


def test_an_encoder_is_one_or_names_one(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="encoder: int came; accepted are encoders and specs"):
        Index.create(tmp_path / "index", encoder=5)  # type: ignore[arg-type]
    assert not (tmp_path / "index").exists()


def test_options_are_read_from_text() -> None:
    assert Mode.parse("mode=hybrid&readings=3&deromanize=no&weight=.25&rerank=st:a/b") == (
        "hybrid",
        {"readings": 3, "deromanize": False, "weight": 0.25, "rerank": "st:a/b"},
    )
    for wrong in ("modes=dense", "mode=dense&mode=dense", "readings=many", "deromanize=maybe", "mode=x"):
        with pytest.raises(QueryError, match="accepted are"):
            Mode.parse(wrong)


# ---- which encoder


def test_without_an_encoder_there_are_no_vectors(path: Path) -> None:
    with Index.create(path, ["el"]) as index:
        index.add(DOCUMENTS)
        index.commit()
        with pytest.raises(EncoderError, match="this index has no encoder"):
            index.rank("mousakas", mode="hybrid")
    with pytest.raises(EncoderError, match=f"encoder {SPEC} came; the index has none"):
        Index.open(path, encoder=SPEC)


def test_an_index_keeps_its_encoder(index: Index, path: Path) -> None:
    assert index.encoder == SPEC
    assert Index.open(path, encoder=SPEC).rank("metro", mode="dense") == index.rank("metro", mode="dense")
    with pytest.raises(EncoderError, match="toy_encoder:other came; the index has toy_encoder:encode"):
        Index.open(path, encoder="toy_encoder:other")


def test_an_encoder_is_named_by_a_spec(path: Path) -> None:
    with pytest.raises(EncoderError, match=r"'bge-m3': unknown; accepted are"):
        Index.create(path, encoder="bge-m3")
    with pytest.raises(EncoderError, match="valid Unicode"):
        Index.create(path, encoder="st:m\udcff")
    assert not path.exists()


class Counting:
    """An encoder as an object."""

    name = SPEC
    dimension = toy_encoder.DIMENSION

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = toy_encoder.encode(texts).astype(np.float32)
        return vectors

    encode_documents = encode_queries


def test_an_object_is_an_encoder(path: Path) -> None:
    with Index.create(path, ["el"], encoder=Counting()) as index:
        index.add(DOCUMENTS)
        index.commit()
        expected = index.rank("mousakas", mode="dense")
    with Index.open(path) as index:  # which loads what the object's name names
        assert index.rank("mousakas", mode="dense") == expected


def test_an_encoder_that_cannot_be_loaded_keeps_documents_waiting(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Index.create(path, ["el"], encoder="toy_encoder:missing") as index:
        index.add(DOCUMENTS)
        with pytest.raises(EncoderError, match="missing"):
            index.commit()
        assert len(index) == 0
        monkeypatch.setattr(toy_encoder, "missing", toy_encoder.encode, raising=False)
        index.commit()
        assert len(index.rank("mousakas", mode="dense")) == 4


def test_an_encoder_that_fails_loses_no_document(path: Path) -> None:
    with Index.create(path, ["el"], encoder="toy_encoder:nan") as index:
        index.add(DOCUMENTS)
        with pytest.raises(EncoderError, match="gave NaN or infinite numbers for the text") as error:
            index.commit()
        assert "that is document 'el3'" in error.value.__notes__[0]
        assert "the documents are committed" in error.value.__notes__[1]
        assert len(index) == 4 and index.rank("mousakas")
        assert not list(path.glob(f"{store.VECTORS}*"))


@pytest.mark.parametrize("error", [EncoderError("the credit is used up"), KeyboardInterrupt()])
def test_what_was_encoded_before_a_failure_is_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(vectors, "CHUNK", 10)
    documents = [(f"d{number}", f"δρόμος {number}") for number in range(50)]

    class Failing(Counting):
        asked = 0

        def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if Failing.asked >= 30:
                raise error
            Failing.asked += len(texts)
            return self.encode_queries(texts)

    with Index.create(path, ["el"], encoder=Failing()) as index:
        index.add(documents)
        with pytest.raises(type(error)):
            index.commit()
        assert len(index) == 50 and index.rank("δρόμος")
        with pytest.raises(type(error)):
            index.rank("δρόμος 3", mode="dense")
    toy_encoder.asked.clear()
    with Index.open(path) as index:
        found = index.rank("δρόμος 3", 50, mode="dense")
        assert dict(found) == pytest.approx(dict(cosines("δρόμος 3", documents)), abs=1e-6)
        assert len(toy_encoder.asked) == 1 + 20 + 1 + 51  # one to compare, the others, the query, `cosines`
        index.verify()


def test_a_document_without_a_usable_vector_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = toy_encoder.encode
    monkeypatch.setattr(
        toy_encoder, "encode", lambda texts: before(texts) * [[float("μετρό" not in each)] for each in texts]
    )
    with Index.create(path, ["el"], encoder=SPEC) as index:
        index.add(DOCUMENTS)
        with pytest.raises(EncoderError, match="a vector of zeros for the text 'Το μετρό της") as error:
            index.commit()
        assert "document 'el2'; once it is changed or deleted, the others" in error.value.__notes__[0]
        index.delete("el2")
        index.commit()
        assert len(index.rank("μουσακάς", mode="dense")) == 3


def test_what_failed_is_tried_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Index.create(path, ["el"], encoder=SPEC) as index:
        index.add(DOCUMENTS[:2])
        index.commit()
        index.add(DOCUMENTS[2:])
        monkeypatch.setenv("BROKEN_ENCODER", "1")
        with pytest.raises(EncoderError, match="the model is gone"):
            index.commit()
        monkeypatch.delenv("BROKEN_ENCODER")
        index.commit()
        assert index.rank("μουσακάς", mode="dense") == approximately(cosines("μουσακάς"))


@pytest.mark.parametrize(
    ("change", "differ"),
    [
        (lambda vectors: vectors[:, :32], "32 numbers, 64 there"),
        (lambda vectors: vectors[:, ::-1], r"cosine 0\.\d\d"),
    ],
)
def test_a_changed_encoder_is_refused_until_all_is_encoded_again(
    index: Index, monkeypatch: pytest.MonkeyPatch, change: Any, differ: str
) -> None:
    index.close()
    before = toy_encoder.encode
    monkeypatch.setattr(toy_encoder, "encode", lambda texts: change(before(texts)))  # a model trained on
    message = rf"has changed since .*: 'el\d' has another vector now \({differ}\); delete .*vectors\.bin"
    with Index.open(index.path) as changed:
        with pytest.raises(EncoderError, match=message):
            changed.rank("mousakas", mode="dense")
        changed.add([("new", "μετρό")])
        with pytest.raises(EncoderError, match=message):
            changed.commit()
        (index.path / store.VECTORS).unlink()
        found = changed.rank("μετρό", mode="dense")
        assert len(found) == 5 and found[0][0] == "new" and found[0][1] == pytest.approx(1)


def test_whether_an_encoder_has_changed_is_asked_once(index: Index, path: Path) -> None:
    with Index.open(path) as reader:
        toy_encoder.asked.clear()
        reader.rank("μετρό", mode="dense", queries=Counting())
        assert toy_encoder.asked == ["μετρό"]  # the index's own is not needed
        toy_encoder.asked.clear()
        for _ in range(3):
            reader.rank("μετρό", mode="dense")
        assert toy_encoder.asked == [DOCUMENTS[1][1], *["μετρό"] * 3]  # the shortest document
        index.add([("new", "Το μουσείο")])
        index.commit()
        reader.refresh()
        toy_encoder.asked.clear()
        reader.rank("μετρό", mode="dense")
        assert toy_encoder.asked == ["μετρό"]


# ---- which commit


def test_only_what_is_new_is_encoded(index: Index, path: Path) -> None:
    assert toy_encoder.asked == [words for _, words in sorted(DOCUMENTS, key=lambda each: -len(each[1]))]
    toy_encoder.asked.clear()
    index.add([("el2", "Το μετρό της Θεσσαλονίκης"), ("el1", DOCUMENTS[0][1]), ("el5", "Ο μουσακάς")])
    index.delete("el4")
    index.commit()
    assert set(toy_encoder.asked) == {"Το μετρό της Θεσσαλονίκης", "Ο μουσακάς"}
    after = [DOCUMENTS[0], ("el2", "Το μετρό της Θεσσαλονίκης"), DOCUMENTS[2], ("el5", "Ο μουσακάς")]
    assert index.rank("μετρό", mode="dense") == approximately(cosines("μετρό", after))
    with Index.open(path) as reader:
        assert reader.rank("μετρό", mode="dense") == approximately(cosines("μετρό", after))
    index.delete([id for id, _ in after])
    index.commit()
    assert index.rank("μετρό", mode="dense") == []


@pytest.mark.parametrize("damage", ["missing", "cut", "header", "numbers", "ids", "empty"])
def test_lost_or_damaged_vectors_are_made_again(index: Index, path: Path, damage: str) -> None:
    expected = index.rank("μετρό", mode="dense")
    index.close()
    file = path / store.VECTORS
    content = bytearray(file.read_bytes())
    if damage == "missing":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(content[:-100])
    elif damage == "empty":
        file.write_bytes(b"")
    else:
        at = {"header": 100, "numbers": vectors.HEADER + 5, "ids": -1 - (-len(content) % 64)}
        content[at[damage]] ^= 1
        file.write_bytes(content)
    if damage != "missing":
        with (
            Index.open(path) as index,
            pytest.raises(IndexFormatError, match=r"vectors\.bin is damaged; the"),
        ):
            index.verify()
    toy_encoder.asked.clear()
    with Index.open(path) as index:
        assert index.rank("μετρό", mode="dense") == expected
        assert len(toy_encoder.asked) == 5
    with Index.open(path) as index:
        index.verify()


def test_a_reader_uses_what_there_is_while_another_writes(index: Index, path: Path) -> None:
    held = Index.open(path)
    before = held.rank("μετρό", mode="dense")
    index.add([("el2", "Τίποτα"), ("el5", "Ο μουσακάς")])
    index.delete("el4")
    file = path / store.VECTORS
    kept = file.read_bytes()
    index.commit()
    newer = file.read_bytes()
    # A reader of the older commit, and newer vectors: el2 has changed there, el4 is gone.
    with Index.open(path) as late:
        file.write_bytes(kept)
        same = {id: score for id, score in before if id in ("el1", "el3")}
        with pytest.raises(IndexLockedError):
            late.add([("x", "y")])
        assert dict(late.rank("μετρό", mode="dense")) == pytest.approx(same)
        file.unlink()
        late.refresh()
        with pytest.raises(EncoderError, match=r"no vectors yet: .*another writer"):
            late.rank("μετρό", mode="dense")
        file.write_bytes(newer)
        late.refresh()
        assert {id for id, _ in late.rank("μετρό", mode="dense")} == {"el1", "el2", "el3", "el5"}
    assert held.rank("μετρό", mode="dense") == before  # its file is still mapped
    held.close()


def test_a_reader_of_an_older_commit_leaves_newer_vectors(index: Index, path: Path) -> None:
    late = Index.open(path)
    index.add([("el2", "Τίποτα"), ("el5", "Ο μουσακάς")])
    index.commit()
    index.close()
    newer = (path / store.VECTORS).read_bytes()
    assert {id for id, _ in late.rank("μετρό", mode="dense")} == {"el1", "el3", "el4"}
    assert (path / store.VECTORS).read_bytes() == newer
    (path / store.VECTORS).unlink()
    late._snapshot.__dict__.pop("vectors")
    with pytest.raises(EncoderError, match=r"no vectors yet: refresh\(\) sees a newer commit"):
        late.rank("μετρό", mode="dense")
    late.refresh()
    assert len(late.rank("μετρό", mode="dense")) == 5
    late.close()


def test_a_thread_that_writes_does_not_hold_up_searches(path: Path) -> None:
    with Index.create(path, ["el"], encoder=SPEC) as index:
        index.add(DOCUMENTS)
        index.commit()
        (path / store.VECTORS).unlink()
        index.refresh()
        reading, go_on = threading.Event(), threading.Event()

        def slow() -> Iterator[tuple[str, str]]:
            reading.set()
            go_on.wait(10)
            yield ("x", "y")

        index._snapshot.__dict__.pop("vectors", None)
        writer = threading.Thread(target=index.add, args=[slow()])
        writer.start()
        reading.wait(10)
        with pytest.raises(EncoderError, match="another thread is writing"):
            index.rank("μετρό", mode="dense")
        go_on.set()
        writer.join()
        assert index.rank("μετρό", mode="dense")


def test_a_models_folder_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    assert specs.located("st:model?batch=2") == f"st:{tmp_path}/model?batch=2"
    assert specs.located("st:BAAI/bge-m3") == "st:BAAI/bge-m3"


# ---- many vectors


def test_a_graph_finds_nearly_what_exact_search_does(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("usearch")
    monkeypatch.setattr(vectors, "EXACT", 2_000)
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(50, 48))
    points = centres[generator.integers(0, 50, 4_000)] + generator.normal(size=(4_000, 48))
    points[:, 0] *= 5  # a dimension that stands out
    by_text = {str(number): row for number, row in enumerate(points)}

    class Given:
        name, dimension = SPEC, 48

        def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return np.array([by_text[each] for each in texts], np.float32)

        encode_queries = encode_documents

    def contents(numbers: Sequence[int]) -> list[vectors.Content]:
        return [vectors.Content(str(number), vectors.digest(str(number))) for number in numbers]

    def made(numbers: Sequence[int]) -> Vectors:
        def texts(places: Sequence[int]) -> list[str]:
            return [str(numbers[place]) for place in places]

        vectors.catch_up(path, "stamp", contents(numbers), texts, Given(), SPEC)
        loaded = Vectors.load(path, SPEC)
        assert loaded is not None and len(loaded) == len(numbers)
        return loaded

    def recall(known: Vectors, numbers: Sequence[int]) -> float:
        rows = points[list(numbers)]
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        hits = 0
        for query in points[:50] + 0.1:
            query = (query / np.linalg.norm(query)).astype(np.float32)
            best = {str(numbers[at]) for at in np.argsort(-(rows @ query))[:10]}
            found = known.nearest(query, 10)
            assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
            hits += len(best & {content.id for content, _ in found})
        return hits / 500

    path = path.with_suffix(".bin")
    first = list(range(3_000))
    known = made(first)
    assert known.header.graph_bytes and recall(known, first) > 0.98
    later = [number for number in range(4_000) if number % 7]  # some go, some come
    known = made(later)
    assert recall(known, later) > 0.98
    content = path.read_bytes()
    for damage in (b"\0" * 1000, bytes(range(1, 251)) * 4):  # which usearch would follow into nowhere
        middle = known.header.graph_start + known.header.graph_bytes // 2
        path.write_bytes(content[:middle] + damage + content[middle + 1000 :])
        assert Vectors.load(path, SPEC) is None
    path.write_bytes(content)
    few = list(range(3_500, 4_000)) + list(range(1, 1_800))
    assert recall(made(few), few) > 0.98
    assert not made(list(range(100))).header.graph_bytes


# ---- kill -9

WRITER = """
import sys
from scriptbridge.index import Index

path, batch = sys.argv[1], int(sys.argv[2])
with Index.open(path) as index:
    count = len(index)
    while True:
        numbers = range(count, count + batch)
        index.add((f"d{number}", f"δρόμος {number}") for number in numbers)
        index.delete(f"d{count - 1}")
        index.add([(f"d{count - 1}", f"δρόμος {count - 1}")] if count else [])
        index.commit()
        count += batch
        print(count, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")
@pytest.mark.parametrize("batch", [10, 1500])
def test_kill_9_leaves_vectors_that_fit_their_documents(tmp_path: Path, batch: int) -> None:
    path = tmp_path / "index"
    Index.create(path, ["el"], encoder=SPEC).close()
    moments = random.Random(batch)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(batch)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as writer:
            assert writer.stdout is not None
            assert int(writer.stdout.readline())
            until = time.monotonic() + moments.uniform(0.0, 0.4)
            with Index.open(path) as reader:
                while time.monotonic() < until:
                    reader.refresh()
                    assert reader.rank("δρόμος 3", 1, mode="dense")[0][0] == "d3"
            writer.kill()
        with Index.open(path) as index:  # which catches up what the killed writer had not encoded
            count = len(index)
            found = index.rank("δρόμος 7", 10**6, mode="dense")
            assert {id for id, _ in found} == {f"d{number}" for number in range(count)}
            documents = [(f"d{number}", f"δρόμος {number}") for number in range(count)]
            assert dict(found) == pytest.approx(dict(cosines("δρόμος 7", documents)), abs=1e-5)
            index.verify()
            assert not [file for file in path.iterdir() if file.name.endswith(".partial")]


# ---- real models, tiny ones


def test_sentence_transformers_encode_an_index(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    import tiny_models

    model, cross = tiny_models.dense(tmp_path / "models"), tiny_models.cross(tmp_path / "models")
    with Index.create(path, ["el"], encoder=f"st:{model}") as index:
        index.add(DOCUMENTS)
        index.commit()
        for mode in ("dense", "hybrid"):
            assert len(index.rank("mousakas", mode=mode, rerank=f"st:{cross}")) == 4
        expected = index.rank("Μουσακάς", mode="dense")
    with Index.open(path) as index:
        assert index.rank("Μουσακάς", mode="dense") == approximately(expected)


def test_words_are_searched_without_torch_or_usearch(path: Path) -> None:
    Index.create(path, ["el"], encoder=SPEC).close()
    code = (
        "import sys, scriptbridge as sb\n"
        f"with sb.Index.open({str(path)!r}) as index: index.rank('mousakas')\n"
        "print(sorted({'torch', 'usearch', 'sentence_transformers', 'httpx'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_texts_differ_where_digests_do() -> None:
    assert vectors.digest("a") != vectors.digest("b")
    assert len(vectors.digest(text.normalize("α"))) == 16
