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


probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=5).map(
    lambda given: [each / max(1.0, math.fsum(given)) for each in given]
)


@given(probabilities, st.dictionaries(st.sampled_from("abcde"), st.floats(0, 1)))
def test_probabilities_stay_probabilities(given: list[float], support: dict[str, float]) -> None:
    readings = tuple(Reading(term, probability) for term, probability in zip("abcde", given, strict=False))
    position = feedback.reweighted(Position(Token("x", 0, 1, "Latn"), readings), support)
    after = [each.probability for each in position.readings]
    assert math.fsum(after) <= 1 + 1e-12
    assert after == sorted(after, reverse=True)
    assert {each.term for each in position.readings} == {each.term for each in readings}
