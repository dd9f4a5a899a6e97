"""Pairs of characters beside words: text whose words nothing marks is found however it was cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptbridge import bigrams, store, text
from scriptbridge.bridge import Bridge
from scriptbridge.gap.baselines import PlainIndex
from scriptbridge.index import Index
from scriptbridge.lexicon import Lexicon

DOCUMENTS = {
    "1": "北京大学在1898年建立，是中国第一所国立大学。",
    "2": "東京は日本の首都である。人口は約1,400万人。",
    "3": "서울은 대한민국의 수도이다. 학교에서 배운다.",
    "4": "ภาษาไทยเป็นภาษาที่มีวรรณยุกต์",
    "5": "The capital of Greece is Athens, 2010.",
}


def pairs(query: str) -> list[str]:
    each = bigrams.of_query(Bridge(Lexicon.from_terms({}), ["zh"]).expand(query))
    assert all(list(of_place.values()) == [bigrams.WEIGHT] for of_place in each)
    return [pair for of_place in each for pair in of_place]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("北京大学", ["北京", "京大", "大学"]),
        ("학교에서 2010년", ["학교", "교에", "에서", "20", "01", "10", "0년"]),
        ("iPhone手机 15", ["手机", "15"]),
        ("我 5", []),
        ("カード", ["カー", "ード"]),
        ("Αθήνα 2010", []),
        ("हिन्दी", []),
    ],
)
def test_pairs_of_a_text(value: str, found: list[str]) -> None:
    assert bigrams.of_text(value) == pairs(value) == found


@given(st.text("北京大学东京都の食べるカ々𠀀臺학교에서는 a1Ω,", max_size=20))
def test_a_query_and_a_document_have_the_same_pairs(value: str) -> None:
    assert sorted(pairs(value)) == sorted(bigrams.of_text(value))


def made(path: Path) -> Index:
    index = Index.create(path / "index")
    index.add(DOCUMENTS.items())
    index.commit()
    return index


@pytest.mark.parametrize("query", ["北京大学", "東京の人口", "서울의 학교", "วรรณยุกต์ในภาษา"])
def test_a_native_score_is_that_of_words_and_half_that_of_pairs(tmp_path: Path, query: str) -> None:
    words = PlainIndex((id, text.terms(value)) for id, value in DOCUMENTS.items())
    beside = PlainIndex((id, bigrams.of_text(value)) for id, value in DOCUMENTS.items())
    of_words, of_pairs = dict(words.rank(text.terms(query))), dict(beside.rank(bigrams.of_text(query)))
    with made(tmp_path) as index:
        assert dict(index.rank(query)) == pytest.approx(
            {
                id: of_words.get(id, 0.0) + bigrams.WEIGHT * of_pairs.get(id, 0.0)
                for id in {*of_words, *of_pairs}
            },
            rel=1e-5,
        )
        assert index.rank(query) == index.score(index.bridge.expand(query))


def test_words_read_in_latin_letters_bring_the_pairs_they_make() -> None:
    bridge = Bridge.from_terms({"北京": 30, "背景": 20, "大学": 9}, ["zh"], documents=1000)
    (pairs,) = bigrams.of_query(bridge.expand("beijing daxue"))
    weights = {reading.term: reading.weight for reading in bridge.expand("beijing").positions[0].readings}
    assert set(pairs) == {"京大", "景大"}
    assert pairs["京大"] == pytest.approx(bigrams.WEIGHT * weights["北京"], rel=0.01)
    assert bigrams.of_query(bridge.expand("beijing, daxue")) == []
    hindi = Bridge.from_terms({"नमस्ते": 3, "भारत": 2}, ["hi"], documents=100)
    assert bigrams.of_query(hindi.expand("namaste bharat")) == []


def test_words_side_by_side_are_found_first(tmp_path: Path) -> None:
    with Index.create(tmp_path / "index", languages=["zh"]) as index:
        index.add(
            [
                ("1", "大学在北京"),
                ("2", "北京大学"),
                ("3", "大学和北京"),
                *((str(n), "上海") for n in range(4, 30)),
            ]
        )
        index.commit()
        assert index.rank("beijing daxue")[0][0] == index.rank("beijingdaxue")[0][0] == "2"


def test_pairs_are_no_terms(tmp_path: Path) -> None:
    with made(tmp_path) as index:
        assert "大学" in index.bridge.lexicon
        assert "京大" not in index.bridge.lexicon


def test_an_index_without_pairs_is_read_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    complete = store.schema
    with monkeypatch.context() as patch:
        patch.setattr(store, "pairs_of", lambda name: "_none")
        patch.setattr(store, "schema", lambda fields: complete(list(fields)))
        patch.setattr(store, "keeps_pairs", lambda path, fields: False)
        made(tmp_path).close()
    with Index.open(tmp_path / "index") as index:
        index.add([("6", "北京大学很大")])
        index.commit()
        assert {hit.id for hit in index.search("大学")} == {"1", "6"}
