"""Native queries over documents that are written in Latin letters."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptbridge import Index, languages
from scriptbridge.bridge import Bridge
from scriptbridge.channel import Channel, romanize
from scriptbridge.lexicon import Lexicon
from scriptbridge.weights import PRIOR, SHARPNESS
from scriptbridge.writing import Speller, is_written

LATIN = {
    "kalimera": 4,
    "mousakas": 3,
    "moussakas": 2,
    "kai": 90,
    "ke": 20,
    "thalassa": 5,
    "8alassa": 2,
    "nisia": 6,
}
ENGLISH = """
    the people of this country have been known for their cooking since the middle ages when traders brought
    spices from the east which they exchanged with farmers along the coast most of what we know about them
    comes from letters written during those years by visitors who wanted everyone to hear what they had seen
""".split()  # noqa: SIM905


def speller(terms: dict[str, int], language: str = "el") -> Speller:
    lexicon = Lexicon.from_terms(terms)
    power = PRIOR / SHARPNESS
    ranks = np.exp2(np.arange(1, 257) / 8) ** power
    return Speller(Channel.load(language), lexicon, (np.maximum(lexicon.df, 1) ** power, ranks))


@cache
def table(code: str) -> oracles.Table:
    return oracles.table_of(Channel.load(code))


@pytest.mark.parametrize("code", ["el", "hi", "ar", "ru"])
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_spellings_are_those_of_the_oracle(code: str, data: st.DataObject) -> None:
    channel = Channel.load(code)
    known = [word for word in languages.load(code).examples if channel.word_rows(word) is not None]
    words = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=6, unique=True))
    terms = {romanize(word, code, seed=seed)[0]: 1 + seed for word in words for seed in range(4)}
    terms = {term: df for term, df in terms.items() if term.isalnum() and term.isascii()}
    if not terms:
        return
    ours = speller(terms, code)
    found = {ours.lexicon[term]: p for term, p in ours.terms(words[0], 50)}
    wanted = {term: oracles.likelihood(table(code), words[0], term) for term in terms}
    scores = {term: p * terms[term] ** (PRIOR / SHARPNESS) for term, p in wanted.items()}
    best = max(scores.values())
    assert all(p == pytest.approx(wanted[term]) for term, p in found.items())
    assert {term for term, score in scores.items() if score > 0.01 * best} <= found.keys()


def test_a_word_is_found_however_it_is_spelled() -> None:
    ours = speller(LATIN)
    assert {ours.lexicon[term] for term, p in ours.terms("μουσακασ", 5) if p > 1e-3} == {
        "mousakas",
        "moussakas",
    }
    assert ours.lexicon[ours.terms("θαλασσα", 5)[0][0]] == "thalassa"
    assert ours.terms("привет", 5) == [] == ours.terms("", 5)


def test_a_native_word_weighs_one_beside_its_latin_spellings() -> None:
    bridge = Bridge.from_terms(LATIN | {"μουσακάς": 7, "και": 3}, ["el"])
    bridge._variants.__dict__["spellers"] = [
        Speller(bridge.channels[0], bridge.lexicon, bridge._decoders[0].powers)
    ]
    (position,) = bridge.expand("μουσακάς").positions
    weights = {reading.term: reading.weight for reading in position.readings}
    assert weights["μουσακάς"] == 1.0
    assert 0 < weights["mousakas"] <= 1
    assert sum(reading.probability for reading in position.readings) <= 1
    assert bridge.deromanize("μουσακάς")[0].text == "μουσακάς"


def romanized(code: str) -> dict[str, int]:
    words = languages.load(code).examples
    return {latin: 3 for seed, word in enumerate(words) for latin in romanize(word, code, seed=seed) if latin}


@pytest.mark.parametrize("code", ["el", "ru", "ta", "fa", "hi"])
def test_romanized_documents_are_noticed(code: str) -> None:
    channel = Channel.load(code)
    assert is_written(channel, Lexicon.from_terms(romanized(code)))
    native = dict.fromkeys(languages.load(code).examples, 9)
    assert not is_written(channel, Lexicon.from_terms(native | dict.fromkeys(ENGLISH[:3], 1)))
    assert not is_written(channel, Lexicon.from_terms(native))
    assert not is_written(channel, Lexicon.from_terms({}))


@pytest.mark.parametrize("code", ["el", "ru", "ta", "fa", "hi", "bn", "ur", "ar", "si", "gu"])
def test_english_is_not_romanized_text(code: str) -> None:
    assert not is_written(Channel.load(code), Lexicon.from_terms(dict.fromkeys(ENGLISH, 3)))
    native = dict.fromkeys(languages.load(code).examples, 3)
    assert not is_written(Channel.load(code), Lexicon.from_terms(native | dict.fromkeys(ENGLISH, 3)))


def test_romanized_text_is_noticed_beside_english() -> None:
    mixed = dict.fromkeys(ENGLISH, 1) | dict.fromkeys(romanized("hi"), 30)
    assert is_written(Channel.load("hi"), Lexicon.from_terms(mixed))


def test_a_native_query_finds_documents_of_both_kinds(tmp_path: Path) -> None:
    with Index.create(tmp_path / "index", languages=["ru"]) as index:
        index.add([(f"{n}", latin) for n, latin in enumerate(romanized("ru"))])
        index.add([("latin", "xoroshaya pogoda v moskve"), ("native", "хорошая погода в Москве")])
        index.commit()
        found = [hit.id for hit in index.search("хорошая погода")]
        assert found[0] == "native"
        assert "latin" in found
