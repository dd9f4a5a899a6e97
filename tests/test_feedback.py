"""Readings that the documents tell apart."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptbridge import decoding, feedback
from scriptbridge.index import Index
from scriptbridge.types import Position, Reading, Token


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """μιλώ (I speak) and μήλο (an apple) are both typed milo; μιλώ is in more documents."""
    made = Index.create(tmp_path / "index", languages=["el"])
    texts = ["Το μήλο και το δέντρο", *(f"Μιλώ ελληνικά {number}" for number in range(20))]
    made.add((str(number), text) for number, text in enumerate(texts))
    made.commit()
    return made


def test_documents_choose_among_readings(index: Index) -> None:
    assert index.bridge.deromanize("milo dentro")[0].text == "μιλώ δέντρο"
    assert index.deromanize("milo dentro")[0].text == "μήλο δέντρο"
    assert index.deromanize("milo ellinika")[0].text == "μιλώ ελληνικά"


def test_a_query_is_decoded_once(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    decode = decoding.decode

    def counted(decoders: Any, languages: Any, token: str, n: int) -> Any:
        decoded.append(token)
        return decode(decoders, languages, token, n)

    monkeypatch.setattr("scriptbridge.decoding.decode", counted)
    assert index.deromanize("milo dentro")[0].text == "μήλο δέντρο"
    assert decoded == ["milo", "dentro"]


def test_what_documents_do_not_have_stays(index: Index) -> None:
    for query in ("", "qqqq", "milo", "μήλο", "... milo!"):
        alone, helped = index.bridge.deromanize(query, 3), index.deromanize(query, 3)
        assert {each.text for each in helped} == {each.text for each in alone}


def test_documents_know_what_a_search_of_all_terms_gave_up_on(index: Index) -> None:
    """δέντρο typed as hardly anyone would; the apple finds the tree."""
    assert index.deromanize("milo ntentro")[0].text == "μήλο δέντρο"


def test_words_of_one_document_are_chosen_together() -> None:
    positions = [
        Position(Token(name, 0, 1, "Latn"), (Reading(f"{name}1", 0.4), Reading(f"{name}2", 0.4)))
        for name in "abc"
    ]
    documents = [{"a1", "b1", "z"}, {"a2", "b2", "c2"}]
    first, second = feedback.asking(positions, documents, lambda term: 0.01)
    assert [each.readings[0].term for each in first.positions] == ["a2", "b2", "c2"]
    assert [each.readings[0].term for each in second.positions][:2] == ["a1", "b1"]
    held, other = 0.9 * 100 / 3 + 0.1, 0.1  # P(word | document) / P(word)
    word, none = 0.4 * held + 0.6 * other, other
    assert first.probability / second.probability == pytest.approx(word / none)
    assert first.positions[0].readings[0].probability == pytest.approx(0.4 * held / word)


probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=5).map(
    lambda given: [each / max(1.0, math.fsum(given)) for each in given]
)
letters = st.sampled_from("abcde")


@given(probabilities, st.lists(st.sets(letters), max_size=3))
def test_probabilities_stay_probabilities(given: list[float], documents: list[set[str]]) -> None:
    readings = tuple(Reading(term, probability) for term, probability in zip("abcde", given, strict=False))
    found = feedback.asking([Position(Token("x", 0, 1, "Latn"), readings)], documents, lambda term: 0.1)
    assert len(found) == len(documents)
    assert math.fsum(each.probability for each in found) == pytest.approx(1.0 if found else 0.0)
    for each in found:
        after = [reading.probability for reading in each.positions[0].readings]
        assert math.fsum(after) <= 1 + 1e-12
        assert after == sorted(after, reverse=True)
        assert {reading.term for reading in each.positions[0].readings} <= {each.term for each in readings}
