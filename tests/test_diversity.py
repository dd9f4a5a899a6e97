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
        ("μουσακασ", "μουζακασ", True),
        ("दिन", "दीन", False),
        ("साल", "शाल", False),
        ("काम", "नाम", False),
        ("كلب", "قلب", False),
        ("مكتوب", "مكتوم", False),
        ("كتاب", "كتب", False),
        ("مدرسه", "المدرسه", True),
        ("مدرسه", "مدرسته", False),
        ("مكاتب", "مكتب", False),
        ("שולחן", "השולחן", True),
        ("中国", "中東", False),
        ("θαλασσα", "θαλαμοσ", False),
        ("το", "τα", False),
    ],
)
def test_what_looks_like_one_word(one: str, other: str, same: bool) -> None:
    assert same_word(one, other) == same_word(other, one) == same


def test_both_ways_of_writing_a_word_get_one_place() -> None:
    given_ = [Reading("中国", 0.5), Reading("中國", 0.3), Reading("种果", 0.1)]
    kept = distinct(given_, lambda term: term.replace("國", "国"))
    assert [(each.term, each.probability) for each in kept] == [("中国", 0.8), ("种果", 0.1)]


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


def test_meanings_of_one_romanization_all_stand() -> None:
    bridge = Bridge.from_terms({"كلب": 9, "قلب": 8, "كلبها": 2}, languages=["ar"])
    assert {each.text for each in bridge.deromanize("kalb", 3, diverse=True)} >= {"كلب", "قلب"}


def test_simplified_and_traditional_are_one_meaning() -> None:
    bridge = Bridge.from_terms({"中国": 9, "中國": 8, "种果": 2}, languages=["zh"])
    found = [each.text for each in bridge.deromanize("zhongguo", 3, diverse=True)]
    assert found[:2] == ["中国", "种果"]
