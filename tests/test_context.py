"""Completing a query's last word by the words before it: what is counted, and what that changes."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptbridge import Bridge, Index, context
from scriptbridge.context import MARKS, TRUST
from scriptbridge.types import Beside, Completion

GREEK = [
    *["καλημέρα κόσμε"] * 2,
    *["κομμωτήριο στην αθήνα"] * 5,
    *["κολύμπι στη θάλασσα"] * 5,
    "καλησπέρα κολύμπι",
    *["γεια"] * 40,
]


def indexed(path: Path, texts: list[str]) -> Index:
    with Index.create(path, languages=["el"]) as index:
        index.add((str(number), text) for number, text in enumerate(texts))
        index.commit()
    return Index.open(path)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return indexed(tmp_path_factory.mktemp("context") / "index", GREEK)


def terms(found: list[Completion]) -> list[str]:
    return [each.term for each in found]


@pytest.mark.parametrize("query", ["kalimera ko", "καλημέρα ko", "καλημέρα κο", "poly kalimera ko"])
def test_the_words_before_decide(index: Index, query: str) -> None:
    assert terms(index.complete("ko"))[-1] == "κόσμε"
    assert index.complete(query)[0].term == "κόσμε"
    assert (index.complete(query)[0].df, index.complete(query)[0].beside) == (2, 2)


def test_what_never_stood_beside_all_words_is_ranked_by_the_last_of_them(index: Index) -> None:
    found = {each.term: each.beside for each in index.complete("athina kalispera ko")}
    assert next(iter(found)) == "κολύμπι"
    assert set(found.values()) == {0}


@pytest.mark.parametrize("query", ["ko", "geia ko", "qqqq ko", "!? ko"])
def test_without_words_that_tell_terms_are_as_likely_as_frequent(index: Index, query: str) -> None:
    """The second word is common to most documents, the third means nothing."""
    found = index.complete(query)
    assert found == index.bridge.complete(query)
    assert found and all(each.beside is None for each in found)


def test_nothing_typed_and_nothing_meant(index: Index) -> None:
    assert index.complete("") == index.complete("kalimera xzxzxz") == []
    assert len(index.complete("kalimera ko", 2)) == 2
    assert index.complete("kalimera ko", 2) == index.complete("kalimera ko", 9)[:2]


def test_deleted_and_added_documents_count_once_committed(tmp_path: Path) -> None:
    with indexed(tmp_path / "index", GREEK) as index:
        index.delete(["0", "1"])
        index.add([("new", "καλημέρα κομμωτήριο")])
        index.commit()
        assert index.complete("kalimera ko")[0].term == "κομμωτήριο"
        assert index.complete("kalimera ko")[0].beside == 1


def test_a_word_may_stand_in_any_field(tmp_path: Path) -> None:
    with Index.create(tmp_path / "index", ["el"], {"title": 2.0, "text": 1.0}) as index:
        texts = ["κολύμπι κομμωτήριο"] * 5 + ["νερό"] * 25
        index.add({"id": str(n), "title": "γεια", "text": text} for n, text in enumerate(texts))
        index.add([{"id": "x", "title": "καλημέρα", "text": "κόσμε"}])
        index.commit()
        assert index.complete("kalimera ko")[0].term == "κόσμε"
        assert index.complete("kalimera ko")[0].beside == 1


WORDS = [f"{first}{second}" for first in "αβγδε" for second in "αβγδε"]
assert len(WORDS) > MARKS  # more than are counted at once


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6), min_size=12, max_size=40),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
    st.sampled_from([0.0, 1.0, 100.0]),
)
def test_counts_are_those_of_documents(
    tmp_path_factory: pytest.TempPathFactory, documents: list[list[str]], before: list[str], often: float
) -> None:
    """An oracle: sets of words. Terms are counted by themselves, in part, and together."""
    folder = tmp_path_factory.mktemp("counts")
    texts = [" ".join(words) for words in documents]
    with indexed(folder / "index", texts) as index, mock.patch.object(context, "OFTEN", often):
        bridge = index.bridge
        sets, total = [set(words) for words in documents], bridge.lexicon.documents
        df = {word: sum(word in each for each in sets) for word in WORDS}
        telling = [word for word in before if 0 < df[word] <= max(1, 0.1 * total)]
        beside = index._reading().beside(bridge.expand(" ".join(before)).positions)
        assert (beside is None) == (not telling)
        if beside is None:
            return
        asked = {word: count for word, count in df.items() if count}
        for word, found in zip(asked, beside(asked), strict=True):
            share, count = asked[word] / total, 0
            for width in (telling[-1:], telling)[: len(telling)]:
                within = [each for each in sets if each.issuperset(width)]
                count = sum(word in each for each in within)
                share = (count + TRUST * share) / (len(within) + TRUST)
            assert found.documents == count
            assert found.frequency == pytest.approx(share * total)


def test_another_engine_tells_its_own_counts() -> None:
    bridge = Bridge.from_terms({"κόσμε": 2, "κολύμπι": 9, "καλημέρα": 3}, ["el"])
    found = bridge.complete(
        "kalimera ko", 2, lambda words: lambda terms: [Beside(7, 9.0 * (term == "κοσμε")) for term in terms]
    )
    assert terms(found)[0] == "κόσμε" and found[0].beside == 7
    assert bridge.complete("kalimera ko", 2, lambda words: None) == bridge.complete("kalimera ko", 2)


def test_probabilities_are_floats_with_words_before_too(tmp_path: Path) -> None:
    with Index.create(tmp_path / "floats", languages=["el"]) as index:
        index.add([("1", "Μετρό της Αθήνας"), ("2", "μετρό"), ("3", "μετρητά")])
        index.commit()
        (first, *_) = index.complete("athinas met")
        assert first.beside == 1 and type(first.probability) is float
        assert index.complete("athinas met ") == []


@pytest.mark.parametrize(
    ("typed", "term", "language"),
    [("molsherl", "мөлшерлемені", "kk"), ("hij", "хийж", "mn"), ("mobail", "موبائل", "ur")],
)
def test_a_completions_language_is_that_of_documents_that_hold_it(
    typed: str, term: str, language: str, tmp_path: Path
) -> None:
    others = ["ar", "kk", "mn", "sr", "uk", "ur"]
    with Index.create(tmp_path / "six", languages=others) as index:
        index.add([{"id": "1", "text": term, "lang": language}, {"id": "2", "text": "жаңа ақша і мөнгө"}])
        index.commit()
        completed = {each.term: each.language for each in index.complete(typed)}
    assert completed[term] == language
