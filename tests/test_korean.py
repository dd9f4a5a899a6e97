"""Korean: particles are told from stems, syllables are read letter by letter."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptbridge import Bridge, particles, segmentation, text
from scriptbridge.sounds import jamo

SYLLABLES = st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("학교에서", "학교 에서"), ("서울은", "서울 은"), ("나무가", "나무 가"), ("강으로", "강 으로"),
        ("기타리스트들에게", "기타리스트 들 에게"), ("무엇인가", "무엇 인가"),
        ("당선되었다", "당선 되 었 다"),
        ("바다", "바다"), ("도시", "도시"), ("대한민국", "대한민국"), ("물는", "물는"),
    ],
)  # fmt: skip
def test_what_is_attached_is_cut_off(word: str, pieces: str) -> None:
    assert particles.cut(word) == tuple(pieces.split())


@given(SYLLABLES)
def test_pieces_are_the_word_and_cut_no_further(word: str) -> None:
    pieces = particles.cut(word)
    assert "".join(pieces) == word
    assert all(particles.cut(piece) == (piece,) for piece in pieces)


def test_a_long_run_is_no_word() -> None:
    assert particles.cut("에서" * 1000) == ("에서" * 1000,)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_tokens_have_their_places(form: str) -> None:
    typed = unicodedata.normalize(form, "1989년 KBS에서는 학교에")  # type: ignore[arg-type]
    tokens = text.tokenize(typed)
    assert [token.text for token in tokens] == ["1989", "년", "kbs", "에서", "는", "학교", "에"]
    for token in tokens:
        assert text.normalize(typed[token.start : token.end]) == token.text
    assert text.terms("학교에서", segmentation.WHOLE) == ["학교에서"]


def test_consonants_of_a_beginning_are_not_those_of_an_end() -> None:
    assert jamo.spoken("각") == ["\u1100\u1161\u11a8"]
    assert jamo.spoken("각a") == jamo.spoken("東") == []


@pytest.mark.parametrize("latin", ["hanguk", "hangug", "hankook", "han'guk"])
def test_schemes_are_one_channel(latin: str) -> None:
    bridge = Bridge.from_terms({"한국": 3, "항구": 3, "한글": 3, "학교": 5}, languages=["ko"])
    assert bridge.deromanize(latin)[0].text == "한국"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("seo-ul", ["서울"]), ("Seo‐ul", ["서울"]), ("han-geul", ["한글"]), ("han'geul", ["한글"]),
        ("ha-nam", ["하남"]), ("gang-a-ji", ["강아지"]), ("jeju-do", ["제주도"]), ("ch'ŏn-an", ["천안"]),
        ("Dae-han-min-guk", ["대한민국"]), ("han-guk", ["한국"]), ("seo-ul-yeok", ["서울", "역"]),
        ("seoul-busan", ["서울", "부산"]), ("han'guk ŭn-haeng", ["한국", "은행"]), ("wi-fi", ["wi", "fi"]),
    ],
)  # fmt: skip
def test_hyphens_and_apostrophes_between_syllables(typed: str, words: list[str]) -> None:
    terms = {
        **{
            "서울": 60,
            "한글": 9,
            "하남": 5,
            "한국": 50,
            "강아지": 4,
            "제주": 20,
            "제주도": 5,
            "천안": 6,
            "역": 40,
        },
        **{
            "부산": 20,
            "은행": 12,
            "대한민국": 15,
            "은": 300,
            "을": 300,
            "세": 40,
            "울": 4,
            "글": 10,
            "한": 50,
        },
        **{"남": 9, "하나": 40, "대": 20, "국": 3, "강": 12, "지": 9, "wi": 3, "fi": 3},
        **{
            f"{a}{b}": 9
            for a in "가나다라마바사아자차카타파하고노도로모보"
            for b in "각난답락만반상앙작찬곡논돕론몸본송옹종촌"
        },
    }
    positions = Bridge.from_terms(terms, ["ko"], documents=1000).expand(typed).positions
    assert [each.readings[0].term if each.readings else "" for each in positions] == words
    assert "".join(typed[each.token.start : each.token.end] for each in positions).replace(
        "-", ""
    ) == typed.replace(" ", "").replace("-", "")
