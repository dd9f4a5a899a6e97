import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scriptbridge.errors import GapError, TrainingError
from scriptbridge.train import data
from scriptbridge.train.data import Examples, Query

WORDS = (
    "θάλασσα",
    "βουνό",
    "ποταμός",
    "πόλη",
    "χωριό",
    "δρόμος",
    "γέφυρα",
    "νησί",
    "λίμνη",
    "δάσος",
    "κάστρο",
    "λιμάνι",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve Greek documents, each with two questions, one of which has a given Latin form."""
    folder = tmp_path / "el.towns"
    folder.mkdir()
    documents = [
        {"id": f"d{i}", "text": f"Η {word} είναι κοντά και {word} λέγεται"} for i, word in enumerate(WORDS)
    ]
    native = [{"id": f"q{i}{n}", "text": f"πού είναι {word}"} for i, word in enumerate(WORDS) for n in "ab"]
    _lines(folder / "docs.jsonl", documents)
    _lines(folder / "queries.native.jsonl", native)
    qrels = [f"{query['id']}\t{'d' + query['id'][1:-1]}\t1" for query in native]
    (folder / "qrels.tsv").write_text("\n".join(qrels) + "\n", encoding="utf-8")
    return folder


def _lines(path: Path, records: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")


def _given(folder: Path) -> None:
    native = [json.loads(line) for line in (folder / "queries.native.jsonl").open(encoding="utf-8")]
    _lines(folder / "queries.latin.jsonl", [{"id": q["id"], "text": f"pou einai {q['id']}"} for q in native])


def test_queries_come_with_each_authors_wordings_in_turn(folder: Path) -> None:
    _given(folder)
    examples = data.load(folder, ["given", "channel:2", "channel:2+typos=1"], seed=3)
    assert len(examples.documents) == 12 and len(examples.queries) == 24
    query = examples.queries[0]
    assert query.native == "πού είναι θάλασσα" and query.positives == ("d0",) and not query.negatives
    assert query.latin[0] == "pou einai q0a" and 3 <= len(query.latin) <= 5
    assert all(wording.isascii() for wording in query.latin)
    assert len(set(query.latin)) == len(query.latin)


def test_the_same_seed_gives_the_same_examples_and_fingerprint(folder: Path) -> None:
    once, again = (data.load(folder, ["channel:3"], seed=1) for _ in range(2))
    assert once == again and once.fingerprint == again.fingerprint and len(once.fingerprint) == 64
    assert data.load(folder, ["channel:3"], seed=2).fingerprint != once.fingerprint


@pytest.mark.parametrize("field", ["id", "native", "latin", "positives", "negatives"])
def test_the_fingerprint_tells_every_part(field: str) -> None:
    query = Query("q", "νησί", ("nisi",), ("d",), ())
    change: dict[str, Any] = {field: "x" if field in ("id", "native") else ("e",)}
    other = replace(query, **change)
    documents = {"d": "a", "e": "b"}
    prints = [
        Examples(documents, (query,)).fingerprint,
        Examples(documents, (other,)).fingerprint,
        Examples({"d": "a", "e": "c"}, (query,)).fingerprint,
        Examples(documents, (query, query)).fingerprint,
    ]
    assert len(set(prints)) == 4


def test_without_authors_there_are_native_queries_only(folder: Path) -> None:
    _given(folder)
    assert not any(query.latin for query in data.load(folder, []).queries)


def test_a_set_without_latin_queries_has_no_given_ones(folder: Path) -> None:
    with pytest.raises(TrainingError, match="no Latin queries are given"):
        data.load(folder, ["given"])


def test_latin_queries_alone_are_given_ones(folder: Path) -> None:
    _given(folder)
    (folder / "queries.native.jsonl").unlink()
    examples = data.load(folder, ["given"])
    assert examples.queries[0] == Query("q0a", "", ("pou einai q0a",), ("d0",))
    with pytest.raises(TrainingError, match="author 'given'"):
        data.load(folder, ["uroman"])


def test_unknown_authors_and_missing_collections_are_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(GapError, match="no such author"):
        data.load(folder, ["nobody"])
    with pytest.raises(GapError):
        data.load(tmp_path / "nowhere", [])
    with pytest.raises(TrainingError, match="split"):
        data.load(folder, [], split="all")


def _examples(documents: int, queries: int) -> Examples:
    return Examples(
        {f"d{i}": f"text {i}" for i in range(documents)},
        tuple(Query(f"q{i}", f"query {i}", (), (f"d{i % documents}",)) for i in range(queries)),
    )


def test_documents_and_their_questions_stay_together() -> None:
    examples = _examples(500, 2000)
    parts = data.split(examples, (0.7, 0.1, 0.2))
    assert list(parts) == list(data.PARTS)
    everything = Counter(id for part in parts.values() for id in part.documents)
    assert everything == Counter(list(examples.documents))
    assert sum(len(part.queries) for part in parts.values()) == 2000
    for part in parts.values():
        assert all(id in part.documents for query in part.queries for id in query.positives)
    assert 0.6 < len(parts["train"].documents) / 500 < 0.8


def test_where_a_document_goes_does_not_depend_on_the_others() -> None:
    examples = _examples(300, 600)
    shuffled = list(examples.documents.items())
    random.Random(1).shuffle(shuffled)
    fewer = Examples(
        dict(shuffled[:150]), tuple(q for q in examples.queries if q.positives[0] in dict(shuffled[:150]))
    )
    whole, part = data.split(examples), data.split(fewer)
    for name in data.PARTS:
        assert set(part[name].documents) == set(whole[name].documents) & set(fewer.documents)
    assert data.split(examples, seed=1)["test"].documents != whole["test"].documents


def test_a_query_of_several_parts_goes_with_one() -> None:
    documents = {f"d{i}": "text" for i in range(200)}
    queries = [Query(f"q{i}", "x", (), (f"d{i}",)) for i in range(200)]
    parts = data.split(Examples(documents, (*queries, Query("all", "x", (), tuple(documents), ()))))
    (found,) = [(name, q) for name, part in parts.items() for q in part.queries if q.id == "all"]
    assert set(found[1].positives) == set(parts[found[0]].documents)


def test_parts_without_queries_and_wrong_fractions_are_told() -> None:
    with pytest.raises(TrainingError, match="too few"):
        data.split(_examples(2, 2))
    for fractions in ((0.5, 0.5), (0.5, 0.1, 0.1), (1.2, -0.1, -0.1)):
        with pytest.raises(TrainingError, match="fractions"):
            data.split(_examples(9, 9), fractions)
    parts = data.split(_examples(50, 50), (0.5, 0.5, 0))
    assert not parts["test"].documents and not parts["test"].queries


def test_a_part_is_loaded_alone_and_whatever_the_seed(folder: Path) -> None:
    fractions = (0.5, 0.0, 0.5)
    loaded = [data.load(folder, ["channel"], seed, split="train", fractions=fractions) for seed in (0, 1)]
    assert loaded[0].documents == loaded[1].documents and 0 < len(loaded[0].documents) < 12
    assert loaded[0].queries != loaded[1].queries  # the wordings


def _hard() -> Examples:
    documents = {
        "own": "λίμνη λίμνη δάσος",
        "twin": "λίμνη λίμνη δάσος",
        "near": "λίμνη στην πόλη",
        "far": "βουνό",
        **{f"other{i}": f"άσχετο κείμενο {i}" for i in range(20)},
    }
    return Examples(documents, (Query("q", "λίμνη δάσος", ("limni dasos",), ("own",)),))


def test_passages_of_documents_are_queries_for_them(folder: Path) -> None:
    examples = data.load(folder, ["channel:1"], seed=3, spans=2)
    cut = [query for query in examples.queries if "#" in query.id]
    assert len(examples.queries) == 24 + 24 and len(cut) == 24
    for query in cut:
        (document,) = query.positives
        assert query.native in examples.documents[document] and query.latin
        assert len(query.native.split()) >= 3
    assert data.load(folder, ["channel:1"], seed=3, spans=2).fingerprint == examples.fingerprint
    assert data.load(folder, ["channel:1"], seed=4, spans=2).fingerprint != examples.fingerprint


def test_passages_of_a_part_are_of_its_documents(folder: Path) -> None:
    fractions = (0.5, 0.0, 0.5)
    examples = data.load(folder, (), split="train", fractions=fractions, spans=1)
    assert {query.positives[0] for query in examples.queries if "#" in query.id} == set(examples.documents)


def test_passages_alone_are_enough(folder: Path) -> None:
    _given(folder)
    (folder / "queries.native.jsonl").unlink()
    with pytest.raises(TrainingError, match="no queries to train on"):
        data.load(folder, ["channel:1"])
    assert len(data.load(folder, ["channel:1"], spans=3).queries) == 36


def test_texts_are_documents_and_native_queries(folder: Path, tmp_path: Path) -> None:
    assert len(data.texts(folder)) == 12 + 24
    (tmp_path / "queries.txt").write_text("θάλασσα\nβουνό\n", encoding="utf-8")
    assert data.texts(tmp_path / "queries.txt") == ["θάλασσα", "βουνό"]


def test_negatives_share_words_but_score_below_the_margin() -> None:
    (query,) = data.hard_negatives(_hard(), 5).queries
    assert query.negatives == ("near",)  # twin scores as the positive does, far and other share no word
    (loose,) = data.hard_negatives(_hard(), 5, margin=1.0).queries
    assert loose.negatives == ("twin", "near")
    assert data.hard_negatives(_hard(), 5) == data.hard_negatives(_hard(), 5)


def test_given_negatives_stay_and_queries_without_words_get_none() -> None:
    given = Query("g", "λίμνη δάσος", (), ("own",), ("far",))
    latin = Query("l", "", ("limni",), ("own",))
    lost = Query("x", "βουνό", (), ("near",))  # its positive has none of its words
    found = data.hard_negatives(replace(_hard(), queries=(given, latin, lost)), 3).queries
    assert [query.negatives for query in found] == [("far",), (), ()]


def test_negatives_that_cannot_be_looked_for_are_told() -> None:
    with pytest.raises(TrainingError, match="n 0"):
        data.hard_negatives(_hard(), 0)
    with pytest.raises(TrainingError, match="native"):
        data.hard_negatives(replace(_hard(), queries=(Query("l", "", ("limni",), ("own",)),)), 3)


def test_queries_alone_come_from_files_of_lines_and_of_queries(tmp_path: Path) -> None:
    lines = tmp_path / "asked.txt"
    lines.write_text("πού είναι το νησί\n\nπού είναι η λίμνη\n", encoding="utf-8")
    examples = data.load_queries(lines, ["channel:2"], language="el")
    assert not examples.documents and [query.id for query in examples.queries] == ["asked-1", "asked-3"]
    assert all(query.latin and not query.positives for query in examples.queries)
    _lines(tmp_path / "asked.jsonl", [{"id": "7", "text": "νησί"}])
    assert data.load_queries(tmp_path / "asked.jsonl", []).queries == (Query("7", "νησί"),)


def test_files_without_queries_are_told(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n", encoding="utf-8")
    (tmp_path / "broken.txt").write_bytes(b"\xff\xfe\xff")
    for name in ("empty.txt", "broken.txt", "missing.txt", "missing.jsonl"):
        with pytest.raises(TrainingError, match=name):
            data.load_queries(tmp_path / name, [])
