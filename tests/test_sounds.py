"""Words that are read by what they sound like: forms in the lexicon, homophones, and their channel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptbridge import languages, sounds
from scriptbridge.bridge import Bridge
from scriptbridge.channel import Channel
from scriptbridge.errors import ChannelError, LanguageError, MissingExtraError
from scriptbridge.lexicon import Lexicon
from scriptbridge.sounds import WRITTEN

TOY = """
name = "Toy"
native_name = "字"
scripts = ["Hani"]
letters = "αβγ"
frequent = ["甲"]
sounds = "toy"
spaced = false

[segments]
"α" = { a = 9, e = 1 }
"β" = { b = 1 }
"γ" = { g = 8, k = 2 }
"""

# Two words sound αβ; 乙 has two forms; αγ is written in the letters themselves; 丁 cannot be said.
SPOKEN = {"甲": ["αβ"], "甲乙": ["αβγ"], "丙": ["αβ"], "乙": ["γα", "βα"], "αγ": ["αγ"]}
DF = {"甲": 8, "甲乙": 3, "丙": 1, "乙": 2, "αγ": 5, "丁": 4}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[languages.Language]:
    module = SimpleNamespace(spoken=lambda term: SPOKEN.get(term, []))
    monkeypatch.setattr(sounds, "_module", lambda name: module)
    monkeypatch.setattr(sounds, "modules", lambda: ("toy",))
    sounds.spoken.cache_clear()
    sounds.missing.cache_clear()
    file = tmp_path / "xx.toml"
    file.write_text(TOY, encoding="utf-8")
    yield languages.load_file(file)
    sounds.spoken.cache_clear()
    sounds.missing.cache_clear()


@pytest.fixture
def bridge(toy: languages.Language) -> Bridge:
    return Bridge.from_terms(DF, [Channel.from_scheme(toy)])


def readings(bridge: Bridge, token: str) -> dict[str, float]:
    (position,) = bridge.expand(token).positions
    return {reading.term: reading.probability for reading in position.readings}


# -- forms


def test_forms_come_with_shares_likeliest_first(toy: languages.Language) -> None:
    assert sounds.spoken("toy", "甲") == (("αβ", 1.0),)
    (first, share), (second, rest) = sounds.spoken("toy", "乙")
    assert (first, second) == ("γα", "βα") and share > rest and math.isclose(share + rest, 1.0)
    assert sounds.forms(["甲", "丁"], ["toy", ""]) == {"甲": {"αβ": 1.0}}
    assert sounds.forms(["甲"], [""]) == {}


def test_what_a_package_is_missing_for_has_no_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoken(term: str) -> list[str]:
        raise MissingExtraError("needed: pip install 'scriptbridge[xx]'", "xx")

    monkeypatch.setattr(sounds, "_module", lambda name: SimpleNamespace(spoken=spoken))
    sounds.missing.cache_clear()
    assert sounds.forms(["甲"], ["toy"]) == {}
    assert sounds.missing("toy") == "xx"
    assert sounds.stamp(["toy"]) == "toy?"
    sounds.missing.cache_clear()


def test_a_file_names_a_module_that_is_there(toy: languages.Language, tmp_path: Path) -> None:
    assert (toy.sounds, toy.spaced) == ("toy", False)
    assert (languages.load("el").sounds, languages.load("el").spaced) == ("", True)
    for key, value, complaint in (
        ("sounds", '"x"', "sounds: 'x'; known: toy"),
        ("spaced", "0", "spaced: needs true"),
    ):
        file = tmp_path / "yy.toml"
        lines = [line for line in TOY.splitlines() if not line.startswith(f"{key} =")]
        file.write_text("\n".join([f"{key} = {value}", *lines]), encoding="utf-8")
        with pytest.raises(LanguageError, match=complaint):
            languages.load_file(file)


# -- the lexicon

letters = st.text("abc", min_size=1, max_size=3)
shares = st.sampled_from([0.25, 0.75, 1.0])


@given(
    st.dictionaries(letters, st.integers(0, 99), max_size=8),
    st.dictionaries(letters, st.dictionaries(letters, shares)),
)
def test_every_term_is_found_as_it_is_and_by_its_forms(
    terms: dict[str, int], forms: dict[str, dict[str, float]]
) -> None:
    lexicon = Lexicon.from_terms(terms, forms=forms)
    words = sorted(terms)
    assert [lexicon[i] for i in range(len(lexicon))] == words
    for i, word in enumerate(words):
        assert lexicon.find(word) == i
        for form, share in (forms.get(word) or {word: 1.0}).items():
            node = lexicon.node(form)
            assert node is not None and (i, share) in lexicon.named(int(lexicon.term[node]))
    for word in forms.keys() - terms.keys():
        assert lexicon.find(word) is None
    named = {entry for entry in lexicon.term.tolist() if entry >= 0}
    for entry in named:
        ends = [term for term, _ in lexicon.named(entry)]
        assert lexicon.entry_df[entry] == max(terms[words[term]] for term in ends)


def test_without_forms_nothing_is_shared() -> None:
    lexicon = Lexicon.from_terms({"μουσακασ": 3, "море": 2})
    assert not lexicon.has_forms and lexicon.entry_df is lexicon.df
    assert WRITTEN not in {chr(code) for code in lexicon.alphabet.tolist()}
    assert len(lexicon.nodes("μουσ")) == 1 and lexicon.nodes("x") == []


def test_a_snapshot_keeps_forms(toy: languages.Language, tmp_path: Path) -> None:
    lexicon = Lexicon.from_terms(DF, forms=sounds.forms(DF, ["toy"]))
    lexicon.save(tmp_path / "lexicon", "now")
    kept = Lexicon.load(tmp_path / "lexicon", "now")
    assert kept is not None and kept.has_forms
    for name in ("term", "shared_start", "shared_term", "share"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(lexicon, name))


# -- the channel


def test_a_channel_scores_and_writes_what_a_word_sounds_like(toy: languages.Language) -> None:
    channel = Channel.from_scheme(toy)
    assert Channel.from_bytes(channel.to_bytes(), "xx").sounds == "toy"
    assert set(channel.sample("甲", 9)) <= {"ab", "eb"} and channel.sample("丁") == []
    assert channel.score("甲", "ab") == channel.score("丙", "ab") > channel.score("甲", "eb") > -math.inf
    assert channel.score("丁", "ab") == -math.inf
    likely, unlikely = channel.score("乙", "ga"), channel.score("乙", "ba")
    assert likely > unlikely > -5


def test_a_channel_is_learned_from_what_words_sound_like(toy: languages.Language) -> None:
    learned = Channel.learn(toy, [("甲", "eb", 50), ("αγ", "ek", 50)])
    assert learned.score("丙", "eb") > learned.score("丙", "ab")
    with pytest.raises(ChannelError):
        Channel.learn(toy, [("丁", "a", 1)])


# -- the bridge


def test_homophones_share_what_their_sound_explains(bridge: Bridge) -> None:
    found = readings(bridge, "ab")
    assert list(found)[:2] == ["甲", "丙"] and sum(found.values()) <= 1
    assert found["甲"] / found["丙"] == pytest.approx(8**0.8)


def test_every_form_of_a_word_is_read(bridge: Bridge) -> None:
    assert next(iter(readings(bridge, "ga"))) == next(iter(readings(bridge, "ba"))) == "乙"
    assert readings(bridge, "ga")["乙"] > readings(bridge, "ba")["乙"]
    assert next(iter(readings(bridge, "ag"))) == "αγ"


def test_native_words_stand_as_they_are(bridge: Bridge) -> None:
    assert readings(bridge, "丁") == {"丁": 1.0} and readings(bridge, "甲") == {"甲": 1.0}
    assert readings(bridge, "αβ") == {}  # a form is no word


def test_what_is_typed_is_completed_by_sound_and_as_it_is(bridge: Bridge) -> None:
    assert {each.term for each in bridge.complete("ab")} == {"甲", "甲乙", "丙"}
    assert [each.term for each in bridge.complete("甲")] == ["甲", "甲乙"]
    assert {each.term for each in bridge.complete("αβ")} == {"甲", "甲乙", "丙"}
    assert bridge.deromanize("ab abg")[0].text == "甲 甲乙"


def test_a_lexicon_is_made_again_for_a_new_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    def stamped(version: str) -> str:
        sounds._dictionaries.cache_clear()
        monkeypatch.setattr("importlib.metadata.version", lambda _: version)
        return sounds.stamp(["bopomofo", "", "jamo"])

    assert stamped("1.0") == "bopomofo=1.0 jamo" != stamped("1.1")
    monkeypatch.undo()
    sounds._dictionaries.cache_clear()
