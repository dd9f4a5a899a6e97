"""The systems that can be measured: what each finds, and what is said of one that cannot be used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import tiny_models
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from scriptbridge import encoders
from scriptbridge.errors import EncoderError, GapError, MissingExtraError
from scriptbridge.gap import systems
from scriptbridge.gap.baselines import MOST_EXPANSIONS, FoldedIndex, NearestTerms, auto_distance, fold
from scriptbridge.gap.endpoint import Endpoint
from scriptbridge.gap.records import Collection, Ranking, Reader, System
from scriptbridge.gap.systems import RunFiles, prepare, printable
from scriptbridge.index import Index
from scriptbridge.vectors import largest

DOCUMENTS = {
    "g1": "Πώς φτιάχνεται ο μουσακάς με μελιτζάνες",
    "g2": "Το ιστορικό κέντρο της Αθήνας",
    "g3": "Οι μελιτζάνες του κήπου",
    "h1": "भारत की राजधानी दिल्ली है",
    "h2": "दिल्ली का पुराना किला",
    "h3": "समोसा कैसे बनता है",
}
COLLECTION = Collection(
    "two languages", DOCUMENTS, {id: {"g": "el", "h": "hi"}[id[0]] for id in DOCUMENTS}, ()
)


def system(spec: str, collection: Collection, folder: Path) -> System | RunFiles:
    return prepare(spec).open(collection, folder)


def ready(spec: str, folder: Path, collection: Collection = COLLECTION) -> System:
    found = system(spec, collection, folder)
    assert not isinstance(found, RunFiles)
    return found


def ids(ranking: Ranking) -> list[str]:
    return [id for id, _ in ranking]


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Writes engine.py into the current directory, from which it can be imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    sys.modules.pop("engine", None)

    def write(source: str) -> None:
        (tmp_path / "engine.py").write_text(source, "utf-8")

    yield write
    sys.modules.pop("engine", None)


# ---- what they find

FOUND = [
    ("scriptbridge", "mousakas", "g1"),
    ("scriptbridge", "μουσακάς", "g1"),
    ("scriptbridge", "samosa", "h3"),
    ("bm25", "μουσακάς", "g1"),
    ("bm25", "samosa", None),
    ("fold", "samosa", "h3"),
    ("fold", "समोसा", "h3"),
    ("fold", "smosa", None),
    ("fold+fuzzy", "smosa", "h3"),
    ("fold+fuzzy", "mousakaas", "g1"),
]


@pytest.mark.parametrize(("spec", "query", "first"), FOUND)
def test_what_the_ready_made_systems_find(tmp_path: Path, spec: str, query: str, first: str | None) -> None:
    if "fold" in spec:
        pytest.importorskip("icu")
        pytest.importorskip("rapidfuzz")
    found = ready(spec, tmp_path)
    assert found.name == spec
    assert ids(found.search(query, 10))[:1] == ([] if first is None else [first])
    assert any("ICU" in note for note in found.notes) == ("fold" in spec)
    found.close()


@pytest.mark.parametrize("spec", ["scriptbridge", "bm25", "fold", "fold+fuzzy"])
def test_at_most_k_best_first(tmp_path: Path, spec: str) -> None:
    documents = dict.fromkeys("dbca", "समोसा") | {"twice": "समोसा समोसा", "none": "किला"}
    found = ready(spec, tmp_path, Collection("ties", documents, {}, ()))
    hits = found.search("समोसा", 10)
    assert ids(hits)[0] == "twice" and sorted(ids(hits)[1:]) == ["a", "b", "c", "d"]
    assert [score for _, score in hits] == sorted((score for _, score in hits), reverse=True)
    assert len(found.search("समोसा", 2)) == 2
    assert found.search("?! ", 10) == []
    found.close()


def test_scriptbridge_tells_its_readings_and_leaves_empty_documents_out(tmp_path: Path) -> None:
    documents = DOCUMENTS | {"e": " ", "j": "東京の天気"}
    found = ready(
        "ours=scriptbridge",
        tmp_path,
        Collection("c", documents, dict(COLLECTION.languages) | {"j": "ja"}, ()),
    )
    assert found.name == "ours"
    assert isinstance(found, Reader)
    readings = found.readings("mousakas").positions[0].readings
    assert readings[0].term == "μουσακασ"
    assert ids(found.search("東京の天気", 10)) == ["j"]
    found.close()


# ---- fold + fuzzy


def distance(a: str, b: str) -> int:
    """Levenshtein's, by the book (Wagner & Fischer 1974)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


LETTERS = st.text("abo", min_size=1, max_size=8)


@given(st.lists(LETTERS, max_size=5), st.dictionaries(LETTERS, st.integers(1, 9), max_size=80))
def test_nearest_terms_are_those_of_the_definition(words: list[str], terms: dict[str, int]) -> None:
    pytest.importorskip("rapidfuzz")
    found = NearestTerms(terms.items())
    for word in words:
        near = sorted((distance(word, term), -df, term) for term, df in terms.items())
        near = [each for each in near if each[0] <= auto_distance(word)][:MOST_EXPANSIONS]
        assert found.of(word) == [(term, 1 / (1 + far)) for far, _, term in near]


def test_fold_fuzzy_ranks_by_the_best_of_the_nearest_terms(tmp_path: Path) -> None:
    pytest.importorskip("icu")
    pytest.importorskip("rapidfuzz")
    found = ready("fold+fuzzy", tmp_path)
    index = FoldedIndex(DOCUMENTS.items())
    for query in ("dili ka purana kila", "melitzanes tou kipou", "delhi", "bharat ki rajdhani"):
        nearest = NearestTerms(index.terms())
        oracle = index.rank_expanded([nearest.of(word) for word in fold(query)], 100)
        assert found.search(query, 100) == sorted(oracle, key=lambda hit: (-hit[1], hit[0]))
    assert found.search("dili", 10)
    found.close()


# ---- an index on disk


def on_disk(path: Path, documents: dict[str, str]) -> None:
    with Index.create(path) as index:
        index.add(documents.items())
        index.commit()


def test_an_index_on_disk_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    on_disk(tmp_path / "my-index", DOCUMENTS)
    before = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "my-index").iterdir()}
    found = ready(str(tmp_path / "my-index"), tmp_path)
    assert found.name == "my-index"
    assert found.notes == ()
    assert ids(found.search("mousakas", 10)) == ["g1"]
    found.close()
    assert before == {file.name: file.stat().st_mtime_ns for file in (tmp_path / "my-index").iterdir()}


def test_notes_say_how_an_index_differs_from_the_collection(tmp_path: Path) -> None:
    documents = dict(list(DOCUMENTS.items())[:4]) | {"other": "Ένα άλλο κείμενο"}
    on_disk(tmp_path / "ix", documents)
    found = ready(f"mine={tmp_path / 'ix'}", tmp_path)
    lacks, holds = found.notes
    assert found.name == "mine"
    assert "lacks 2 of the 6 documents of two languages" in lacks
    assert "holds 1 documents that two languages has not" in holds
    found.close()


def test_notes_are_of_the_commit_that_is_searched(tmp_path: Path) -> None:
    first = dict(list(DOCUMENTS.items())[:2])
    on_disk(tmp_path / "ix", first)
    with Index.open(tmp_path / "ix") as index, Index.open(tmp_path / "ix") as writer:
        writer.add(DOCUMENTS.items())
        writer.commit()
        (lacks,) = systems._compared(index, COLLECTION)
        assert "lacks 4 of the 6 documents" in lacks


def test_an_index_of_other_documents_and_a_folder_without_one(tmp_path: Path) -> None:
    on_disk(tmp_path / "ix", {"x": "Ένα άλλο κείμενο"})
    candidate = systems.prepare(str(tmp_path / "ix"))
    with pytest.raises(GapError, match=r"holds none of the 6 documents.*such as 'g1'"):
        candidate.check(COLLECTION)
    with pytest.raises(GapError, match="holds none of the 6 documents"):
        candidate.open(COLLECTION, tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(GapError, match="holds no scriptbridge index; accepted are"):
        ready(str(tmp_path / "empty"), tmp_path)


# ---- a Python function


def test_a_function_of_the_current_directory(tmp_path: Path, modules: Callable[[str], None]) -> None:
    modules(
        "import numpy as np\n"
        "def search(text, k):\n"
        "    yield 'a', np.float32(1)\n"
        "    yield 7, 3\n"
        "    yield ['b', 1.0]\n"
        "    yield 'a', 0.5\n"
        "class Engine:\n"
        "    def search(self, text, k, *, deep=False):\n"
        "        return [(text, k)]\n"
        "class holder:\n"
        "    engine = Engine()\n"
    )
    found = ready("engine:search", tmp_path)
    assert found.name == "engine:search"
    assert found.search("x", 10) == [("7", 3.0), ("b", 1.0), ("a", 1.0)]
    assert found.search("x", 2) == [("7", 3.0), ("b", 1.0)]
    found.close()
    assert ready("it=engine:holder.engine.search", tmp_path).search("x", 4) == [("x", 4.0)]


@pytest.mark.parametrize(
    "gives",
    [
        "None",
        "3",
        "'ab'",
        "{'a': 1.0}",
        "['ab']",
        "[('a',)]",
        "[('a', 1.0, 2)]",
        "[(None, 1.0)]",
        "[(1.5, 1.0)]",
        "[(True, 1.0)]",
        "[('a', '1')]",
        "[('a', None)]",
        "[('a', float('nan'))]",
        "[('a', float('inf'))]",
        "[{'id': 'a', 'score': 1.0}]",
    ],
)
def test_a_function_that_gives_no_pairs(tmp_path: Path, modules: Callable[[str], None], gives: str) -> None:
    modules(f"def search(text, k):\n    return {gives}\n")
    with pytest.raises(GapError, match=r"engine:search gave .*for the query 'मौसम'; accepted are"):
        ready("engine:search", tmp_path).search("मौसम", 10)


@pytest.mark.parametrize("how", ["raise KeyError('gone')", "yield 'a', 1.0; raise KeyError('gone')"])
def test_what_a_function_raises(tmp_path: Path, modules: Callable[[str], None], how: str) -> None:
    modules(f"def search(text, k):\n    {how}\n")
    with pytest.raises(
        GapError, match=r"engine:search raised KeyError: 'gone' \(query 'मौसम', k 9\)"
    ) as caught:
        ready("engine:search", tmp_path).search("मौसम", 9)
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize(
    ("source", "spec", "problem"),
    [
        ("", "engin:search", "no module 'engin' is installed, nor is it in "),
        ("", "engine.part:search", "no module 'engine.part'|'engine' is not a package"),
        (
            "import nothing_like_it",
            "engine:search",
            "importing engine failed: No module named 'nothing_like_it'",
        ),
        ("1 / 0", "engine:search", "importing engine failed: ZeroDivisionError"),
        ("def find(): pass", "engine:search", "there is no 'search'; there are find"),
        ("search = 3", "engine:search", r"3 cannot be called as search\(text, k\)"),
        ("def search(text): pass", "engine:search", "cannot be called"),
        ("async def search(text, k): pass", "engine:search", "cannot be called"),
        ("class search: pass", "engine:search", "cannot be called"),
    ],
)
def test_a_function_that_cannot_be_used(
    tmp_path: Path, modules: Callable[[str], None], source: str, spec: str, problem: str
) -> None:
    modules(source)
    with pytest.raises(GapError, match=problem):
        ready(spec, tmp_path)


@pytest.mark.parametrize("how", ["sys.exit()", "yield 'a', 1.0; sys.exit(0)"])
def test_a_function_that_exits(tmp_path: Path, modules: Callable[[str], None], how: str) -> None:
    modules(f"import sys\ndef search(text, k):\n    {how}\n")
    with pytest.raises(GapError, match="engine:search raised SystemExit"):
        ready("engine:search", tmp_path).search("μουσακάς", 9)


def test_a_module_that_exits(tmp_path: Path, modules: Callable[[str], None]) -> None:
    modules("import sys\nsys.exit(0)\n")
    with pytest.raises(GapError, match="importing engine failed: SystemExit: 0"):
        ready("engine:search", tmp_path)


def test_what_a_function_prints_goes_to_stderr(
    tmp_path: Path, modules: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    modules("print('one')\ndef search(text, k):\n    print('two')\n    yield 'a', 1.0\n    print('three')\n")
    assert ready("engine:search", tmp_path).search("x", 9) == [("a", 1.0)]
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "one\ntwo\nthree\n")


def test_a_generator_that_never_ends(tmp_path: Path, modules: Callable[[str], None]) -> None:
    modules("def search(text, k):\n    while True:\n        yield 'a', 1.0\n")
    with pytest.raises(GapError, match=r"engine:search gave more than 10,009 pairs .*; stop at the k best"):
        ready("engine:search", tmp_path).search("x", 9)
    modules("def search(text, k):\n    return [(str(n), -n) for n in range(20_000)]\n")
    sys.modules.pop("engine")
    assert ready("engine:search", tmp_path).search("x", 2) == [("0", 0.0), ("1", -1.0)]


ODD = """
class Odd(Exception):
    def __repr__(self):
        raise RuntimeError
    __str__ = __repr__
class Search(Odd):
    def __call__(self, text, k):
        if text == "raise":
            raise Odd
        return [(Odd(), 1.0)] if text == "pair" else Odd()
search, uncallable = Search(), Odd()
"""


def test_what_cannot_be_shown_is_named_by_its_type(tmp_path: Path, modules: Callable[[str], None]) -> None:
    modules(ODD)
    with pytest.raises(GapError, match=r"engine:uncallable: <Odd> cannot be called"):
        ready("engine:uncallable", tmp_path)
    found = ready("engine:search", tmp_path)
    for query, problem in (("raise", "raised Odd "), ("pair", "gave tuple <tuple>"), ("", "gave Odd <Odd>")):
        with pytest.raises(GapError, match=f"engine:search {problem}"):
            found.search(query, 9)


# ---- run files


def test_run_files(tmp_path: Path) -> None:
    (tmp_path / "n.run").write_text("q1 Q0 g1 1 2.5 x\nq1 Q0 g2 2 1.5 x\n")
    (tmp_path / "l.run").write_text("q1 Q0 g3 1 2.5 x\n")
    native, latin = str(tmp_path / "n.run"), str(tmp_path / "l.run")
    both = system(f"run:{native},{latin}", COLLECTION, tmp_path)
    assert isinstance(both, RunFiles)
    assert both.native is not None and ids(both.native["q1"]) == ["g1", "g2"]
    assert ids(both.latin["q1"]) == ["g3"]
    both.close()
    one = system(f"today=run:,{latin}", COLLECTION, tmp_path)
    assert isinstance(one, RunFiles)
    assert (one.name, one.native) == ("today", None)


@pytest.mark.parametrize(
    "spec", ["run:", "run:,", "run:a.run", "run:a.run,", "run:a,b,c", "run:,missing.run"]
)
def test_run_files_that_cannot_be_used(tmp_path: Path, spec: str) -> None:
    with pytest.raises(GapError):
        system(spec, COLLECTION, tmp_path)


# ---- specs


def test_names_urls_and_templates(tmp_path: Path) -> None:
    pytest.importorskip("httpx")
    plain = ready("http://me:pw@localhost:1/a?key=1&q={query}", tmp_path)
    assert isinstance(plain, Endpoint)
    assert plain.name == "http://localhost:1/a"
    assert ready("today=http://localhost:1/?q={query}&a=b", tmp_path).name == "today"
    (tmp_path / "engine.toml").write_text('url = "http://localhost:1/{query}"')
    assert ready(f"{tmp_path}/engine.toml", tmp_path).name == f"{tmp_path}/engine.toml"
    assert printable("http://me:pw@localhost:1/a?key=1&q={query}") == "http://localhost:1/a"
    assert printable("today=https://h/?q={query}&a=b") == "today=https://h/"
    assert printable("x=engine:search") == "x=engine:search"


@pytest.mark.parametrize("spec", ["", "bm26", "x=", "./nowhere", "a:b:c", "ftp://h/{query}", "1a:b", "st :x"])
def test_an_unknown_spec_is_told_what_is_accepted(tmp_path: Path, spec: str) -> None:
    with pytest.raises(GapError, match="unknown") as caught:
        system(spec, COLLECTION, tmp_path)
    for each in (
        "scriptbridge",
        "fold+fuzzy",
        "my_module:search",
        "{query}",
        ".toml",
        "run:",
        "st:",
        "NAME=",
    ):
        assert each in str(caught.value)


def test_a_url_without_a_place_for_the_query(tmp_path: Path) -> None:
    with pytest.raises(GapError, match=r"where does the query go\? Write \{query\}"):
        ready("http://localhost:9200/docs/_search", tmp_path)


# ---- dense


class Letters:
    """An encoder: a text is how often it has each of some letters; a query's d is nothing."""

    name, dimension, max_length = "letters", 4, 9

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.encode_documents([text.replace("d", "") for text in texts])

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        counts = np.array([[text.count(letter) for letter in "abcd"] for text in texts], np.float32)
        if not counts.any(axis=1).all():
            raise EncoderError("letters gave a vector of zeros")
        return np.asarray(counts / np.linalg.norm(counts, axis=1, keepdims=True), np.float32)


LETTERED = Collection("letters", {"3": "ab", "1": "aab", "2": "ab", "0": " ", "4": "cd"}, {}, ())


def test_dense_is_exact_cosine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "dense", lambda spec: Letters())
    found = ready("st:letters", tmp_path, LETTERED)
    assert found.notes == ("st:letters reads the first 9 tokens of a text",)
    hits = found.search("ddab", 10)
    assert ids(hits) == ["2", "3", "1", "4"]  # and no document without text
    assert [score for _, score in hits] == pytest.approx([1, 1, 3 / 10**0.5, 0], abs=1e-6)
    assert ids(found.search("c", 1)) == ["4"]
    with pytest.raises(EncoderError, match="zeros"):
        found.search("?", 10)
    found.close()


class Terms:
    """A sparse encoder whose terms are letters, weighed by how often they are there."""

    name, dimension, max_length = "terms", 26, None

    def encode_queries(self, texts: Sequence[str]) -> encoders.SparseRows:
        return self.encode_documents(texts)

    def encode_documents(self, texts: Sequence[str]) -> encoders.SparseRows:
        counts = np.array([[each.count(chr(97 + at)) for at in range(26)] for each in texts], np.float32)
        rows, columns = np.nonzero(counts)
        ends = np.searchsorted(rows, np.arange(len(texts) + 1))
        return encoders.SparseRows(ends, columns.astype(np.int32), counts[rows, columns], 26)


def test_sparse_is_the_exact_dot_product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def sparse(spec: str) -> Terms:
        asked.append(spec)
        return Terms()

    monkeypatch.setattr(encoders, "sparse", sparse)
    found = ready("sparse:some/splade", tmp_path, LETTERED)
    assert found.search("ddaab", 10) == [("1", 5.0), ("2", 3.0), ("3", 3.0), ("4", 2.0)]
    assert ids(found.search("aab", 2)) == ["1", "2"]
    assert ids(found.search("c", 9)) == ["4"]
    assert found.search("zz?", 9) == []  # where nothing is shared, nothing is found
    found.close()
    assert ready("mine=sparse:toy_encoder:encode", tmp_path, LETTERED).name == "mine"
    assert asked == ["st:some/splade", "toy_encoder:encode"]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(1, 40))
def test_the_largest_are_those_of_sorting(values: list[int], k: int) -> None:
    scores = np.array(values, np.float32)
    expected = sorted(range(len(values)), key=lambda at: (-values[at], at))[:k]
    assert largest(scores, k).tolist() == expected


def test_a_real_sentence_transformers_model(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="needs scriptbridge[neural]")
    found = ready(f"tiny=st:{tiny_models.dense(tmp_path)}?device=cpu", tmp_path)
    assert found.name == "tiny"
    for id, words in DOCUMENTS.items():
        first, score = found.search(words, 3)[0]
        assert first == id
        assert score == pytest.approx(1, abs=1e-5)
    found.close()


def test_a_real_sparse_encoder_is_searched(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="needs scriptbridge[neural]")
    from sentence_transformers import SparseEncoder

    model = tiny_models.sparse(tmp_path)
    found, itself = ready(f"sparse:{model}", tmp_path), SparseEncoder(str(model), device="cpu")
    for words in DOCUMENTS.values():
        scores = itself.similarity(
            itself.encode_query([words]), itself.encode_document(list(DOCUMENTS.values()))
        )
        wanted = dict(zip(DOCUMENTS, scores.to_dense()[0].tolist(), strict=True))
        assert dict(found.search(words, len(wanted))) == pytest.approx(wanted, rel=1e-4)
    found.close()


def test_without_its_package_a_model_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'scriptbridge\[neural\]'"):
        ready("st:x", tmp_path)


def test_an_index_is_searched_by_the_mode_that_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    collection = Collection("c", {"1": "Ο μουσακάς", "2": "Το μετρό"}, {}, ())
    with Index.create(path, ["el"], encoder="toy_encoder:encode") as index:
        index.add(collection.documents.items())
        index.commit()
        expected = {
            "": index.rank("mousakas"),
            "mode=dense": index.rank("mousakas", mode="dense"),
            "mode=dense&deromanize=no": index.rank("mousakas", mode="dense", deromanize=False),
            "mode=hybrid&readings=2": index.rank("mousakas", mode="hybrid", readings=2),
        }
    assert len({str(ranking) for ranking in expected.values()}) == 4
    identities = set()
    for options, ranking in expected.items():
        candidate = prepare(f"{path}?{options}" if options else str(path))
        assert candidate.name == ("mine" if not options else f"mine?{options}")
        system = candidate.open(collection, tmp_path)
        assert not isinstance(system, systems.RunFiles) and system.search("mousakas", 10) == ranking
        assert hasattr(system, "readings") == (options != "mode=dense&deromanize=no")
        system.close()
        identities.add(candidate.identity)
    assert len(identities) == 4
    with pytest.raises(GapError, match="mode: 'vector' came; accepted are lexical"):
        prepare(f"{path}?mode=vector")
    Index.create(tmp_path / "plain", ["el"]).close()
    with pytest.raises(GapError, match="this index has no encoder"):
        prepare(f"{tmp_path / 'plain'}?mode=dense")
