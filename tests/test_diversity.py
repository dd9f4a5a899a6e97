"""Readings that differ in meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptbridge.bridge import Bridge
from scriptbridge.diversity import distinct, same_word
from scriptbridge.types import Reading

readings = st.lists(st.builds(Reading, st.text("αβγ", min_size=1, max_size=6), st.floats(0, 0.1)), max_size=8)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("μουσακασ", "μουσακα", True),
        ("सरकार", "सरकारी", True),
        ("हिंदी", "हिन्दी", True),
        ("και", "κατα", False),
        ("दिन", "दीन", True),
        ("साल", "शाल", True),
        ("θαλασσα", "θαλαμοσ", False),
        ("το", "τα", False),
    ],
)
def test_what_looks_like_one_word(one: str, other: str, same: bool) -> None:
    assert same_word(one, other) == same_word(other, one) == same


@given(readings)
def test_each_word_gets_one_place(given_: list[Reading]) -> None:
    kept = distinct(given_)
    assert sum(each.probability for each in kept) == pytest.approx(sum(each.probability for each in given_))
    assert {each.term for each in kept} <= {each.term for each in given_}
    assert not any(same_word(one.term, other.term) for one in kept for other in kept if one is not other)
    assert [each.probability for each in kept] == sorted((each.probability for each in kept), reverse=True)


def test_alternatives_that_differ_in_meaning() -> None:
    terms = {"θάλασσα": 35, "θάλασσας": 20, "θάλασσες": 10, "καλή": 9, "καλά": 8, "κάλλη": 5}
    bridge = Bridge.from_terms(terms, languages=["el"])
    plain, diverse = bridge.deromanize("kali thalasa", 4), bridge.deromanize("kali thalasa", 4, diverse=True)
    assert plain[0].text == diverse[0].text == "καλή θάλασσα"
    assert sum("θάλασσας" in each.text or "θάλασσες" in each.text for each in diverse) == 0
